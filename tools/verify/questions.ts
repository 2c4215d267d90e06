// The questions an owner is asked about one entity, as gateways ask them. The rebuilt state answers the same ones with the
// actors' own code, so that answers are compared and not interpretations of them.
import type { DirectState, GroupState, UserState } from '@parley/domain';
import { internal } from '@parley/protocol';
import type { ConversationTruth } from './conversation-truth.ts';
import type { Rebuilt } from './shard-reading.ts';

export type QuestionBody = 'head' | 'log' | 'members' | 'inbox' | 'conversations' | 'account';

export interface Question {
  readonly entity: Rebuilt;
  readonly body: QuestionBody;
  readonly bytes: Uint8Array;
}

/** As many as an owner answers at most: userLimits.inboxPageMax. */
const inboxPageEntries = 500;

export function questionsAbout(entity: Rebuilt): Question[] {
  const { type, tenant, id } = entity.address;
  const ask = (body: QuestionBody, fields: object): Question => ({
    entity,
    body,
    bytes: internal.Query.encode({ type, tenant, id, [body]: fields }).finish(),
  });
  if (type === 'user') {
    const { first, last } = (entity.state as UserState).inbox;
    const pages = Math.max(1, Math.ceil((last - first + 1) / inboxPageEntries));
    return [
      ask('account', {}),
      ask('conversations', {}),
      ...Array.from({ length: pages }, (_, page) =>
        ask('inbox', { after: first - 1 + page * inboxPageEntries, limit: inboxPageEntries }),
      ),
    ];
  }
  const reader = readerOf(entity);
  // Nobody was ever a member: the entity exists because somebody asked for it.
  if (reader === undefined) return [];
  return [
    ask('head', { reader }),
    ask('log', { reader, from: 1, to: 0 }),
    ...(type === 'group'
      ? memberPages(entity, reader).map((after) => ask('members', { reader, after }))
      : []),
  ];
}

/** Who sees the most: the member who has been in it longest. */
function readerOf({ address, state, conversation }: Rebuilt): string | undefined {
  if (address.type === 'direct') return (state as DirectState).first;
  const [longest] = (state as GroupState).members.ids();
  return longest ?? lastToLeave(conversation);
}

function lastToLeave(conversation: ConversationTruth | undefined): string | undefined {
  let found: { readonly user: string; readonly to: number } | undefined;
  for (const [user, spans] of conversation?.membership.spans ?? []) {
    const to = spans.at(-1)?.to ?? 0;
    if (found === undefined || to > found.to) found = { user, to };
  }
  return found?.user;
}

/** Where each page of members begins. */
function memberPages({ state }: Rebuilt, reader: string): string[] {
  const { members, limits } = state as GroupState;
  if (!members.has(reader)) return [];
  const starts = [''];
  for (;;) {
    const page = members.page(starts.at(-1)!, limits.membersPageMax);
    const last = page.at(-1)?.user;
    if (last === undefined || page.length < limits.membersPageMax) return starts;
    starts.push(last);
  }
}

/** What the rebuilt state answers. */
export const answerOf = ({ entity, bytes }: Question): Uint8Array =>
  entity.type.query(entity.state, bytes, entity.address);

/** The same answer, whatever fields were left out as defaults. */
export function isSameAnswer(one: Uint8Array, other: Uint8Array): boolean {
  if (Buffer.from(one.buffer, one.byteOffset, one.length).equals(other)) return true;
  return canonical(one) === canonical(other);
}

const canonical = (bytes: Uint8Array): string =>
  JSON.stringify(
    internal.QueryAnswer.toObject(internal.QueryAnswer.decode(bytes), { defaults: true, arrays: true }),
  );
