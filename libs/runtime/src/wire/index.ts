export { ClientBatchWriter, encodeAddress } from './client-batch-writer.ts';
export {
  BadCommitRecord,
  type CommitRecord,
  type CommittedEffect,
  type CommittedEvent,
  type EffectTarget,
  type InputPart,
  type LaneMark,
  decodeCommit,
  encodeCommit,
  guessCommit,
} from './commit-codec.ts';
export { EventCursor } from './commit-events.ts';
export { type CommitExcerpt, decodeCommitExcerpt } from './commit-excerpt.ts';
export { FamiliarIdLists } from './id-lists.ts';
export {
  type ClientBatch,
  type IntakeRecord,
  type LaneBatch,
  type LaneEffect,
  type Subscriber,
  decodeIntake,
  decodeSubscriber,
  encodeClientBatch,
  encodeLaneBatch,
  encodeSubscriber,
} from './intake-codec.ts';
export {
  type OutboundBatch,
  type OutboundPush,
  type OutboundReply,
  type PushTarget,
  decodeOutbound,
  encodeOutbound,
} from './outbound-codec.ts';
export { type OutboundItems, readOutbound } from './outbound-reader.ts';
export { OutboundWriter } from './outbound-writer.ts';
export { type OwnerBeat, decodeOwnerBeat, encodeOwnerBeat } from './owner-beat-codec.ts';
export { type Signal, decodeSignals, encodeSignals } from './signal-codec.ts';
