// A scripted journal, its history on a real engine, and the roll-ups of it. For tests.
import { type ClickHouse } from '@parley/adapters';
import { systemClock } from '@parley/std';
import { RollUps } from '../analytics/roll-ups.ts';
import { silentLog } from '../log.ts';
import { caughtUp, openHistoryBench } from './history-bench.ts';
import type { ScriptedJournal } from './scripted-journal.ts';

export interface RolledBench {
  readonly clickHouse: ClickHouse;
  readonly journal: ScriptedJournal;
  /**
   * What a process does from its start: it projects all that is in the journal and counts all that is dirty. Its counting goes
   * through `store`: the engine, unless given. Returns through what time it has counted, milliseconds since 1970.
   */
  countAll(store?: ClickHouse, options?: CountOptions): Promise<number>;
  close(): Promise<void>;
}

export interface CountOptions {
  readonly countsRunningMinute: boolean;
  /** The time it is. */
  readonly nowMs: number;
}

const fast = { batchAgeMs: 1, batchPauseMs: 1, idleBatchAgeMs: 1, batchRowsMax: 300 };

export async function openRolledBench(): Promise<RolledBench> {
  const bench = await openHistoryBench();
  const { clickHouse, journal } = bench;
  return {
    clickHouse,
    journal,
    async countAll(store = clickHouse, options) {
      const projection = await bench.projection(fast);
      projection.start();
      await caughtUp(projection, journal);
      while (!projection.isReady) await projection.moved(1);
      const rollUps = new RollUps({
        clickHouse: store,
        dirty: projection.dirty,
        isReady: () => projection.isReady,
        positions: () => projection.positions,
        log: silentLog,
        limits: { statementMs: 60_000, countsRunningMinute: options?.countsRunningMinute ?? false },
        clock: options === undefined ? systemClock : { ...systemClock, nowMs: () => options.nowMs },
      });
      try {
        await rollUps.countAll();
        return rollUps.countedThroughMs;
      } finally {
        await projection.stop();
      }
    },
    close: () => bench.close(),
  };
}
