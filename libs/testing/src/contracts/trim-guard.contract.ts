// What every trim guard does: know nothing until history has said something, then what it said.
import { describe, expect, test } from 'vitest';
import type { PortBench } from './port-bench.ts';

export function describeTrimGuard(name: string, bench: () => PortBench): void {
  describe(`TrimGuard: ${name}`, () => {
    test('nothing is safe while nothing is known', async () => {
      const { trimGuard } = await bench().node('own');
      expect(await trimGuard.safeSequence(bench().freshShard())).toBe(0);
    });

    test('what history has stored is safe, shard by shard', async () => {
      const { trimGuard } = await bench().node('own');
      const [one, two] = [bench().freshShard(), bench().freshShard()];
      await bench().advanceWatermark(one, 41);
      await bench().advanceWatermark(one, 42);
      expect(await trimGuard.safeSequence(one)).toBe(42);
      expect(await trimGuard.safeSequence(two)).toBe(0);
    });
  });
}
