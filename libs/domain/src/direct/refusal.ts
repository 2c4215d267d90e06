// Whether somebody takes the messages of the other one in a direct conversation. Decided by their user entity, which tells
// the direct entity whenever it changes: a message costs no question. The numbers are those of the protocol.

export const Refusal = {
  NONE: 0,
  BLOCKED: 1,
  /** The other one is no contact, and only those may write. */
  NOT_ACCEPTED: 2,
} as const;
export type Refusal = (typeof Refusal)[keyof typeof Refusal];

/** Told by the user entity of `user`. */
export interface SetRefusal {
  readonly type: 'SetRefusal';
  readonly user: string;
  readonly refusal: Refusal;
}

export interface RefusalSet {
  readonly type: 'RefusalSet';
  readonly user: string;
  readonly refusal: Refusal;
}

/** What each of the two refuses. */
export interface Refusals {
  readonly first: Refusal;
  readonly second: Refusal;
}

/** One for all conversations in which nothing is refused, which is nearly all. */
export const noRefusals: Refusals = { first: Refusal.NONE, second: Refusal.NONE };

export const refusalsOf = (first: Refusal, second: Refusal): Refusals =>
  first === Refusal.NONE && second === Refusal.NONE ? noRefusals : { first, second };

/** The code a refused command gets. */
export const refusalCode = (refusal: Refusal): 'BLOCKED' | 'NOT_ACCEPTED' =>
  refusal === Refusal.BLOCKED ? 'BLOCKED' : 'NOT_ACCEPTED';
