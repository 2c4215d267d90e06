// Reads of what a user has to do with others: pure functions of committed state.
import { conversationOfDirect, directOf, isDirectConversation } from '../conversation/conversation-id.ts';
import { Refusal } from '../direct/refusal.ts';
import { type Profile, WhoMayWrite } from './profile.ts';
import { Contact, type Relation } from './relation.ts';
import type { UserState } from './user-state.ts';

/** Which relations a page lists. The numbers are those of the protocol. */
export const RelationKind = { ALL: 0, CONTACTS: 1, REQUESTED: 2, ASKED: 3, BLOCKED: 4 } as const;
export type RelationKind = (typeof RelationKind)[keyof typeof RelationKind];

export interface RelationPage {
  readonly relations: readonly Relation[];
  readonly more: boolean;
  /** Inbox position as of which it is true. */
  readonly position: number;
}

/** Those after `after`, by rising id; `limit` 0 means the largest page. */
export function relationPage(
  state: UserState,
  query: { readonly kind: number; readonly after: string; readonly limit: number },
): RelationPage {
  const { relationPageMax } = state.limits;
  const count = query.limit === 0 ? relationPageMax : Math.min(query.limit, relationPageMax);
  const found = [...state.personal.relations.values()]
    .filter((relation) => relation.user > query.after && isOfKind(relation, query.kind))
    .sort((one, other) => (one.user < other.user ? -1 : 1));
  return { relations: found.slice(0, count), more: found.length > count, position: state.inbox.last };
}

function isOfKind({ contact, isBlocked }: Relation, kind: number): boolean {
  switch (kind) {
    case RelationKind.CONTACTS:
      return contact === Contact.ACCEPTED;
    case RelationKind.REQUESTED:
      return contact === Contact.REQUESTED;
    case RelationKind.ASKED:
      return contact === Contact.ASKED;
    case RelationKind.BLOCKED:
      return isBlocked;
    default:
      return true;
  }
}

/** Whether the user's direct conversation with `from` is to refuse what they write: a block, else the rule for it. */
export function refusalIn(state: UserState, from: string): Refusal {
  const { relations, whoMayWrite } = state.personal;
  const relation = relations.get(from);
  if (relation?.isBlocked === true) return Refusal.BLOCKED;
  if (relation?.contact === Contact.ACCEPTED || whoMayWrite !== WhoMayWrite.CONTACTS) return Refusal.NONE;
  // One that has not begun is not told of rules, only of blocks: nobody would tell it of their end.
  return state.conversations.has(conversationOfDirect(directOf(state.user, from)))
    ? Refusal.NOT_ACCEPTED
    : Refusal.NONE;
}

/** Whether somebody may begin to write to the user. */
export interface Reception {
  readonly refusal: Refusal;
  readonly whoMayWrite: WhoMayWrite;
  /** With NOT_ACCEPTED: who is in one of these groups may write all the same. */
  readonly groups: readonly string[];
}

/** What a gateway asks before the first message of a conversation. In one that has begun, the conversation itself knows. */
export function receptionOf(state: UserState, from: string): Reception {
  const { relations, whoMayWrite } = state.personal;
  const relation = relations.get(from);
  const taken = { refusal: Refusal.NONE, whoMayWrite, groups: [] };
  if (relation?.isBlocked === true) return { ...taken, refusal: Refusal.BLOCKED };
  const isOpen =
    whoMayWrite === WhoMayWrite.EVERYONE ||
    from === '' ||
    from === state.user ||
    relation?.contact === Contact.ACCEPTED;
  if (isOpen) return taken;
  // It knows what it was told, and which messages are repeated.
  if (state.conversations.has(conversationOfDirect(directOf(state.user, from)))) return taken;
  if (whoMayWrite === WhoMayWrite.CONTACTS) return { ...taken, refusal: Refusal.NOT_ACCEPTED };
  return { refusal: Refusal.NOT_ACCEPTED, whoMayWrite, groups: groupsOf(state) };
}

const groupsOf = (state: UserState): string[] =>
  [...state.conversations.values()]
    .filter(({ conversation, left }) => left === 0 && !isDirectConversation(conversation))
    .map(({ conversation }) => conversation)
    .slice(-state.limits.sharedGroupsMax);

/** What the user shows of themself, set or not. */
export const profileOf = (state: UserState): Profile =>
  state.personal.profile ?? {
    type: 'Profile',
    displayName: state.account?.displayName ?? '',
    avatar: '',
    fields: [],
  };
