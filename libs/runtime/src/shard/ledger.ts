// The shard's own numbers as of its last durable commit. Everything in here is rebuilt from checkpoint and journal.

export interface Ledger {
  readonly epoch: number;
  /** Number of the last record, and its journal sequence. */
  n: number;
  sequence: number;
  /** Last command log sequence that is dealt with. */
  inputOffset: number;
  /** Last lane number taken from each source shard. */
  readonly lanesIn: Map<string, number>;
  /** Last lane number given out to each target shard. */
  readonly lanesOut: Map<string, number>;
}
