import { defineConfig } from 'vitest/config';

// Tiers by file suffix: .unit.spec (pure), .int.spec (real servers), .sim.spec (simulated cluster), .e2e.spec (processes).
const project = (tier: string, timeoutMs: number) => ({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    name: tier,
    include: [`{apps,libs,tools}/**/*.${tier}.spec.ts`],
    testTimeout: timeoutMs,
    hookTimeout: 120_000,
    // A wait ends when its condition holds; the limit is for a machine that others use too.
    expect: { poll: { timeout: timeoutMs / 2 } },
    pool: 'forks' as const,
  },
});

export default defineConfig({
  test: {
    projects: [
      project('unit', 10_000),
      project('int', 60_000),
      project('sim', 60_000),
      project('e2e', 120_000),
    ],
    maxWorkers: 2,
  },
});
