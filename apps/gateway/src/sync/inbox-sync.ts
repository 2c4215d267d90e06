// Pages of a user's inbox: references from the user entity, bodies from wherever they are, and a page of each large group
// the client has a cursor for. Fallen out of the inbox window: all conversations instead, to be paged one by one.
import {
  type EncodedEntry,
  type EntryTurn,
  type ErrorName,
  internal,
  type parley,
  wire,
} from '@parley/protocol';
import { inParallel, type Result, err, ok } from '@parley/std';
import type { Identity } from '../auth/token-verifier.ts';
import type { EntityQuery } from '../query/entity-query.ts';
import type { Sealing } from '../sealing/sealing.ts';
import type { ConversationHeads } from './conversation-heads.ts';
import { type ConversationPages, bodyBytes } from './conversation-pages.ts';
import { type OwnView, ownViewsOf, shownTo } from './own-view.ts';
import type { Bodies, MessageBodies } from './message-bodies.ts';

type InboxEntry = parley.internal.v1.InboxEntry.$Properties;
type SyncPage = parley.v1.SyncPage.$Properties;

/** A page whose entries stand apart: their messages stay encoded. */
export interface InboxPage {
  readonly page: SyncPage;
  readonly entries: readonly EncodedEntry[];
  /** What the entries change in the way conversations reach the user. */
  readonly turns: readonly EntryTurn[];
  /** The newest position among them that brings something of a direct conversation; 0: none does. */
  readonly newestDirect: number;
}

export interface SyncLimits {
  readonly syncEntriesDefault: number;
  readonly syncEntriesMax: number;
  readonly pageBytesMax: number;
  readonly questionsAtOnceMax: number;
}

export interface InboxSyncParts {
  readonly queries: EntityQuery;
  readonly heads: ConversationHeads;
  readonly pages: ConversationPages;
  readonly bodies: MessageBodies;
  /** Absent: no tenant seals. */
  readonly sealing?: Sealing | undefined;
  readonly limits: SyncLimits;
}

export class InboxSync {
  readonly #parts: InboxSyncParts;

  constructor(parts: InboxSyncParts) {
    this.#parts = parts;
  }

  async page(asker: Identity, sync: parley.v1.Sync.$Properties): Promise<Result<InboxPage, ErrorName>> {
    const { limits } = this.#parts;
    const after = sync.inboxPosition ?? 0;
    const limit = Math.min(sync.limit || limits.syncEntriesDefault, limits.syncEntriesMax);
    const inbox = await this.#parts.queries.ask(userOf(asker), { inbox: { after, limit } });
    if (!inbox.ok) return inbox;
    const { entries = [], position = 0, limited = false, views = [] } = inbox.value.inbox ?? {};
    if (after > (position ?? 0)) return err('SEQUENCE_FROM_FUTURE');
    const logs = await this.#logs(asker, sync.cursors ?? [], limit);
    if (!logs.ok) return logs;
    if (limited) return this.#limited(asker, logs.value);
    const resolved = await this.#resolve(asker, entries ?? [], views ?? []);
    if (!resolved.ok) return resolved;
    const shown = resolved.value;
    const last = shown.at(-1)?.position ?? after;
    const newest = position ?? 0;
    const turns = (entries ?? [])
      .slice(0, shown.length)
      .map(turnIn)
      .filter((turn) => turn !== undefined);
    const page = { inboxPosition: newest, more: last < newest, logs: logs.value };
    const newestDirect = (entries ?? []).slice(0, shown.length).findLast(isOfDirect)?.position ?? 0;
    return ok({ page, entries: shown, turns, newestDirect });
  }

