// send and read: the frames that become commands. Checked here as far as the gateway can tell, decided by the entities.
import {
  type ConversationAddress,
  type ErrorName,
  clientMessageIdPattern,
  internal,
  parseConversation,
  type parley,
  peerOf,
  wire,
} from '@parley/protocol';
import { type EntityAddress, utf8Bytes } from '@parley/std';
import type { ClientConnection, ConnectionOwner } from '../connection/client-connection.ts';
import type { ConversationHeads } from '../sync/conversation-heads.ts';
import type { KnownUsers } from './known-users.ts';
import type { ShardCommands } from './shard-commands.ts';

export interface PostingLimits {
  readonly textBytesMax: number;
  readonly commandsPerConnectionMax: number;
}

export interface PostingParts {
  readonly commands: ShardCommands;
  readonly knownUsers: KnownUsers;
  readonly heads: ConversationHeads;
  readonly limits: PostingLimits;
}

type Send = parley.v1.Send.$Properties;

export class Posting {
  readonly #parts: PostingParts;

  constructor(parts: PostingParts) {
    this.#parts = parts;
  }

  send(
    connection: ClientConnection,
    owner: ConnectionOwner,
    requestId: number,
    send: Send,
  ): void | Promise<void> {
    const conversation = parseConversation(send.conversation ?? '');
    const flaw = conversation === undefined ? 'BAD_ID' : flawOf(send, this.#parts.limits.textBytesMax);
    if (conversation === undefined || flaw !== undefined) return connection.fail(requestId, flaw ?? 'BAD_ID');
    const postMessage = {
      sender: owner.user,
      clientMessageId: send.clientMessageId,
      text: send.text,
      afterClientMessageId: send.afterClientMessageId,
    };
    const address = { type: conversation.type, tenant: owner.tenant, id: conversation.id };
    if (conversation.type === 'group') {
      return this.#forward(
        connection,
        requestId,
        address,
        internal.GroupCommand.encode({ postMessage }).finish(),
      );
    }
    const payload = internal.DirectCommand.encode({ postMessage }).finish();
    return this.#sendDirect(connection, owner, { requestId, conversation, address, payload });
  }

  async read(
    connection: ClientConnection,
    owner: ConnectionOwner,
    requestId: number,
    read: parley.v1.Read.$Properties,
  ) {
    const conversation = read.conversation ?? '';
    const sequence = read.sequence ?? 0;
    if (parseConversation(conversation) === undefined) return connection.fail(requestId, 'BAD_ID');
    if (sequence === 0) return connection.fail(requestId, 'BAD_REQUEST', 'A sequence is needed.');
    let head: number | undefined;
    if (connection.liveGroups.has(conversation)) {
      // The user entity does not see a large group's messages: its head is asked, and unread counted, here.
      const asked = await this.#parts.heads.ask(owner, conversation);
      if (!connection.isOpen) return;
      if (!asked.ok) return connection.fail(requestId, asked.error.code);
      if (!asked.value.isMember) return connection.fail(requestId, 'NOT_A_MEMBER');
      if (sequence > asked.value.head) return connection.fail(requestId, 'SEQUENCE_FROM_FUTURE');
      head = asked.value.head;
    }
    const payload = internal.UserCommand.encode({ readConversation: { conversation, sequence } }).finish();
    const address = { type: 'user', tenant: owner.tenant, id: owner.user };
    const countUnread = head === undefined ? undefined : (body: Uint8Array) => withUnread(body, head);
    this.#forward(connection, requestId, address, payload, countUnread);
  }

  #sendDirect(connection: ClientConnection, owner: ConnectionOwner, post: DirectPost): void | Promise<void> {
    const { conversation, requestId, address, payload } = post;
    if (conversation.first !== owner.user && conversation.second !== owner.user) {
      return connection.fail(requestId, 'NOT_A_MEMBER');
    }
    const peer = peerOf(conversation, owner.user);
    if (peer === owner.user || this.#parts.knownUsers.has(owner.tenant, peer)) {
      return this.#forward(connection, requestId, address, payload);
    }
    return this.#parts.knownUsers.exists(owner.tenant, peer).then((exists) => {
      if (!connection.isOpen) return;
      if (!exists.ok) return connection.fail(requestId, exists.error);
      if (!exists.value) return connection.fail(requestId, 'USER_NOT_FOUND');
      this.#forward(connection, requestId, address, payload);
    });
  }

  #forward(
    connection: ClientConnection,
    requestId: number,
    address: EntityAddress,
    payload: Uint8Array,
    adapt?: (body: Uint8Array) => Uint8Array,
  ): void {
    if (requestId === 0) return this.#parts.commands.commandWithoutReply(address, payload);
    const { commandsPerConnectionMax } = this.#parts.limits;
    if (connection.commandsInFlight >= commandsPerConnectionMax) return connection.fail(requestId, 'BUSY');
    const refusal = this.#parts.commands.command(address, payload, (reply) => {
      connection.commandsInFlight--;
      if (!connection.isOpen) return;
      if (reply.outcome === 'timeout') return connection.fail(requestId, 'TIMEOUT');
      const body = adapt === undefined ? reply.body : adapt(reply.body);
      connection.outbox.reply(connection.codec.reply(requestId, body));
    });
    if (refusal === undefined) connection.commandsInFlight++;
    else connection.fail(requestId, refusal);
  }
}

interface DirectPost {
  readonly requestId: number;
  readonly conversation: Extract<ConversationAddress, { type: 'direct' }>;
  readonly address: EntityAddress;
  readonly payload: Uint8Array;
}

function flawOf(send: Send, textBytesMax: number): ErrorName | undefined {
  if (!clientMessageIdPattern.test(send.clientMessageId ?? '')) return 'BAD_ID';
  const after = send.afterClientMessageId ?? '';
  if (after !== '' && !clientMessageIdPattern.test(after)) return 'BAD_ID';
  const text = send.text ?? '';
  if (text === '') return 'TEXT_EMPTY';
  // A UTF-16 unit is at most three bytes of UTF-8: short texts need no count.
  if (text.length * 3 > textBytesMax && utf8Bytes(text) > textBytesMax) return 'TEXT_TOO_LARGE';
  return undefined;
}

function withUnread(body: Uint8Array, head: number): Uint8Array {
  const frame = wire.ServerFrame.decode(body);
  if (frame.readDone) frame.readDone.unread = Math.max(0, head - (frame.readDone.sequence ?? 0));
  return wire.ServerFrame.encode(frame).finish();
}
