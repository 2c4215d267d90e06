// Journals that came back with less than was acknowledged, and who still knows: what real servers can be brought to is in
// durability.int.spec.ts.
import { buckets } from '@parley/protocol';
import type { ShardId } from '@parley/runtime';
import { describe, expect, test } from 'vitest';
import { LettersClient, LettersCluster } from './letters-cluster.ts';

const shard: ShardId = { kind: 'user', index: 0 };

async function oneShard(limits = {}) {
  const cluster = new LettersCluster({ shards: 1, limits: { checkpointEveryMs: 1_000, ...limits } });
  const node = await cluster.startNode();
  await cluster.untilServed();
  const client = new LettersClient(cluster);
  for (let i = 0; i < 5; i++) await cluster.drive(client.post('p1', `m${i}`, []));
  await cluster.clock.advance(3_000);
  return { cluster, node, client };
}

describe('a journal that lost its end', () => {
  test('is found out by a snapshot that holds what the journal has not, when nobody else knows', async () => {
    const { cluster, node, client } = await oneShard();
    cluster.crash(node);
    const { stream } = cluster.memory.journal(shard);
    stream.loseAfter(0);
    const checkpoints = await cluster.drive(client.link.keyValues.bucket(buckets.checkpoints));
    await cluster.drive(checkpoints.delete('user.0'));
    await cluster.startNode();
    await cluster.untilServed();
    expect(await Promise.race([cluster.drive(client.tryAsk('p1')), cluster.clock.advance(1_000)])).toBe(
      undefined,
    );
    client.send('p1', 'after', []);
    await cluster.clock.until('the shard is closed', () => cluster.servers().size === 0);
    expect([...client.replies.values()]).not.toContainEqual({ id: 'after' });
  });

  test('is not served by an owner that lost its lease meanwhile and takes the shard again', async () => {
    const { cluster, node, client } = await oneShard({ checkpointEveryMs: 3_600_000 });
    const { stream } = cluster.memory.journal(shard);
    cluster.memory.faults = { fate: () => 'request-lost' };
    await cluster.clock.advance(cluster.limits.leaseTtlMs + 5_000);
    expect(node.shards.serving).toEqual([]);
    stream.loseAfter(stream.lastSequence - 2);
    cluster.memory.faults = { fate: () => 'ok' };
    await cluster.clock.advance(60_000);
    expect(cluster.servers().size).toBe(0);
    expect(await Promise.race([client.tryAsk('p1'), cluster.clock.advance(5_000)])).toBe(undefined);
  });
});
