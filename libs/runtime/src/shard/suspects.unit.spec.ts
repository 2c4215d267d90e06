import { expect, test } from 'vitest';
import { silentLog } from '../ports/index.ts';
import { Suspects } from './suspects.ts';

test('a record is passed over once it has broken the shard twice, its neighbours are not', () => {
  const suspects = new Suspects();
  const isGuilty = (sequence: number, index: number) =>
    suspects.isGuilty({ sequence, index }, 'user.0', silentLog);
  suspects.note({ sequence: 7, index: 2 });
  expect(isGuilty(7, 2)).toBe(false);
  suspects.note({ sequence: 7, index: 2 });
  expect([isGuilty(7, 2), isGuilty(7, 1), isGuilty(8, 2)]).toEqual([true, false, false]);
});

test('few suspects are remembered, the newest ones', () => {
  const suspects = new Suspects();
  for (let sequence = 0; sequence < 100; sequence++)
    for (let breaks = 0; breaks < 2; breaks++) suspects.note({ sequence, index: 0 });
  const guilty = Array.from({ length: 100 }, (_, sequence) => sequence).filter((sequence) =>
    suspects.isGuilty({ sequence, index: 0 }, 'user.0', silentLog),
  );
  expect(guilty.length).toBeLessThanOrEqual(16);
  expect(guilty.at(-1)).toBe(99);
});
