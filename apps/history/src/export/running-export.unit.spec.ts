// Chunks of a document: what they add up to, when they are made, and what ends them.
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RunningExport } from './running-export.ts';

const limits = { chunkBytes: 10, bytesMax: 1_000, idleMs: 1_000 };
const never = () => undefined;

interface Source extends AsyncIterable<Uint8Array> {
  taken: number;
  isClosed: boolean;
}

function sourceOf(pieces: readonly (string | Error)[]): Source {
  const source: Source = {
    taken: 0,
    isClosed: false,
    async *[Symbol.asyncIterator]() {
      try {
        for (const piece of pieces) {
          await Promise.resolve();
          if (piece instanceof Error) throw piece;
          source.taken++;
          yield Buffer.from(piece);
        }
      } finally {
        source.isClosed = true;
      }
    },
  };
  return source;
}

async function allOf(running: RunningExport) {
  const chunks: string[] = [];
  for (let number = 1; ; number++) {
    const { bytes, isLast } = await running.chunk(number);
    chunks.push(Buffer.from(bytes).toString());
    if (isLast) return chunks;
  }
}

afterEach(() => void vi.useRealTimers());

describe('an export under way', () => {
  it('gives the document in full chunks, whatever pieces it comes in', async () => {
    const pieces = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 40 }));
    await fc.assert(
      fc.asyncProperty(pieces, async (all) => {
        const running = new RunningExport(sourceOf(all), limits, never);
        const chunks = await allOf(running);
        expect(chunks.join('')).toBe(all.join(''));
        expect(chunks.slice(0, -1).every((chunk) => chunk.length === 10)).toBe(true);
        expect(chunks.at(-1)!.length).toBeLessThanOrEqual(10);
        expect(running.isWhole).toBe(true);
        await running.stop();
      }),
    );
  });

  it('gives the newest chunk once more, and no other', async () => {
    const running = new RunningExport(sourceOf(['0123456789', 'abcdefghij', 'xyz']), limits, never);
    const text = async (number: number) => Buffer.from((await running.chunk(number)).bytes).toString();
    expect(await Promise.all([text(1), text(1)])).toEqual(['0123456789', '0123456789']);
    expect(await text(2)).toBe('abcdefghij');
    await expect(text(1)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(text(4)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    expect(await text(3)).toBe('xyz');
    await running.stop();
  });

  it('makes one chunk more than was asked for, and no further', async () => {
    const source = sourceOf(Array.from({ length: 50 }, () => '0123456789'));
    const running = new RunningExport(source, limits, never);
    await running.chunk(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(source.taken).toBeLessThanOrEqual(4);
    await running.stop();
    expect(source.isClosed).toBe(true);
  });

  it('says when the document cannot be made whole, or is too large', async () => {
    const broken = new RunningExport(sourceOf(['0123456789', new Error('the store is away')]), limits, never);
    await expect(allOf(broken)).rejects.toThrow('the store is away');
    expect(broken.isWhole).toBe(false);
    const large = new RunningExport(sourceOf(['x'.repeat(1_001)]), limits, never);
    await expect(allOf(large)).rejects.toThrow('larger than 1000 bytes');
    await Promise.all([broken.stop(), large.stop()]);
  });

  it('is given up when nobody asks', async () => {
    vi.useFakeTimers();
    const onIdle = vi.fn();
    const running = new RunningExport(sourceOf(['a']), limits, onIdle);
    await vi.advanceTimersByTimeAsync(900);
    await running.chunk(1);
    await vi.advanceTimersByTimeAsync(900);
    expect(onIdle).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(100);
    expect(onIdle).toHaveBeenCalledOnce();
    await running.stop();
  });
});
