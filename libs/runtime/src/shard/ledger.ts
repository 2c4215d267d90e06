// The shard's own numbers as of its last durable commit. Everything in here is rebuilt from checkpoint and journal.

import type { InputPart } from '../wire/index.ts';

export interface Ledger {
  readonly epoch: number;
  /** Number of the last record, and its journal sequence. */
  n: number;
  sequence: number;
  /** Last command log sequence that is dealt with. */
  inputOffset: number;
  /** How far the message after it is dealt with, when a commit ended inside. */
  inputPart: InputPart | undefined;
  /** Time of the last record; decisions never see an earlier one. */
  atMs: number;
  /** Last lane number taken from each source shard. */
  readonly lanesIn: Map<string, number>;
  /** Last lane number given out to each target shard. */
  readonly lanesOut: Map<string, number>;
}
