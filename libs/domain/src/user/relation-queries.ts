// Reads of what a user has to do with others: pure functions of committed state.
import { Refusal } from '../direct/refusal.ts';
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

/** Whether the user takes messages of `from`. */
export const refusalOf = (state: UserState, from: string): Refusal =>
  state.personal.relations.get(from)?.isBlocked === true ? Refusal.BLOCKED : Refusal.NONE;
