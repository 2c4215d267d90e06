// edit, recall, react, pin, and the source of a forwarded message: what is about an earlier message needs that message first. It is
// read as its sender's client would read it, so nobody learns of or changes what they may not see, and goes to the entity
// as a fact of the command: the entity has only the newest messages in memory.
import type { ChangeWindow } from '@parley/domain';
import {
  type ErrorName,
  clientMessageIdPattern,
  errorCodes,
  idPattern,
  internal,
  parseConversation,
  type parley,
} from '@parley/protocol';
import { type EntityAddress, type Result, err, ok, utf8Bytes } from '@parley/std';
import type { ClientConnection, ConnectionOwner } from '../connection/client-connection.ts';
import { type Screen, verdictFields } from '../safety/screen.ts';
import { attachmentOf, sealOf } from '../sealing/sealed-message.ts';
import type { Sealing } from '../sealing/sealing.ts';
import type { ConversationPages } from '../sync/conversation-pages.ts';
import type { Message } from '../sync/message-bodies.ts';
import { peerIn } from './talk.ts';

/** The tenant's limits of time; the same for all tenants of this cluster until they have settings of their own. */
export interface ChangeWindows {
  readonly edit: ChangeWindow;
  readonly recall: ChangeWindow;
}

const hourMs = 3_600_000;

/** For a day a text may be put right, for an hour it may be taken back; managers look after a group for a week. */
export const changeWindows: ChangeWindows = {
  edit: { ownMs: 24 * hourMs, managerMs: 7 * 24 * hourMs },
  recall: { ownMs: hourMs, managerMs: 7 * 24 * hourMs },
};

export interface ChangingParts {
  readonly pages: ConversationPages;
  /** Absent: no tenant seals. */
  readonly sealing?: Sealing | undefined;
  readonly windows: ChangeWindows;
  readonly screen: Screen;
  readonly limits: { readonly textBytesMax: number; readonly readsPerConnectionMax: number };
  /** To the entity, and its answer to the connection. */
  forward(connection: ClientConnection, requestId: number, address: EntityAddress, payload: Uint8Array): void;
}

type Edit = parley.v1.Edit.$Properties;
type Recall = parley.v1.Recall.$Properties;
type React = parley.v1.React.$Properties;
type Pin = parley.v1.Pin.$Properties;
type RichContent = parley.v1.RichContent.$Properties;
/** Instead of what the client has sent. */
type EditContent = Partial<Pick<parley.internal.v1.EditMessage.$Properties, 'text' | 'sealed'>>;
/** The body of DirectCommand and of GroupCommand alike. */
type ChangeCommand = Pick<
  parley.internal.v1.DirectCommand.$Properties,
  'editMessage' | 'recallMessage' | 'reactToMessage' | 'pinMessage'
>;

export class Changing {
  readonly #parts: ChangingParts;

  constructor(parts: ChangingParts) {
    this.#parts = parts;
  }

  edit(
    connection: ClientConnection,
    owner: ConnectionOwner,
    requestId: number,
    edit: Edit,
  ): void | Promise<void> {
    const flaw = flawOfEdit(edit, this.#parts.limits.textBytesMax);
    if (flaw !== undefined) return connection.fail(requestId, flaw);
    // Before it is sealed: then nobody could look at it, and the words that were found are a piece of it.
    const verdict = verdictFields(this.#parts.screen, owner.tenant, edit.text);
    const screened = { ...edit, ...(verdict && { text: verdict.text }) };
    const { clientMessageId, sequence, text, mentions, mentionsAll } = screened;
    return this.#change(connection, owner, { requestId, edit: screened }, (target, content) => ({
      editMessage: {
        sender: owner.user,
        clientMessageId,
        sequence,
        text,
        mentions,
        mentionsAll,
        flags: content.sealed === undefined ? verdict?.flags : undefined,
        isRefused: verdict?.isRefused,
        ...content,
        target,
        window: { ...this.#parts.windows.edit },
      },
    }));
  }

