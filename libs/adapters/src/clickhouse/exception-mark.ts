// A server that fails when it has sent a part of its answer already writes the error behind it, between marks with a tag that
// it named in a header; older ones only break the connection off.

/** Longest end of an answer that is held back until it is known what follows. */
const markBytesMax = 256;
/** Longest error that is read. */
const errorBytesMax = 65_536;

/** The answer as it is; throws the error that stands behind it. `tag` is the header's, empty when there was none. */
export async function* untilException(
  answer: AsyncIterable<Uint8Array>,
  tag: string,
): AsyncGenerator<Uint8Array, void> {
  if (tag === '') return yield* answer;
  const mark = Buffer.from(`__exception__\r\n${tag}`);
  let held: Buffer = Buffer.alloc(0);
  let isError = false;
  for await (const piece of answer) {
    held = Buffer.concat([held, piece]);
    if (isError && held.length > errorBytesMax) break;
    if (isError) continue;
    const found = held.indexOf(mark);
    isError = found >= 0;
    if (isError) held = held.subarray(found + mark.length);
    else if (held.length > markBytesMax) {
      yield held.subarray(0, held.length - markBytesMax);
      held = held.subarray(held.length - markBytesMax);
    }
  }
  if (isError) throw new Error(held.toString('utf8').trim());
  yield held;
}
