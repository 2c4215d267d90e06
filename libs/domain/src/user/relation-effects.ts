// What others are told when a relation changes: the other person's entity, and the direct conversation of the two.
import type { Effect } from '@parley/std';
import { directOf } from '../conversation/conversation-id.ts';
import type { SetRefusal } from '../direct/refusal.ts';
import { RelationAction, type RelationChanged } from './relation.ts';
import { refusalOf } from './relation-queries.ts';
import { tellPeer } from './relation-rules.ts';
import type { UserState } from './user-state.ts';

export function effectsOfRelation(event: RelationChanged, state: UserState): readonly Effect[] {
  const told = tellPeer(event, state.user);
  return mayRefuse(event) ? [...told, tellRefusal(state, event.relation.user)] : told;
}

/** Whether the direct conversation may have to hear of it; told twice, it passes it by. */
const mayRefuse = ({ action }: RelationChanged): boolean =>
  action === RelationAction.BLOCK || action === RelationAction.UNBLOCK;

function tellRefusal(state: UserState, peer: string): Effect {
  const command: SetRefusal = { type: 'SetRefusal', user: state.user, refusal: refusalOf(state, peer) };
  return { kind: 'tell', type: 'direct', ids: [directOf(state.user, peer)], command };
}
