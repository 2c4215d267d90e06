// One thing that is missing at the end of a run, with what is needed to find out why. A run tells a few of them.

export interface LostExample {
  /** A `delivery` was acknowledged and has not arrived at `user`; an `answer` has not come to `user`, who sent. */
  readonly what: 'delivery' | 'answer';
  readonly user: string;
  readonly conversation: string;
  readonly stream: number;
  /** Its number in the stream, and how many were acknowledged: the first is 0, the last one less than those. */
  readonly number: number;
  readonly acked: number;
  /** How far the connection has come in the conversation (0: unknown), and in its inbox. */
  readonly sequence: number;
  readonly position: number;
  readonly isOpen: boolean;
}

/** Of each load process, and of a result. */
export const lostExamplesMax = 10;
