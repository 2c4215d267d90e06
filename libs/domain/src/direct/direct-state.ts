// What a direct conversation remembers.
import { type EntityAddress, assert } from '@parley/std';
import { conversationOfDirect, usersOfDirect } from '../conversation/conversation-id.ts';
import type { ConversationLimits } from '../conversation/conversation-limits.ts';
import { conversationLimits } from '../conversation/conversation-limits.ts';
import type { ConversationLog, ConversationLogSnapshot } from '../conversation/conversation-log.ts';
import { type Refusal, type Refusals, noRefusals, refusalsOf } from './refusal.ts';
import { emptyLog, restoreLog, snapshotOfLog } from '../conversation/conversation-log.ts';

export interface DirectState {
  readonly first: string;
  readonly second: string;
  /** Both, or the one who talks to themself. One array for ever: the runtime caches by its identity. */
  readonly users: readonly string[];
  log: ConversationLog;
  readByFirst: number;
  readBySecond: number;
  refusals: Refusals;
}

export interface DirectSnapshot {
  readonly conversation: ConversationLogSnapshot;
  readonly readByFirst: number;
  readonly readBySecond: number;
  readonly refusedByFirst: Refusal;
  readonly refusedBySecond: Refusal;
}

export function initialDirect(address: EntityAddress, limits: ConversationLimits): DirectState {
  const [first, second] = usersOfDirect(address.id);
  assert(first !== '' && first <= second, 'a direct entity is named by its two users, the smaller id first');
  return {
    first,
    second,
    users: first === second ? [first] : [first, second],
    log: emptyLog(conversationOfDirect(address.id), limits),
    readByFirst: 0,
    readBySecond: 0,
    refusals: noRefusals,
  };
}

export const snapshotOfDirect = (state: DirectState): DirectSnapshot => ({
  conversation: snapshotOfLog(state.log),
  readByFirst: state.readByFirst,
  readBySecond: state.readBySecond,
  refusedByFirst: state.refusals.first,
  refusedBySecond: state.refusals.second,
});

export function restoreDirect(
  address: EntityAddress,
  snapshot: DirectSnapshot,
  limits: ConversationLimits = conversationLimits,
): DirectState {
  const state = initialDirect(address, limits);
  state.log = restoreLog(state.log.conversation, snapshot.conversation, limits);
  state.readByFirst = snapshot.readByFirst;
  state.readBySecond = snapshot.readBySecond;
  state.refusals = refusalsOf(snapshot.refusedByFirst, snapshot.refusedBySecond);
  return state;
}