  async #limited(asker: Identity, logs: parley.v1.HistoryPage[]): Promise<Result<InboxPage, ErrorName>> {
    const answer = await this.#parts.queries.ask(userOf(asker), { conversations: {} });
    if (!answer.ok) return answer;
    const { conversations, position } = answer.value.conversations ?? {};
    const filled = await this.#parts.heads.fill(asker, conversations ?? []);
    // A head that is not known would look like "nothing new": the client asks again.
    if (filled.unknown.length > 0) return err('UNAVAILABLE');
    const page = { inboxPosition: position ?? 0, limited: true, conversations: filled.conversations, logs };
    return ok({ page, entries: [], turns: [], newestDirect: position ?? 0 });
  }

  /** One page for each cursor; a conversation the asker may not read (any more) has none. */
  async #logs(
    asker: Identity,
    cursors: readonly parley.v1.Cursor.$Properties[],
    limit: number,
  ): Promise<Result<parley.v1.HistoryPage[], ErrorName>> {
    const { pages, limits, queries } = this.#parts;
    if (cursors.length === 0) return ok([]);
    // Asked once for all pages.
    const views = await ownViewsOf(queries, asker);
    if (!views.ok) return views;
    const read = await inParallel(cursors, limits.questionsAtOnceMax, ({ conversation, sequence }) =>
      pages.pageAfter(asker, { conversation: conversation ?? '', after: sequence ?? 0, limit }, views.value),
    );
    const logs: parley.v1.HistoryPage[] = [];
    let bytes = 0;
    for (const page of read) {
      if (page.ok) logs.push(bytes > limits.pageBytesMax ? postponed(page.value) : page.value);
      if (page.ok) for (const message of page.value.messages) bytes += bodyBytes(message);
      if (!page.ok && page.error.code !== 'NOT_A_MEMBER' && page.error.code !== 'CONVERSATION_NOT_FOUND') {
        return err(page.error.code);
      }
    }
    return ok(logs);
  }

  async #resolve(
    asker: Identity,
    references: readonly InboxEntry[],
    views: readonly OwnView[],
  ): Promise<Result<EncodedEntry[], ErrorName>> {
    const wanted = new Map<string, number[]>();
    for (const reference of references) {
      if (!isOfLog(reference)) continue;
      const { conversation, sequence } = reference;
      const sequences = wanted.get(conversation ?? '');
      if (sequences === undefined) wanted.set(conversation ?? '', [sequence ?? 0]);
      else sequences.push(sequence ?? 0);
    }
    const bodies = await this.#parts.bodies.find(asker, wanted);
    if (!bodies.ok) return bodies;
    for (const view of views) takeOut(view, bodies.value);
    const entries: EncodedEntry[] = [];
    let bytes = 0;
    for (const reference of references) {
      const entry = entryOf(reference, bodies.value);
      bytes += entry.message === undefined ? 64 : 128 + entry.message.length;
      if (entries.length > 0 && bytes > this.#parts.limits.pageBytesMax) break;
      entries.push(entry);
    }
    return this.#parts.sealing?.covers(asker.tenant) === true
      ? this.#open(asker.tenant, this.#parts.sealing, entries)
      : ok(entries);
  }

  async #open(
    tenant: string,
    sealing: Sealing,
    entries: readonly EncodedEntry[],
  ): Promise<Result<EncodedEntry[], ErrorName>> {
    const messages = entries.map(({ message }) =>
      message === undefined ? {} : wire.Message.decode(message),
    );
    const shown = await sealing.open(tenant, messages);
    if (!shown.ok) return shown;
    return ok(
      entries.map((entry, index) => {
        const message = shown.value[index]!;
        return message === messages[index]
          ? entry
          : { ...entry, message: wire.Message.encode(message).finish() };
      }),
    );
  }
}

/** No room is left in this page: the client asks for the log on its own. */
function postponed(page: parley.v1.HistoryPage): parley.v1.HistoryPage {
  return new wire.HistoryPage({ ...page, messages: [], more: page.messages.length > 0 });
}

const userOf = ({ tenant, user }: Identity) => ({ type: 'user', tenant, id: user });

function entryOf(reference: InboxEntry, bodies: Bodies): EncodedEntry {
  const { conversation, sequence, unread, unreadMentions, isReadMoved, diffusion, title, firstVisible } =
    reference;
  const position = reference.position ?? 0;
  if (reference.personal != null) {
    return { position, message: undefined, more: { personal: reference.personal } };
  }
  if (isReadMoved) {
    const more = { readMoved: { conversation, sequence, unread, unreadMentions } };
    return { position, message: undefined, more };
  }
  const { settings, narrowed } = reference;
  if (settings != null)
    return { position, message: undefined, more: { settingsChanged: { conversation, settings } } };
  if (narrowed != null)
    return { position, message: undefined, more: { viewNarrowed: { ...narrowed, conversation } } };
  const left = hasLeft(reference);
  const more =
    diffusion || title || left
      ? { diffusion, title, left, ...(firstVisible && { firstVisible }) }
      : undefined;
  return { position, message: bodies.of(conversation ?? '').get(sequence ?? 0), more };
}

/** Whether the entry is about a log element; the others are changes of the user's own. */
const isOfLog = ({ isReadMoved, settings, narrowed, personal }: InboxEntry): boolean =>
  !isReadMoved && settings == null && narrowed == null && personal == null;

/** What the user has deleted does not leave in a page. */
function takeOut(view: OwnView, bodies: Bodies): void {
  const messages = bodies.in(view.conversation ?? '');
  for (const [sequence, bytes] of messages) {
    const message = wire.Message.decode(bytes);
    const shown = shownTo(view, message);
    if (shown !== message) messages.set(sequence, wire.Message.encode(shown).finish());
  }
}

function turnIn(reference: InboxEntry): EntryTurn | undefined {
  const { conversation, sequence, diffusion } = reference;
  const left = hasLeft(reference);
  if (!isOfLog(reference) || (!diffusion && !left)) return undefined;
  return { conversation: conversation ?? '', sequence: sequence ?? 0, diffusion: diffusion ?? 0, left };
}

const isOfDirect = ({ conversation, isReadMoved }: InboxEntry): boolean =>
  !isReadMoved && (conversation ?? '').startsWith('d.');

const hasLeft = ({ membership }: InboxEntry): boolean => membership === internal.Membership.MEMBERSHIP_LEFT;
