// The shape every actor has: pure rules that turn a command into events, and events into state.
// The domain implements it, the runtime drives it, and neither knows the other.

/** Where an entity lives: its type, its tenant, and its id inside the tenant. */
export interface EntityAddress {
  readonly type: string;
  readonly tenant: string;
  readonly id: string;
}

/** What a decision may know beside state and command. Time comes from the shard, so replay never asks a clock. */
export interface DecideContext {
  /** Wall clock of the shard owner, milliseconds since 1970; never goes back within a shard. */
  readonly nowMs: number;
}

/** The command stands: these facts are to be journaled (possibly none), and this is the answer. */
export interface Accepted<Event, Reply> {
  readonly accepted: true;
  readonly events: readonly Event[];
  readonly reply: Reply;
}

/** The command is refused with a stable code; nothing happens. */
export interface Refused {
  readonly accepted: false;
  readonly code: string;
  readonly message?: string;
  /** How long until it may be tried again, milliseconds, where that is known better than the code tells. */
  readonly retryAfterMs?: number;
}

export type Decision<Event, Reply> = Accepted<Event, Reply> | Refused;

export const accepted = <Event, Reply>(events: readonly Event[], reply: Reply): Accepted<Event, Reply> => ({
  accepted: true,
  events,
  reply,
});

export const refused = (code: string, message?: string, retryAfterMs?: number): Refused => ({
  accepted: false,
  code,
  ...(message !== undefined && { message }),
  ...(retryAfterMs !== undefined && { retryAfterMs }),
});

/** Give `command` to every entity of `type` named in `ids`, inside the same tenant. Exactly once each, in order. */
export interface TellEffect {
  readonly kind: 'tell';
  readonly type: string;
  /** The runtime remembers, by this array's identity, which of them live where: keep one array while it does not change. */
  readonly ids: readonly string[];
  readonly command: unknown;
}

/** Push `payload` to everyone subscribed to this entity (a user's connected devices). A hint: may be lost. */
export interface PushEffect {
  readonly kind: 'push';
  /** Number by which a subscriber acknowledges, and finds holes; 0 for pushes that are never repeated. */
  readonly position: number;
  readonly payload: unknown;
}

/** Publish `payload` on the entity's live topic, for whoever listens right now. A hint: may be lost. */
export interface PublishEffect {
  readonly kind: 'publish';
  readonly payload: unknown;
}

export type Effect = TellEffect | PushEffect | PublishEffect;

export interface Decider<State, Command, Event, Reply> {
  /** The state of an entity nothing has happened to. */
  initialState(address: EntityAddress): State;
  /** Pure; must not change `state`. */
  decide(state: State, command: Command, context: DecideContext): Decision<Event, Reply>;
  /**
   * Applies a fact; never refuses. May update `state` in place and return it: nobody keeps the old one,
   * because a fenced shard drops all its memory and reads the journal again.
   */
  evolve(state: State, event: Event): State;
  /** What the fact causes elsewhere. Called with the state after `event`. Only for new facts, never on replay. */
  effectsOf(event: Event, state: State): readonly Effect[];
}
