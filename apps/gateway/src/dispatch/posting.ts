// send and read: the frames that become commands. Checked here as far as the gateway can tell, decided by the entities.
import {
  type ConversationAddress,
  type ErrorName,
  type PlainSend,
  clientMessageIdPattern,
  idPattern,
  internal,
  parseConversation,
  type parley,
  wire,
} from '@parley/protocol';
import { type EntityAddress, utf8Bytes } from '@parley/std';
import type { ClientConnection, ConnectionOwner } from '../connection/client-connection.ts';
import { type Screen, type VerdictFields, verdictFields } from '../safety/screen.ts';
import type { Sealing } from '../sealing/sealing.ts';
import type { ConversationHeads, Head } from '../sync/conversation-heads.ts';
import type { Changing } from './changing.ts';
import type { GroupReads } from './group-reads.ts';
import type { KnownUsers } from './known-users.ts';
import type { ShardCommands } from './shard-commands.ts';
import type { ShardLine } from './shard-line.ts';
import { type Talk, isOf, peerIn, talkOf } from './talk.ts';

export interface PostingLimits {
  readonly textBytesMax: number;
  readonly commandsPerConnectionMax: number;
}

export interface PostingParts {
  readonly commands: ShardCommands;
  readonly knownUsers: KnownUsers;
  readonly heads: ConversationHeads;
  readonly groupReads: GroupReads;
  readonly limits: PostingLimits;
  readonly screen: Screen;
  /** Knows the messages that others refer to. */
  changing(): Pick<Changing, 'sourceOf'>;
  /** Absent: no tenant seals. */
  readonly sealing?: Sealing | undefined;
}

type Send = parley.v1.Send.$Properties;
/** With the verdict of the word filter, if it has anything to say. */
type Screened = Send & Partial<Pick<VerdictFields, 'flags' | 'isRefused'>>;

interface Request<S> {
  readonly requestId: number;
  readonly send: S;
  readonly flaw?: ErrorName | undefined;
}

/** `post_message` is the first field of the commands of directs and of groups. */
const postMessageTag = 0x0a;

export class Posting {
  readonly #parts: PostingParts;

  constructor(parts: PostingParts) {
    this.#parts = parts;
  }

