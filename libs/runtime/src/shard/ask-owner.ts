// How owners of shards are asked. A process that has just handed a shard over still gets questions that were on their way;
// it answers with no bytes, which to whoever asks is the same as nobody listening.
import type { Messenger, RequestResult } from '../ports/index.ts';

/** The answer of a process that does not own the shard any more. */
export const notTheOwner = new Uint8Array();

/** Asks once. `no-responders` also when the shard has just left the process that was asked. */
export async function askOwner(
  messenger: Messenger,
  subject: string,
  question: Uint8Array,
  timeoutMs: number,
): Promise<RequestResult> {
  const result = await messenger.request(subject, question, timeoutMs);
  const hasLeft = result.outcome === 'answered' && result.bytes.length === 0;
  return hasLeft ? { outcome: 'no-responders' } : result;
}
