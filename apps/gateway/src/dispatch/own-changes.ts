// set_conversation, delete_for_me and clear_history: what a person makes of their own conversations. Decided by the user entity.
import { type ErrorName, internal, parseConversation, type parley } from '@parley/protocol';
import type { EntityAddress } from '@parley/std';
import type { ClientConnection, ConnectionOwner } from '../connection/client-connection.ts';
import type { ConversationHeads } from '../sync/conversation-heads.ts';

export interface OwnChangesParts {
  readonly heads: ConversationHeads;
  /** To the entity, and its answer to the connection. */
  forward(connection: ClientConnection, requestId: number, address: EntityAddress, payload: Uint8Array): void;
}

/** Messages one `delete_for_me` may name. Above: refused with BAD_REQUEST. */
const sequencesMax = 100;

type UserCommand = parley.internal.v1.UserCommand.$Properties;

export class OwnChanges {
  readonly #parts: OwnChangesParts;

  constructor(parts: OwnChangesParts) {
    this.#parts = parts;
  }

  set(
    connection: ClientConnection,
    owner: ConnectionOwner,
    requestId: number,
    { conversation, settings, fields }: parley.v1.SetConversation.$Properties,
  ): Promise<void> {
    return this.#tell(connection, owner, { requestId, conversation }, (head) => ({
      setConversation: { conversation, settings: settings ?? {}, fields, head },
    }));
  }

  deleteForMe(
    connection: ClientConnection,
    owner: ConnectionOwner,
    requestId: number,
    { conversation, sequences }: parley.v1.DeleteForMe.$Properties,
  ): Promise<void> {
    const deleted = sequences ?? [];
    const flaw = deleted.length === 0 || deleted.length > sequencesMax ? 'BAD_REQUEST' : undefined;
    return this.#tell(connection, owner, { requestId, conversation, flaw }, (head) => ({
      narrowView: { conversation, deleted, head },
    }));
  }

  clear(
    connection: ClientConnection,
    owner: ConnectionOwner,
    requestId: number,
    { conversation, through }: parley.v1.ClearHistory.$Properties,
  ): Promise<void> {
    const flaw = through ? undefined : 'BAD_REQUEST';
    return this.#tell(connection, owner, { requestId, conversation, flaw }, (head) => ({
      narrowView: { conversation, clearedThrough: through, head },
    }));
  }

  async #tell(
    connection: ClientConnection,
    owner: ConnectionOwner,
    {
      requestId,
      conversation = '',
      flaw,
    }: {
      readonly requestId: number;
      readonly conversation?: string | null | undefined;
      readonly flaw?: ErrorName | undefined;
    },
    commandAt: (head: number) => UserCommand,
  ): Promise<void> {
    if (parseConversation(conversation ?? '') === undefined) return connection.fail(requestId, 'BAD_ID');
    if (flaw !== undefined) return connection.fail(requestId, flaw);
    let head = 0;
    if (connection.liveGroups.has(conversation ?? '')) {
      // The user entity does not see a large group's messages.
      const asked = await this.#parts.heads.ask(owner, conversation ?? '');
      if (!connection.isOpen) return;
      if (!asked.ok) return connection.fail(requestId, asked.error.code);
      head = asked.value.head;
    }
    const address = { type: 'user', tenant: owner.tenant, id: owner.user };
    const payload = internal.UserCommand.encode(commandAt(head)).finish();
    this.#parts.forward(connection, requestId, address, payload);
  }
}
