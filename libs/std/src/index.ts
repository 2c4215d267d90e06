// The tiny floor every other package stands on. It imports nothing but Node's own pure helpers.
export { assert, assertNever, AssertionFailed } from './assert.ts';
export { ByteReader, ByteWriter, utf8Bytes } from './bytes.ts';
export { type Clock, type Timer, systemClock } from './clock.ts';
export {
  type Accepted,
  type DecideContext,
  type Decider,
  type Decision,
  type Effect,
  type EntityAddress,
  type PublishEffect,
  type PushEffect,
  type Refused,
  type TellEffect,
  accepted,
  refused,
} from './decider.ts';
export { stableHash } from './hash.ts';
export { timeOrderedId } from './ids.ts';
export { inParallel } from './in-parallel.ts';
export { parseMoment } from './moment.ts';
export { type Random, seededRandom, systemRandom } from './random.ts';
export { type Result, err, ok } from './result.ts';