  recall(
    connection: ClientConnection,
    owner: ConnectionOwner,
    requestId: number,
    recall: Recall,
  ): void | Promise<void> {
    if (!clientMessageIdPattern.test(recall.clientMessageId ?? ''))
      return connection.fail(requestId, 'BAD_ID');
    const { clientMessageId, sequence } = recall;
    return this.#change(connection, owner, { requestId, edit: recall }, (target) => ({
      recallMessage: {
        sender: owner.user,
        clientMessageId,
        sequence,
        target,
        window: { ...this.#parts.windows.recall },
      },
    }));
  }

  react(
    connection: ClientConnection,
    owner: ConnectionOwner,
    requestId: number,
    react: React,
  ): void | Promise<void> {
    const { sequence, emoji, remove } = react;
    return this.#change(connection, owner, { requestId, edit: react }, (target) => ({
      reactToMessage: { sender: owner.user, sequence, emoji, isRemoved: remove, target },
    }));
  }

  pin(
    connection: ClientConnection,
    owner: ConnectionOwner,
    requestId: number,
    pin: Pin,
  ): void | Promise<void> {
    const { sequence, unpin } = pin;
    return this.#change(connection, owner, { requestId, edit: pin }, (target) => ({
      pinMessage: { sender: owner.user, sequence, isRemoved: unpin, target },
    }));
  }

  /** What a forwarded message is: text and attachment of the one it names, and who wrote that first. */
  async sourceOf(
    connection: ClientConnection,
    owner: ConnectionOwner,
    { conversation, sequence }: parley.v1.Forward.$Properties,
  ): Promise<Result<{ text: string; rich: RichContent }, ErrorName>> {
    const source = await this.#read(connection, owner, {
      conversation: conversation ?? '',
      sequence: sequence ?? 0,
    });
    if (!source.ok) return source;
    const shown = await this.#open(owner, source.value);
    if (!shown.ok) return shown;
    const { text, rich, sender, sentAtMs, isRecalled } = shown.value;
    if (isRecalled) return err('MESSAGE_RECALLED');
    if (text == null || shown.value.isErased) return err('MESSAGE_NOT_FOUND');
    const { mentions: _, mentionsAll: __, replyTo: ___, forwardedFrom, ...attachment } = rich ?? {};
    const first = forwardedFrom ?? { sender, sentAtMs };
    const { sender: author, sentAtMs: writtenAtMs } = first;
    return ok({ text, rich: { ...attachment, forwardedFrom: { sender: author, sentAtMs: writtenAtMs } } });
  }

  #change(
    connection: ClientConnection,
    owner: ConnectionOwner,
    { requestId, edit }: { readonly requestId: number; readonly edit: Edit | Recall | React | Pin },
    commandWith: (target: Message | undefined, content: EditContent) => ChangeCommand,
  ): void | Promise<void> {
    const { conversation = '', sequence = 0 } = edit as { conversation?: string; sequence?: number };
    const address = parseConversation(conversation);
    if (address === undefined) return connection.fail(requestId, 'BAD_ID');
    if (address.type === 'direct' && peerIn(address, owner.user) === undefined)
      return connection.fail(requestId, 'NOT_A_MEMBER');
    return this.#read(connection, owner, { conversation, sequence }).then(async (target) => {
      if (!connection.isOpen) return;
      if (!target.ok && errorCodes[target.error].retryable) return connection.fail(requestId, target.error);
      // Without a message, too: a repeated change gets its first answer, whatever has happened since.
      const message = target.ok ? target.value : undefined;
      const content = await this.#contentOf(owner, edit, { conversation, message });
      if (!connection.isOpen) return;
      if (!content.ok) return connection.fail(requestId, content.error);
      const command = commandWith(message && headOf(message), content.value);
      const codec = address.type === 'group' ? internal.GroupCommand : internal.DirectCommand;
      const entity = { type: address.type, tenant: owner.tenant, id: address.id };
      this.#parts.forward(connection, requestId, entity, codec.encode(command).finish());
    });
  }

  /** What an edit says, sealed where it has to be: the new text, and the attachment the message has and keeps. */
  async #contentOf(
    owner: ConnectionOwner,
    edit: Edit | Recall | React | Pin,
    { conversation, message }: { readonly conversation: string; readonly message: Message | undefined },
  ): Promise<Result<EditContent, ErrorName>> {
    const { sealing } = this.#parts;
    const isPlain = sealing === undefined || !(sealing.seals(owner.tenant) || (message && sealOf(message)));
    if (isPlain || !('text' in edit)) return ok({});
    // The entity refuses it: there is nothing to be read, and nothing to be told.
    if (message?.sender !== owner.user || message.text == null || message.isRecalled) return ok({ text: '' });
    const shown = await this.#open(owner, message);
    if (!shown.ok) return shown;
    if (shown.value.isErased) return err('MESSAGE_NOT_FOUND');
    const content = { text: edit.text ?? '', rich: attachmentOf(shown.value.rich) };
    const place = { tenant: owner.tenant, user: owner.user, conversation };
    const sealed = await sealing.seal(content, place, message.clientMessageId ?? '');
    return sealed.ok ? ok({ text: '', sealed: sealed.value.sealed }) : err(sealed.error.code);
  }

  async #open(owner: ConnectionOwner, message: Message): Promise<Result<Message, ErrorName>> {
    const shown = await this.#parts.sealing?.open(owner.tenant, [message]);
    if (shown === undefined) return ok(message);
    return shown.ok ? ok(shown.value[0]!) : shown;
  }

  /** As it is stored. Counts as one of the reads of the connection. */
  async #read(
    connection: ClientConnection,
    owner: ConnectionOwner,
    { conversation, sequence }: { readonly conversation: string; readonly sequence: number },
  ): Promise<Result<Message, ErrorName>> {
    if (sequence < 1) return err('MESSAGE_NOT_FOUND');
    if (connection.readsInFlight >= this.#parts.limits.readsPerConnectionMax) return err('BUSY');
    connection.readsInFlight++;
    const { pages } = this.#parts;
    const page = await pages
      .storedAfter(owner, { conversation, after: sequence - 1, limit: 1 })
      .finally(() => connection.readsInFlight--);
    if (!page.ok)
      return err(page.error.code === 'SEQUENCE_FROM_FUTURE' ? 'MESSAGE_NOT_FOUND' : page.error.code);
    const message = page.value.messages[0] as Message | undefined;
    const isThere = message?.sequence === sequence && message.gone == null;
    return isThere ? ok(message) : err('MESSAGE_NOT_FOUND');
  }
}

/** Everything but the text, which is of no use to the entity; that there is one still shows. */
function headOf(message: Message): Message {
  const { reactions: _, reactionsRevision: __, ...head } = message;
  return message.text == null ? head : { ...head, text: '' };
}

function flawOfEdit(edit: Edit, textBytesMax: number): ErrorName | undefined {
  if (!clientMessageIdPattern.test(edit.clientMessageId ?? '')) return 'BAD_ID';
  if ((edit.mentions ?? []).some((user) => !idPattern.test(user))) return 'BAD_ID';
  return utf8Bytes(edit.text ?? '') > textBytesMax ? 'TEXT_TOO_LARGE' : undefined;
}
