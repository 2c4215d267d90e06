import { type Result, err, ok } from '@parley/std';
import { expect, it } from 'vitest';
import { ReadQueue } from './read-queue.ts';

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
  const queue = new ReadQueue({ readsAtOnceMax: 2, readsWaitingMax: 2 });
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
  const queue = new ReadQueue({ readsAtOnceMax: 1, readsWaitingMax: 1 });
  const failing = queue.run(() => Promise.reject(new Error('a bug')));
  const next = queue.run(() => Promise.resolve(ok(7)));
  await expect(failing).rejects.toThrow('a bug');
  expect(await next).toEqual({ ok: true, value: 7 });
  expect(await queue.run(() => Promise.resolve(ok(8)))).toEqual({ ok: true, value: 8 });
});
