// Several processes, one projection.
import { describe, expect, it } from 'vitest';
import { MemoryCluster } from '@parley/adapters';
import { systemClock } from '@parley/std';
import { silentLog } from '../log.ts';
import { ProjectionLease } from './projection-lease.ts';

async function leases(...names: string[]) {
  const cluster = new MemoryCluster({ clock: systemClock });
  const holders = new Set<string>();
  const made = names.map(async (name) => {
    const node = cluster.node(name);
    const lease = new ProjectionLease({
      bucket: await node.keyValues.bucket('leases'),
      holder: name,
      log: silentLog,
      onTaken: () => void holders.add(name),
      onLost: () => Promise.resolve(void holders.delete(name)),
      ttlMs: 1_000,
      renewEveryMs: 20,
    });
    return { name, node, lease };
  });
  return { holders, all: await Promise.all(made) };
}

describe('the projection lease', () => {
  it('has one holder at a time, and goes to the next when it is given back', async () => {
    const { holders, all } = await leases('one', 'two');
    for (const { lease } of all) lease.start();
    await expect.poll(() => [...holders]).toHaveLength(1);
    const holder = all.find(({ name }) => holders.has(name))!;
    const other = all.find((candidate) => candidate !== holder)!;
    await holder.lease.stop();
    await expect.poll(() => holders.has(other.name)).toBe(true);
    await other.lease.stop();
  });

  it('runs out when its holder is cut off, which then stops', async () => {
    const { holders, all } = await leases('one', 'two');
    const [one, two] = all;
    one!.lease.start();
    await expect.poll(() => [...holders]).toEqual(['one']);
    two!.lease.start();
    one!.node.disconnect();
    await expect.poll(() => [...holders], { timeout: 5_000 }).toEqual(['two']);
    await Promise.all(all.map(({ lease }) => lease.stop()));
  });
});
