// What others are told when relations, or the rule who may write, change: the other person's entity, and the direct
// conversations that have to refuse or take messages from now on.
import type { Effect } from '@parley/std';
import { directIdOf, directOf, isDirectConversation, peerOfDirect } from '../conversation/conversation-id.ts';
import { Refusal, type SetRefusal } from '../direct/refusal.ts';
import { nothingPersonal } from './personal.ts';
import { WhoMayWrite } from './profile.ts';
import { RelationAction, type RelationChanged } from './relation.ts';
import { refusalIn } from './relation-queries.ts';
import { tellPeer } from './relation-rules.ts';
import type { EntryAppended } from './user-event.ts';
import type { UserState } from './user-state.ts';

export function effectsOfRelation(event: RelationChanged, state: UserState): readonly Effect[] {
  const told = tellPeer(event, state.user);
  return mayRefuse(event, state) ? [...told, tellRefusal(state, event.relation.user)] : told;
}

/** Whether the direct conversation may have to hear of it; told twice, it passes it by. */
function mayRefuse({ action }: RelationChanged, { personal }: UserState): boolean {
  if (action === RelationAction.BLOCK || action === RelationAction.UNBLOCK) return true;
  const isContactMatter = action === RelationAction.ACCEPT || action === RelationAction.REMOVE;
  return isContactMatter && personal.whoMayWrite === WhoMayWrite.CONTACTS;
}

function tellRefusal(state: UserState, peer: string): Effect {
  return tellDirects(state.user, [directOf(state.user, peer)], refusalIn(state, peer));
}

/** The direct conversations there are; of one that begins later, the gateway asks. */
export function effectsOfWriteRule(state: UserState): readonly Effect[] {
  const ids: Record<Refusal, string[]> = {
    [Refusal.NONE]: [],
    [Refusal.BLOCKED]: [],
    [Refusal.NOT_ACCEPTED]: [],
  };
  const directs = [...state.conversations.keys()].filter(isDirectConversation);
  for (const conversation of directs.slice(-state.limits.directsToldMax)) {
    const peer = peerOfDirect(conversation, state.user);
    if (peer !== state.user) ids[refusalIn(state, peer)].push(directIdOf(conversation));
  }
  return [Refusal.NONE, Refusal.NOT_ACCEPTED]
    .filter((refusal) => ids[refusal].length > 0)
    .map((refusal) => tellDirects(state.user, ids[refusal], refusal));
}

/**
 * A message that should have been refused has come: the gateway that let it through had asked before the rule changed, or
 * the conversation was not among those that were told. It stands; the next one is refused. Costs nothing for a user
 * without blocks, contacts and rules.
 */
export function effectsOfUnwanted(event: EntryAppended, state: UserState): readonly Effect[] {
  if (state.personal === nothingPersonal || !isDirectConversation(event.conversation)) return none;
  if (event.sender === state.user) return none;
  return refusalIn(state, event.sender) === Refusal.NONE ? none : [tellRefusal(state, event.sender)];
}

const none: readonly Effect[] = [];

function tellDirects(user: string, ids: readonly string[], refusal: Refusal): Effect {
  const command: SetRefusal = { type: 'SetRefusal', user, refusal };
  return { kind: 'tell', type: 'direct', ids, command };
}
