// What the history process is told by its environment.
import { z } from 'zod';
import { commonSettings, setting } from '@parley/platform';
import { keptEventsChoices } from './projection/event-rows.ts';

export const historySettings = z.object({
  ...commonSettings,
  /** `http://user:password@host:8123`; without it the embedded engine keeps `<dataFolder>/clickhouse`. */
  clickhouseUrl: setting.text().optional(),
  /** Name of a cluster in that server's configuration: tables are replicated and spread over its servers. */
  clickhouseCluster: setting.text().optional(),
  /** Memory of the embedded engine as a whole. */
  historyMemoryBytesMax: setting.integer({ min: 256 * 1024 ** 2, max: 1024 ** 4 }).default(2 * 1024 ** 3),
  /** Which journaled events are kept, in the table `commits`. */
  historyEvents: z.enum(keptEventsChoices).default('all'),
  /** From one look at a shard's journal to the next: what has come meanwhile is received in one go. */
  historyReadPauseMs: setting.integer({ min: 0, max: 10_000 }).default(100),
  /** A batch with rows waits this long for more before it goes to ClickHouse. */
  historyBatchAgeMs: setting.integer({ min: 1, max: 60_000 }).default(200),
  /** From the start of one batch to the start of the next that is not full. */
  historyBatchPauseMs: setting.integer({ min: 0, max: 60_000 }).default(1_000),
  /** Exports at a time, each with a connection of its own to ClickHouse; one more is refused as BUSY. */
  historyExportsMax: setting.integer({ min: 0, max: 8 }).default(2),
  /** One export, from the question to its last byte; then it is broken off. */
  historyExportMs: setting.integer({ min: 1_000, max: 24 * 60 * 60_000 }).default(15 * 60_000),
  /** One export's document; a larger one is broken off. */
  historyExportBytesMax: setting.integer({ min: 1_024 ** 2, max: 1_024 ** 4 }).default(8 * 1_024 ** 3),
  /** An export whose client takes nothing for this long is given up. */
  historyExportIdleMs: setting.integer({ min: 1_000, max: 60 * 60_000 }).default(60_000),
  /** Share of one core for counting minutes, and as much for the roll-ups above: after each statement there is a rest. */
  historyRollUpSharePercent: setting.integer({ min: 1, max: 100 }).default(5),
  /** Counts the minute that runs too, again and again; otherwise each when it is over. */
  historyRollUpRunning: setting.flag().default(false),
  /** From one deletion of what tenants no longer keep to the next. */
  historyRetentionEveryMs: setting
    .integer({ min: 1_000, max: 30 * 24 * 60 * 60_000 })
    .default(24 * 60 * 60_000),
});

export type HistoryConfig = Readonly<z.output<typeof historySettings>>;