  /** The usual send, from frame to command as bytes. False: nothing was done, `send` has to look at it. */
  sendPlain(
    connection: ClientConnection,
    owner: ConnectionOwner,
    frame: Uint8Array,
    send: PlainSend,
  ): boolean {
    // Their texts are looked at, or sealed, first.
    const { screen, sealing } = this.#parts;
    if (screen.has(owner.tenant) || sealing?.seals(owner.tenant)) return false;
    const talk = this.#talk(connection, owner, frame, send);
    if (talk === undefined || send.textBytes > this.#parts.limits.textBytesMax) return false;
    this.#post(connection, talk, send.requestId, frame.subarray(send.fieldsStart, send.fieldsEnd));
    return true;
  }

  send(
    connection: ClientConnection,
    owner: ConnectionOwner,
    requestId: number,
    send: Send,
  ): void | Promise<void> {
    const flaw = flawOf(send, this.#parts.limits.textBytesMax);
    const { forwardedFrom } = send.rich ?? {};
    if (flaw !== undefined || forwardedFrom == null) {
      return this.#sendScreened(connection, owner, { requestId, send, flaw });
    }
    return this.#parts
      .changing()
      .sourceOf(connection, owner, forwardedFrom)
      .then((source) => {
        if (!connection.isOpen) return;
        if (!source.ok && !isGone(source.error)) return connection.fail(requestId, source.error);
        // What is gone cannot be forwarded, but a repeated send gets its first answer: the entity knows.
        const content = source.ok ? source.value : { rich: { forwardedFrom: {} } };
        return this.#sendScreened(connection, owner, { requestId, send: { ...send, ...content }, flaw });
      });
  }

  /** What the word filter says of the text comes first: sealed, nobody could look at it. */
  #sendScreened(
    connection: ClientConnection,
    owner: ConnectionOwner,
    { requestId, send, flaw }: Request<Send>,
  ): void | Promise<void> {
    const { sealing, screen } = this.#parts;
    const screened: Screened = { ...send, ...verdictFields(screen, owner.tenant, send.text) };
    const conversation = send.conversation ?? '';
    const isNothing =
      flaw !== undefined || screened.isRefused || parseConversation(conversation) === undefined;
    const rich = send.rich ?? undefined;
    const isGone = rich?.forwardedFrom != null && !rich.forwardedFrom.sender;
    if (sealing?.seals(owner.tenant) !== true || isNothing || isGone)
      return this.#sendChecked(connection, owner, { requestId, send: screened, flaw });
    const place = { tenant: owner.tenant, user: owner.user, conversation };
    const content = { text: screened.text ?? '', ...(rich && { rich }) };
    return sealing.seal(content, place, send.clientMessageId ?? '').then((sealed) => {
      if (!connection.isOpen) return;
      if (!sealed.ok) return connection.fail(requestId, sealed.error.code, sealed.error.message);
      // The words that were found are a piece of what is sealed.
      const { flags: _, ...kept } = screened;
      return this.#sendChecked(connection, owner, { requestId, send: { ...kept, ...sealed.value.content } });
    });
  }

  #sendChecked(
    connection: ClientConnection,
    owner: ConnectionOwner,
    { requestId, send, flaw }: Request<Screened>,
  ): void | Promise<void> {
    const id = send.conversation ?? '';
    const talk = flaw === undefined && requestId !== 0 ? this.#talkIn(connection, owner, id) : undefined;
    const { clientMessageId, text, afterClientMessageId, rich, flags, isRefused } = send;
    const post = { clientMessageId, text, afterClientMessageId, rich, flags, isRefused };
    if (talk !== undefined) {
      return this.#post(connection, talk, requestId, internal.PostMessage.encode(post).finish());
    }
    const conversation = parseConversation(id);
    if (conversation === undefined) return connection.fail(requestId, 'BAD_ID');
    if (flaw !== undefined) return connection.fail(requestId, flaw);
    const postMessage = { sender: owner.user, ...post };
    const address = { type: conversation.type, tenant: owner.tenant, id: conversation.id };
    if (conversation.type === 'group') {
      return this.forward(
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
    let large: Head | undefined;
    if (connection.liveGroups.has(conversation)) {
      // The user entity does not see a large group's messages: its head is asked, and unread counted, here.
      const asked = await this.#parts.heads.ask(owner, conversation, sequence);
      if (!connection.isOpen) return;
      if (!asked.ok) return connection.fail(requestId, asked.error.code);
      if (!asked.value.isMember) return connection.fail(requestId, 'NOT_A_MEMBER');
      if (sequence > asked.value.head) return connection.fail(requestId, 'SEQUENCE_FROM_FUTURE');
      large = asked.value;
    }
    const payload = internal.UserCommand.encode({ readConversation: { conversation, sequence } }).finish();
    const address = { type: 'user', tenant: owner.tenant, id: owner.user };
    const group = parseConversation(conversation);
    if (group?.type !== 'group') return this.forward(connection, requestId, address, payload);
    this.forward(connection, requestId, address, payload, (body) => {
      const { readDone } = wire.ServerFrame.decode(body);
      if (readDone) this.#parts.groupReads.note(owner, group.id, readDone.sequence ?? 0);
      return large === undefined ? body : withUnread(body, large);
    });
  }

  #sendDirect(connection: ClientConnection, owner: ConnectionOwner, post: DirectPost): void | Promise<void> {
    const { conversation, requestId, address, payload } = post;
    const peer = peerIn(conversation, owner.user);
    if (peer === undefined) return connection.fail(requestId, 'NOT_A_MEMBER');
    if (peer === owner.user || this.#parts.knownUsers.has(owner.tenant, peer, owner.user)) {
      return this.forward(connection, requestId, address, payload);
    }
    return this.#parts.knownUsers.mayWrite(owner.tenant, peer, owner.user).then((may) => {
      if (!connection.isOpen) return;
      if (!may.ok) return connection.fail(requestId, may.error);
      this.forward(connection, requestId, address, payload);
    });
  }

  /** A command to its entity, and the answer to the connection. */
  forward(
    connection: ClientConnection,
    requestId: number,
    address: EntityAddress,
    payload: Uint8Array,
    adapt?: (body: Uint8Array) => Uint8Array,
  ): void {
    if (requestId === 0) return this.#parts.commands.commandWithoutReply(address, payload);
    const line = this.#parts.commands.lineOf(address);
    const request = this.#open(connection, line, requestId, adapt);
    if (request !== undefined) line.add('command', request, address, payload);
  }

  /** `fields`: those of `PostMessage` that follow the sender, encoded. */
  #post(connection: ClientConnection, talk: Talk, requestId: number, fields: Uint8Array): void {
    const { line, address, sender } = talk;
    const request = this.#open(connection, line, requestId);
    if (request === undefined) return;
    const messageBytes = sender.length + fields.length;
    line
      .begin('command', request, address, 1 + varintBytes(messageBytes) + messageBytes)
      .varint(postMessageTag)
      .varint(messageBytes)
      .raw(sender)
      .raw(fields);
  }

  /** Admits a command of the connection. undefined: it was refused, and the client told. */
  #open(
    connection: ClientConnection,
    line: ShardLine,
    requestId: number,
    adapt?: (body: Uint8Array) => Uint8Array,
  ): number | undefined {
    const isBusy = connection.commandsInFlight >= this.#parts.limits.commandsPerConnectionMax;
    const request = isBusy
      ? 'BUSY'
      : this.#parts.commands.open(line, (reply) => {
          connection.commandsInFlight--;
          if (!connection.isOpen) return;
          if (reply.outcome === 'timeout') return connection.fail(requestId, 'TIMEOUT');
          const body = adapt === undefined ? reply.body : adapt(reply.body);
          connection.outbox.reply(connection.codec.reply(requestId, body));
        });
    if (typeof request === 'string') {
      connection.fail(requestId, request);
      return undefined;
    }
    connection.commandsInFlight++;
    return request;
  }

  /** undefined when the sender may not post there, or nobody has asked yet whether the other one exists. */
  #talk(
    connection: ClientConnection,
    owner: ConnectionOwner,
    frame: Uint8Array,
    { conversationStart: start, conversationEnd: end }: PlainSend,
  ): Talk | undefined {
    if (connection.talk !== undefined && isOf(connection.talk, frame, start, end)) return connection.talk;
    return this.#talkIn(connection, owner, asciiOf(frame.subarray(start, end)));
  }

  #talkIn(connection: ClientConnection, owner: ConnectionOwner, id: string): Talk | undefined {
    if (connection.talk?.id === id) return connection.talk;
    const address = parseConversation(id);
    if (address === undefined) return undefined;
    if (address.type === 'direct') {
      const peer = peerIn(address, owner.user);
      const isKnown =
        peer === owner.user ||
        (peer !== undefined && this.#parts.knownUsers.has(owner.tenant, peer, owner.user));
      if (!isKnown) return undefined;
    }
    const line = this.#parts.commands.lineOf({ type: address.type, tenant: owner.tenant, id: address.id });
    return (connection.talk = talkOf(owner, { id, address, line }));
  }
}

