// What belongs to a user beside inbox and conversations, and what only their devices learn of: each change takes an inbox
// position. Nearly all users have nothing of it in memory.
import { isBlank } from './relation.ts';
import type { Relation, RelationChanged } from './relation.ts';
import type { UserState } from './user-state.ts';

export interface Personal {
  /** By the other user's id. */
  readonly relations: Map<string, Relation>;
}

/** Shared by all who have nothing, and never written to. */
export const nothingPersonal: Personal = { relations: new Map() };

/** The user's own, to be written to. */
export function ownPersonal(state: UserState): Personal {
  if (state.personal === nothingPersonal) state.personal = { relations: new Map() };
  return state.personal;
}

/** A whole new value, as an inbox entry carries it. */
export type PersonalChange = Relation;

export type PersonalEvent = RelationChanged;

export const personalChangeOf = (event: PersonalEvent): PersonalChange => event.relation;

export function applyPersonal(state: UserState, event: PersonalEvent): void {
  const { relations } = ownPersonal(state);
  const { relation } = event;
  if (isBlank(relation)) relations.delete(relation.user);
  else relations.set(relation.user, relation);
}
