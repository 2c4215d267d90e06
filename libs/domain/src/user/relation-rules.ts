// The rules of contacts and blocks. Two user entities keep the two halves of a contact; each tells the other what its user
// did, exactly once and in order, and both halves fit as soon as nothing is under way: (REQUESTED, ASKED),
// (ACCEPTED, ACCEPTED) or (NONE, NONE). Requests that cross make contacts. The time of a request is its id: an answer to a
// request that was taken back meanwhile, and made again, is not taken for an answer to the new one.
import { type Decision, type Effect, accepted, refused } from '@parley/std';
import { type Done, done, nothingToDo } from '../conversation/done.ts';
import { type ChangeRelation, Contact, type NotePeerRelation, type Relation } from './relation.ts';
import { RelationAction, type RelationChanged, noRelation } from './relation.ts';
import type { UserState } from './user-state.ts';

type RelationDecision = Decision<RelationChanged, Done>;

export function decideRelation(state: UserState, command: ChangeRelation, nowMs: number): RelationDecision {
  const { user, action } = command;
  if (user === state.user) return refused('BAD_REQUEST', 'That is you.');
  const relation = relationTo(state, user);
  switch (action) {
    case RelationAction.BLOCK:
      return decideBlock(state, relation, nowMs);
    case RelationAction.UNBLOCK:
      return relation.isBlocked ? changed(action, { ...relation, isBlocked: false }) : nothingToDo;
    case RelationAction.REQUEST:
      return decideRequest(state, relation, command.message, nowMs);
    case RelationAction.ACCEPT:
      if (relation.contact === Contact.ACCEPTED) return nothingToDo;
      return relation.contact === Contact.ASKED ? accept(relation, nowMs) : refused('REQUEST_NOT_FOUND');
    case RelationAction.REFUSE:
      return relation.contact === Contact.ASKED ? accepted([refusal(relation, nowMs)], done) : nothingToDo;
    case RelationAction.REMOVE:
      if (relation.contact === Contact.NONE) return nothingToDo;
      if (relation.contact === Contact.ASKED) return accepted([refusal(relation, nowMs)], done);
      return changed(action, without(relation, nowMs));
    case RelationAction.DESCRIBE:
      return decideDescribe(state, relation, command);
    default:
      return refused('BAD_COMMAND');
  }
}

/** Who is blocked is not waited for: their request is refused first. */
function decideBlock(state: UserState, relation: Relation, nowMs: number): RelationDecision {
  if (relation.isBlocked) return nothingToDo;
  if (count(state, (each) => each.isBlocked) >= state.limits.blockedMax) return refused('LIMIT_REACHED');
  const isAsked = relation.contact === Contact.ASKED;
  const before = isAsked ? without(relation, nowMs) : relation;
  const block = fact(RelationAction.BLOCK, { ...before, isBlocked: true });
  return accepted(isAsked ? [refusal(relation, nowMs), block] : [block], done);
}

function decideRequest(
  state: UserState,
  relation: Relation,
  message: string,
  nowMs: number,
): RelationDecision {
  if (relation.isBlocked) return refused('BLOCKED', 'You have blocked this person: unblock them first.');
  if (relation.contact === Contact.ASKED) return accept(relation, nowMs);
  if (relation.contact !== Contact.NONE) return nothingToDo;
  if (isFull(state)) return refused('LIMIT_REACHED');
  const requested = { ...relation, contact: Contact.REQUESTED, message, sinceMs: nowMs };
  return changed(RelationAction.REQUEST, requested, nowMs);
}

function decideDescribe(state: UserState, relation: Relation, command: ChangeRelation): RelationDecision {
  const { remark, tags } = command;
  const isSame = remark === relation.remark && tags.join('\n') === relation.tags.join('\n');
  if (isSame) return nothingToDo;
  const isNew = !state.personal.relations.has(relation.user);
  if (isNew && state.personal.relations.size >= state.limits.contactsMax + state.limits.blockedMax)
    return refused('LIMIT_REACHED');
  return changed(RelationAction.DESCRIBE, { ...relation, remark, tags });
}