interface DirectPost {
  readonly requestId: number;
  readonly conversation: Extract<ConversationAddress, { type: 'direct' }>;
  readonly address: EntityAddress;
  readonly payload: Uint8Array;
}

/** Ids are ASCII: other bytes become characters that no id has. */
const asciiOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');

const varintBytes = (value: number): number => (value < 128 ? 1 : value < 16_384 ? 2 : 3);

function flawOf(send: Send, textBytesMax: number): ErrorName | undefined {
  if (!clientMessageIdPattern.test(send.clientMessageId ?? '')) return 'BAD_ID';
  const after = send.afterClientMessageId ?? '';
  if (after !== '' && !clientMessageIdPattern.test(after)) return 'BAD_ID';
  const text = send.text ?? '';
  const flaw = send.rich == null ? undefined : flawOfRich(send, send.rich);
  if (flaw !== undefined) return flaw;
  // What a message may be without a text, the entity knows.
  if (text === '' && send.rich == null) return 'TEXT_EMPTY';
  // A UTF-16 unit is at most three bytes of UTF-8: short texts need no count.
  if (text.length * 3 > textBytesMax && utf8Bytes(text) > textBytesMax) return 'TEXT_TOO_LARGE';
  return undefined;
}

const isGone = (code: ErrorName): boolean => code === 'MESSAGE_NOT_FOUND' || code === 'MESSAGE_RECALLED';

function flawOfRich(send: Send, rich: parley.v1.RichContent.$Properties): ErrorName | undefined {
  const { mentions, contactCard, forwardedFrom, ...others } = rich;
  // Only gateways seal.
  if (rich.sealed != null) return 'BAD_CONTENT';
  if ((mentions ?? []).some((user) => !idPattern.test(user))) return 'BAD_ID';
  if (contactCard != null && !idPattern.test(contactCard.user ?? '')) return 'BAD_ID';
  if (forwardedFrom == null) return undefined;
  if (parseConversation(forwardedFrom.conversation ?? '') === undefined) return 'BAD_ID';
  // Text and attachment are those of the message that is forwarded.
  const isMore = contactCard != null || send.text || mentions?.length || Object.values(others).some(Boolean);
  return isMore ? 'BAD_CONTENT' : undefined;
}

function withUnread(body: Uint8Array, { head, mentioned }: Head): Uint8Array {
  const frame = wire.ServerFrame.decode(body);
  const { readDone } = frame;
  if (readDone) {
    const read = readDone.sequence ?? 0;
    readDone.unread = Math.max(0, head - read);
    readDone.unreadMentions = mentioned.filter((sequence) => sequence > read).length;
  }
  return wire.ServerFrame.encode(frame).finish();
}
