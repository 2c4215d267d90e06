// The recent tail of conversations: the newest messages kept near at hand, outside the actors. A cache and nothing
// more: what is missing here is asked of the history service, and a store that is away looks like an empty one.

/** Who writes it is the history service, from the journals; gateways read it. */
export interface TailMessage {
  readonly sequence: number;
  /** An encoded `wire.Message`. It holds the sequence, so no two messages of a conversation have equal bytes. */
  readonly bytes: Uint8Array;
}

/** Sequences wanted of one conversation, both ends included. */
export interface TailRange {
  readonly conversation: string;
  readonly from: number;
  readonly to: number;
}

export interface TailAppend {
  readonly tenant: string;
  readonly conversation: string;
  /** Rising by sequence; at least one. */
  readonly messages: readonly TailMessage[];
}

export interface MessageTail {
  /**
   * Stores messages by sequence; one that is there already is replaced, so that a repeated batch changes nothing.
   * Only the newest of a conversation stay (messagesMax). False when the store did not take it: it may be left so.
   */
  append(batch: readonly TailAppend[]): Promise<boolean>;
  /**
   * For each range the messages that are held, rising by sequence, possibly with holes. All ranges in one round trip.
   * A store that is away answers with nothing for each range.
   */
  read(tenant: string, ranges: readonly TailRange[]): Promise<readonly (readonly TailMessage[])[]>;
}

export interface TailLimits {
  /** Messages kept of one conversation; older ones fall out. */
  readonly messagesMax: number;
  /** A larger message is not kept: readers find a hole and ask the history service. */
  readonly messageBytesMax: number;
  /** A conversation disappears this long after its last message, milliseconds. */
  readonly ttlMs: number;
}

export const tailLimits: TailLimits = {
  messagesMax: 500,
  messageBytesMax: 16_384,
  ttlMs: 24 * 60 * 60 * 1000,
};
