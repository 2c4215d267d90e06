import { type Result, err, ok } from '@parley/std';
import { beforeEach, expect, it } from 'vitest';
import { HandClock } from '../transport/gateway.double.ts';
import { ReadQueue } from './read-queue.ts';

const readWaitMs = 8_000;
let clock: HandClock;
beforeEach(() => {
  clock = new HandClock();
});

function held() {
  const begun: number[] = [];
  const ends = new Map<number, (result: Result<number, string>) => void>();
  const read = (number: number) => () => {
    begun.push(number);
    return new Promise<Result<number, string>>((resolve) => ends.set(number, resolve));
  };
  return {
    begun,
    read,
    end: (number: number, result: Result<number, string> = ok(number)) => ends.get(number)!(result),
  };
}

it('runs so many at once, the others in order, and refuses those for whom there is no room', async () => {
  const { begun, read, end } = held();
  const queue = new ReadQueue({ readsAtOnceMax: 2, readsWaitingMax: 2, readWaitMs }, clock);
  const reads = [1, 2, 3, 4].map((number) => queue.run(read(number)));
  expect(await queue.run(read(5))).toEqual({ ok: false, error: 'BUSY' });
  expect(begun).toEqual([1, 2]);
  end(2);
  expect(await reads[1]).toEqual({ ok: true, value: 2 });
  expect(begun).toEqual([1, 2, 3]);
  end(1, err('TIMEOUT'));
  expect(await reads[0]).toEqual({ ok: false, error: 'TIMEOUT' });
  expect(begun).toEqual([1, 2, 3, 4]);
  end(3);
  end(4);
  await Promise.all(reads);
});

it('gives a place back when a read throws', async () => {
  const queue = new ReadQueue({ readsAtOnceMax: 1, readsWaitingMax: 1, readWaitMs }, clock);
  const failing = queue.run(() => Promise.reject(new Error('a bug')));
  const next = queue.run(() => Promise.resolve(ok(7)));
  await expect(failing).rejects.toThrow('a bug');
  expect(await next).toEqual({ ok: true, value: 7 });
  expect(await queue.run(() => Promise.resolve(ok(8)))).toEqual({ ok: true, value: 8 });
});

it('refuses those who have waited too long, and goes on with the next', async () => {
  const { begun, read, end } = held();
  const queue = new ReadQueue({ readsAtOnceMax: 1, readsWaitingMax: 9, readWaitMs }, clock);
  const [first, late] = [queue.run(read(1)), queue.run(read(2))];
  clock.advance(readWaitMs + 1);
  const next = queue.run(read(3));
  end(1);
  expect(await first).toEqual({ ok: true, value: 1 });
  expect(await late).toEqual({ ok: false, error: 'BUSY' });
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toEqual([1, 3]);
  end(3);
  expect(await next).toEqual({ ok: true, value: 3 });
});
