// What the runtime must know of a type of entity: its rules, how its values become bytes, and how it answers reads.
// Apps marry a decider of the domain to this shape; the runtime never sees the domain.
import type { Decider, EntityAddress, Refused } from '@parley/std';

export interface EntityCodec<State, Command, Event, Reply> {
  encodeCommand(command: Command): Uint8Array;
  /** Throws on bytes that are no command of this type; the record is then refused with `BAD_COMMAND`. */
  decodeCommand(bytes: Uint8Array): Command;
  encodeEvent(event: Event): Uint8Array;
  decodeEvent(bytes: Uint8Array): Event;
  encodeSnapshot(state: State): Uint8Array;
  decodeSnapshot(bytes: Uint8Array, address: EntityAddress): State;
  /** The answer as the caller gets it. */
  encodeReply(reply: Reply): Uint8Array;
  encodeRefusal(refusal: Refused): Uint8Array;
  /** The payload of a push or publish effect; encoded once per object, whoever gets it. */
  encodePayload(payload: unknown): Uint8Array;
}

// The runtime handles entities of all types alike, hence the defaults.
// oxlint-disable-next-line typescript/no-explicit-any
export interface EntityType<State = any, Command = any, Event = any, Reply = any> {
  /** 'user', 'direct' or 'group'. */
  readonly name: string;
  readonly decider: Decider<State, Command, Event, Reply>;
  readonly codec: EntityCodec<State, Command, Event, Reply>;
  /** Answers a query from committed state. Pure; throws on bytes that are no query of this type. */
  query(state: State, query: Uint8Array, address: EntityAddress): Uint8Array;
  /** The answer to a subscriber that attaches (a device that says hello). */
  attach?(state: State, request: Uint8Array, address: EntityAddress): Uint8Array;
  /** Number of the newest numbered push; subscribers that have acknowledged less are pushed to again. */
  position?(state: State): number;
  /** What to push (with position 0) to a subscriber that has acknowledged only up to `after` for too long. */
  nudge?(state: State, after: number): unknown;
  /** Published once on the live topic a named time after the last publish effect, so that a lost last one shows. */
  announce?(state: State): unknown;
  /** Subject of the entity's live topic for publish effects. */
  topic?(address: EntityAddress): string;
}
