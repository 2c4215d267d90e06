// Where the projection stands, as the history store itself has it: read at the start, and what the rest may rely on.
import type { ClickHouse } from '@parley/adapters';
import type { ShardProgress } from './history-batch.ts';

/** By shard name. Shards that were never projected are absent. */
export async function readPositions(clickHouse: ClickHouse): Promise<Map<string, ShardProgress>> {
  const rows = await clickHouse.select(
    `SELECT shard, max(sequence), max(epoch), max(n), toUnixTimestamp64Milli(argMax(at, sequence))
     FROM parley.watermarks GROUP BY shard ORDER BY shard LIMIT 10000`,
  );
  return new Map(
    rows.map(([shard, sequence, epoch, n, atMs]) => [
      shard as string,
      { sequence: sequence as number, epoch: epoch as number, n: n as number, atMs: atMs as number },
    ]),
  );
}

/** By shard name: minutes that were dirty there, as DirtyMinutes wrote them. */
export async function readTouched(clickHouse: ClickHouse): Promise<ReadonlyMap<string, readonly number[]>> {
  const rows = await clickHouse.select(
    'SELECT shard, argMax(touched, sequence) FROM parley.watermarks GROUP BY shard ORDER BY shard LIMIT 10000',
  );
  return new Map(rows.map(([shard, numbers]) => [shard as string, numbers as number[]]));
}