/** What the other one did. What does not fit to what is here was overtaken, and is passed by. */
export function decidePeerRelation(
  state: UserState,
  command: NotePeerRelation,
  nowMs: number,
): RelationDecision {
  const { peer, action, requestMs } = command;
  const relation = relationTo(state, peer);
  const isAnswer = relation.contact === Contact.REQUESTED && relation.sinceMs === requestMs;
  switch (action) {
    case RelationAction.REQUEST:
      return decidePeerRequest(state, relation, command, nowMs);
    case RelationAction.ACCEPT:
      return isAnswer ? byPeer(action, contactOf(relation, nowMs), requestMs) : nothingToDo;
    case RelationAction.REFUSE:
      return isAnswer ? byPeer(action, without(relation, nowMs), requestMs) : nothingToDo;
    case RelationAction.REMOVE:
      return relation.contact === Contact.ASKED || relation.contact === Contact.ACCEPTED
        ? byPeer(action, without(relation, nowMs), requestMs)
        : nothingToDo;
    default:
      return nothingToDo;
  }
}

function decidePeerRequest(
  state: UserState,
  relation: Relation,
  { message, requestMs }: NotePeerRelation,
  nowMs: number,
): RelationDecision {
  // The gateway has asked before; whoever was blocked in between is refused here.
  if (relation.isBlocked) return changed(RelationAction.REFUSE, relation, requestMs);
  switch (relation.contact) {
    case Contact.REQUESTED:
    case Contact.ACCEPTED:
      return changed(RelationAction.ACCEPT, contactOf(relation, nowMs), requestMs);
    default: {
      const isNew = relation.contact === Contact.NONE;
      if (isNew && isFull(state)) return changed(RelationAction.REFUSE, relation, requestMs);
      const asked = { ...relation, contact: Contact.ASKED, message, sinceMs: requestMs };
      return byPeer(RelationAction.REQUEST, asked, requestMs);
    }
  }
}

/** What the other user entity is told. */
export function tellPeer(event: RelationChanged, user: string): readonly Effect[] {
  const { action, isByPeer, relation, requestMs } = event;
  const isTold = isByPeer
    ? // So that a request of ours that crossed the removal does not go on waiting there.
      action === RelationAction.REMOVE
    : action >= RelationAction.REQUEST && action <= RelationAction.REMOVE;
  if (!isTold) return [];
  const message = action === RelationAction.REQUEST ? relation.message : '';
  const command: NotePeerRelation = { type: 'NotePeerRelation', peer: user, action, message, requestMs };
  return [{ kind: 'tell', type: 'user', ids: [relation.user], command }];
}

export const relationTo = (state: UserState, user: string): Relation =>
  state.personal.relations.get(user) ?? noRelation(user);

const accept = (relation: Relation, nowMs: number): RelationDecision =>
  changed(RelationAction.ACCEPT, contactOf(relation, nowMs), relation.sinceMs);

const refusal = (relation: Relation, nowMs: number): RelationChanged =>
  fact(RelationAction.REFUSE, without(relation, nowMs), relation.sinceMs);

const contactOf = (relation: Relation, nowMs: number): Relation =>
  relation.contact === Contact.ACCEPTED
    ? relation
    : { ...relation, contact: Contact.ACCEPTED, message: '', sinceMs: nowMs };

const without = (relation: Relation, nowMs: number): Relation => ({
  ...relation,
  contact: Contact.NONE,
  message: '',
  sinceMs: nowMs,
});

const fact = (action: RelationAction, relation: Relation, requestMs = 0): RelationChanged => ({
  type: 'RelationChanged',
  action,
  isByPeer: false,
  relation,
  requestMs,
});

const changed = (action: RelationAction, relation: Relation, requestMs = 0): RelationDecision =>
  accepted([fact(action, relation, requestMs)], done);

const byPeer = (action: RelationAction, relation: Relation, requestMs: number): RelationDecision =>
  accepted([{ ...fact(action, relation, requestMs), isByPeer: true }], done);

const isFull = (state: UserState): boolean =>
  count(state, ({ contact }) => contact !== Contact.NONE) >= state.limits.contactsMax;

function count(state: UserState, counts: (relation: Relation) => boolean): number {
  let found = 0;
  for (const relation of state.personal.relations.values()) if (counts(relation)) found++;
  return found;
}
