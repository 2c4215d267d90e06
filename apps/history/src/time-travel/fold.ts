// Replay = state (INV-5): what an entity was, by the events the store has of it and the same pure functions its actor uses.
import {
  type DirectEvent,
  type DirectState,
  type GroupEvent,
  type GroupState,
  type LogMessage,
  type UserState,
  conversationOfDirect,
  conversationOfGroup,
  directDecider,
  directLogMessage,
  groupDecider,
  groupLogMessage,
  takesPosition,
  userDecider,
} from '@parley/domain';
import { decodeDirectEvent, decodeGroupEvent, decodeUserEvent } from '@parley/protocol';
import type { EntityAddress } from '@parley/std';
import { BadRequest } from '../reading/bad-request.ts';
import type { StoredEvent } from './entity-events.ts';

export interface Folded<State> {
  readonly state: State;
  /** Commit time of the newest event in `state`; 0: there is none. */
  readonly atMs: number;
}

type Events = AsyncIterable<StoredEvent>;

export interface ConversationBounds {
  /** Up to this sequence of the log. */
  readonly through: number;
  /** Elements with a smaller sequence may be missing: retention has deleted them. */
  readonly firstKept: number;
}

/** Throws BadRequest EVENTS_MISSING where an element of the log is missing that retention has not deleted. */
export async function foldConversation(
  events: Events,
  address: EntityAddress,
  bounds: ConversationBounds,
): Promise<Folded<DirectState | GroupState>> {
  let state: DirectState | GroupState =
    address.type === 'group' ? groupDecider.initialState(address) : directDecider.initialState(address);
  let atMs = 0;
  for await (const stored of events) {
    const { element, evolve } = conversationEvent(address, stored.payload);
    if (element !== undefined) {
      if (element.sequence > bounds.through) break;
      passExpired(state.log, element.sequence, bounds.firstKept);
    }
    state = evolve(state);
    atMs = stored.atMs;
  }
  return { state, atMs };
}

/** Stops before the event that takes the position behind `through`. */
export async function foldUser(
  events: Events,
  address: EntityAddress,
  through: number,
): Promise<Folded<UserState>> {
  let state = userDecider.initialState(address);
  let atMs = 0;
  for await (const stored of events) {
    const event = decodeUserEvent(stored.payload);
    if (takesPosition(event) && state.inbox.last >= through) break;
    state = userDecider.evolve(state, event);
    atMs = stored.atMs;
  }
  return { state, atMs };
}

interface ConversationEvent {
  /** Undefined for events that take no sequence. */
  readonly element: LogMessage | undefined;
  evolve<State extends DirectState | GroupState>(state: State): State;
}

export function conversationEvent({ type, id }: EntityAddress, payload: Uint8Array): ConversationEvent {
  if (type === 'group') {
    const event: GroupEvent = decodeGroupEvent(payload);
    return {
      element: groupLogMessage(event, conversationOfGroup(id)),
      evolve: (state) => groupDecider.evolve(state as GroupState, event) as typeof state,
    };
  }
  const event: DirectEvent = decodeDirectEvent(payload);
  return {
    element: directLogMessage(event, conversationOfDirect(id)),
    evolve: (state) => directDecider.evolve(state as DirectState, event) as typeof state,
  };
}

/** What has expired has left its number only. */
function passExpired(log: { head: number }, sequence: number, firstKept: number): void {
  if (sequence === log.head + 1) return;
  if (sequence <= log.head || sequence > firstKept) {
    throw new BadRequest(
      'EVENTS_MISSING',
      `after sequence ${log.head} the store goes on with ${sequence}: it did not keep events from the beginning`,
    );
  }
  log.head = sequence - 1;
}
