// The simulator in the test run: some seeds on both kinds of logs, seeds that once failed, and the proof that it bites.
// `npm run simulate` runs thousands, and all mutations.
import { describe, expect, test } from 'vitest';
import { mutations } from './mutations/mutations.ts';
import { runSeeds } from './run-seeds.ts';
import { type RunReport, simulate } from './simulate.ts';

/** What the failing seed said, readable in the test's output. */
const story = ({ seed, replicas, violations, trace }: RunReport): string =>
  violations.length === 0
    ? ''
    : [
        `seed ${seed}, replicas ${replicas}`,
        ...violations.map(({ rule, what }) => `${rule}: ${what}`),
        ...trace.slice(-60),
      ].join('\n');

describe('a cluster under every fault we know', () => {
  test.each([1, 2, 3, 4, 5, 6])('seed %i on a single log breaks no invariant', async (seed) => {
    expect(story(await simulate(seed, 1))).toBe('');
  });

  test.each([1, 2, 3, 4, 5, 6])('seed %i on a replicated log breaks no invariant', async (seed) => {
    expect(story(await simulate(seed, 3))).toBe('');
  });

  // A message was refused for good while an older one had no answer yet: the next one must name the older one.
  test.each([
    { seed: 1184, replicas: 3 },
    { seed: 1307, replicas: 1 },
    { seed: 1604, replicas: 3 },
  ] as const)('seed $seed on $replicas replicas keeps the order behind a refused message', async (run) => {
    expect(story(await simulate(run.seed, run.replicas))).toBe('');
  });

  // The owner before, fenced off already, wrote its checkpoint and trimmed while its successor was reading.
  test.each([
    { seed: 363, replicas: 1 },
    { seed: 750, replicas: 3 },
    { seed: 1629, replicas: 1 },
    { seed: 1672, replicas: 3 },
  ] as const)('seed $seed on $replicas replicas calls no trimmed journal a damaged one', async (run) => {
    expect(story(await simulate(run.seed, run.replicas))).toBe('');
  });

  test('the same seed gives the same run', async () => {
    const [one, other] = [await simulate(7, 1), await simulate(7, 1)];
    expect(one).toEqual(other);
    expect(one.commits).toBeGreaterThan(50);
  });
});

describe('a deliberate bug', () => {
  test.each(['reply-before-commit', 'trim-past-history', 'lane-without-numbers'])(
    '%s is found',
    async (name) => {
      const { seedsMax } = mutations.find((mutation) => mutation.name === name)!;
      const found: RunReport[] = [];
      await runSeeds({
        tasks: Array.from({ length: seedsMax }, (_, index) => ({ seed: index + 1, replicas: 1 as const })),
        workers: 1,
        mutation: name,
        onReport: (report) => {
          if (report.violations.length > 0) found.push(report);
          return found.length > 0;
        },
      });
      expect(found[0]?.violations[0]?.rule).toMatch(/^INV-\d+$/);
    },
  );

  test('that is not there any more is an error, not a pass', async () => {
    const running = runSeeds({
      tasks: [{ seed: 1, replicas: 1 }],
      workers: 1,
      mutation: 'no-such-mutation',
      onReport: () => true,
    });
    await expect(running).rejects.toThrow('worker died');
  });
});
