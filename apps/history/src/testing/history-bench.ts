// The history service around a scripted journal and a real embedded engine in a folder of its own, for tests.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '@parley/std';
import { type KeyValue, type ShardId, shardName } from '@parley/runtime';
import { buckets } from '@parley/protocol';
import {
  type ClickHouse,
  MemoryCluster,
  MemoryJournalFollower,
  openEmbeddedClickHouse,
} from '@parley/adapters';
import { type Log, silentLog } from '../log.ts';
import type { KeptEvents } from '../projection/event-rows.ts';
import { HistoryProjection, type ProjectionLimits } from '../projection/history-projection.ts';
import { ScriptedJournal } from './scripted-journal.ts';

export const userShard: ShardId = { kind: 'user', index: 0 };
export const groupShard: ShardId = { kind: 'group', index: 0 };
export const shards = [userShard, groupShard];

export interface HistoryBench {
  readonly clickHouse: ClickHouse;
  readonly journal: ScriptedJournal;
  readonly cluster: MemoryCluster;
  readonly follower: MemoryJournalFollower;
  watermarks(): Promise<KeyValue>;
  /** A projection over `over` (the engine, unless given) that has not started. */
  projection(
    limits?: Partial<ProjectionLimits>,
    over?: ClickHouse,
    log?: Log,
    keptEvents?: KeptEvents,
  ): Promise<HistoryProjection>;
  /** Projects everything that is in the journal now. */
  projectAll(): Promise<void>;
  close(): Promise<void>;
}

export async function openHistoryBench(): Promise<HistoryBench> {
  const folder = mkdtempSync(path.join(tmpdir(), 'parley-history-'));
  const clickHouse = await openEmbeddedClickHouse({ folder: path.join(folder, 'clickhouse') });
  const journal = new ScriptedJournal();
  const cluster = new MemoryCluster({ clock: systemClock });
  const follower = new MemoryJournalFollower(journal.asJournal());
  const watermarks = () => cluster.node('history').keyValues.bucket(buckets.watermarks);
  const projection: HistoryBench['projection'] = async (
    limits,
    over = clickHouse,
    log = silentLog,
    keptEvents = 'all',
  ) => {
    const own = { shards, watermarks: await watermarks(), log, limits, keptEvents };
    return new HistoryProjection({ clickHouse: over, follower, journal, ...own });
  };
  return {
    clickHouse,
    journal,
    cluster,
    follower,
    watermarks,
    projection,
    async projectAll() {
      const running = await projection({ batchAgeMs: 10, batchPauseMs: 10, idleBatchAgeMs: 10 });
      running.start();
      await caughtUp(running, journal);
      await running.stop();
    },
    async close() {
      await clickHouse.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until the projection is durable up to the end of the journal. */
export async function caughtUp(
  projection: HistoryProjection,
  journal: ScriptedJournal,
  limitMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const missing = [];
    for (const shard of shards) {
      const end = (await journal.last(shard))?.sequence ?? 0;
      if ((projection.positions.get(shardName(shard))?.sequence ?? 0) < end) missing.push(shardName(shard));
    }
    if (missing.length === 0) return;
    if (performance.now() > deadline) throw new Error(`projection did not catch up: ${missing.join(', ')}`);
    await projection.moved(20);
  }
}
