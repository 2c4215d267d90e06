// Every maximum of the runtime, with unit, default, and what happens at it. Apps take them from their configuration.

export interface RuntimeLimits {
  /**
   * Bytes of one commit at which the shard stops deciding until the commit before has returned. With the largest
   * decision on top it must stay below what the log takes as one message (NATS: 1 MiB), with room for rough sizes.
   */
  readonly commitBytesMax: number;
  /** Events of one commit, likewise. */
  readonly commitEventsMax: number;
  /** Bytes one decision may add to a commit; a record that asks for more is refused, see Suspects. */
  readonly decisionBytesMax: number;
  /** Bytes of answers and pushes that may wait for a commit; beyond it the shard takes no further input until it returns. */
  readonly outboundBytesMax: number;
  /** Messages taken from the command log at once. */
  readonly intakeMessagesMax: number;
  /** An advanced input offset without events is committed after this long. */
  readonly offsetCommitMs: number;
  /** Bytes of one lane batch; the rest follows in the next. */
  readonly laneBatchBytesMax: number;
  /** Effects waiting on all lanes of a shard; beyond it the shard takes no further input until the lanes have drained. */
  readonly laneQueueMax: number;
  /** First wait before a lane publish is tried again; it doubles up to the longest, until it succeeds or the shard stops. */
  readonly laneRetryMs: number;
  /** Longest wait between tries of a lane publish, and of anything else that waits for NATS to come back. */
  readonly laneRetryMsMax: number;
  /** Wait before an append that the log called busy is tried again. */
  readonly appendRetryMs: number;
  /** Entities of a shard kept in memory; beyond it the longest unused clean ones leave. */
  readonly entitiesMax: number;
  /** A clean entity that was not used for this long leaves memory. */
  readonly entityIdleMs: number;
  /** Entities loading from the snapshot store at once, per shard. */
  readonly loadsMax: number;
  /** A checkpoint is made this often while something changed … */
  readonly checkpointEveryMs: number;
  /** … and at once when this many journal bytes were written since the last. */
  readonly checkpointJournalBytes: number;
  /** Snapshot bytes one checkpoint may write; the longest dirty entities come first. */
  readonly checkpointBytesMax: number;
  /** Subscribers (devices) one entity may have; beyond it the longest attached is forgotten. */
  readonly subscribersMax: number;
  /** Questions that may wait for an entity to load, or for a commit, per shard; beyond it they are answered BUSY. */
  readonly waitingQuestionsMax: number;
  /** The command log is asked this often whether it still has what was read from it. */
  readonly inputCheckMs: number;
  /** Housekeeping (nudges, announcements, passivation) runs this often. */
  readonly sweepMs: number;
  /** A subscriber that left a push unacknowledged for this long is nudged … */
  readonly nudgeAfterMs: number;
  /** … at most this often for the same position. */
  readonly nudgesMax: number;
  /** An entity's head is announced this long after its last live publish; again when that may not have left. */
  readonly announceAfterMs: number;
  /** Owners say that they serve a shard this often. */
  readonly ownerBeatMs: number;
  /** A member's lease; must outlive an election of the log's leader (up to 9 s). */
  readonly leaseTtlMs: number;
  readonly leaseRenewMs: number;
  /** The owner stops this long before its lease could expire. */
  readonly leaseMarginMs: number;
  /** Members look at each other this often; two misses in a row mean dead. */
  readonly probeMs: number;
  /** Largest share of a kind's shards, in percent, that may be moving at once (at least one shard). */
  readonly movingShardsPercent: number;
  /** A hand-off that has not finished after this long is abandoned: the shard is dropped, nothing is lost. */
  readonly handOffMs: number;
}

export const defaultLimits: RuntimeLimits = {
  commitBytesMax: 256 * 1024,
  commitEventsMax: 4_096,
  decisionBytesMax: 512 * 1024,
  outboundBytesMax: 8 * 1024 * 1024,
  intakeMessagesMax: 256,
  offsetCommitMs: 1_000,
  laneBatchBytesMax: 256 * 1024,
  laneQueueMax: 8_192,
  laneRetryMs: 50,
  laneRetryMsMax: 2_000,
  appendRetryMs: 30,
  entitiesMax: 100_000,
  entityIdleMs: 300_000,
  loadsMax: 50,
  checkpointEveryMs: 30_000,
  checkpointJournalBytes: 32 * 1024 * 1024,
  checkpointBytesMax: 16 * 1024 * 1024,
  subscribersMax: 100,
  waitingQuestionsMax: 2_000,
  inputCheckMs: 30_000,
  sweepMs: 1_000,
  nudgeAfterMs: 5_000,
  nudgesMax: 3,
  announceAfterMs: 2_000,
  ownerBeatMs: 2_000,
  leaseTtlMs: 20_000,
  leaseRenewMs: 4_000,
  leaseMarginMs: 3_000,
  probeMs: 500,
  movingShardsPercent: 25,
  handOffMs: 10_000,
};
