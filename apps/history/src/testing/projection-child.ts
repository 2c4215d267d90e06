// A history process for the kill test: projects a script both sides know into the folder it is given. Dies by itself
// when told so, between two inserts; says `done` when the whole script is durable.
//   node projection-child.ts <folder> <dies before the n-th insert, 0: never>
import { systemClock } from '@parley/std';
import { buckets } from '@parley/protocol';
import {
  type ClickHouse,
  MemoryCluster,
  MemoryJournalFollower,
  openEmbeddedClickHouse,
} from '@parley/adapters';
import { silentLog } from '../log.ts';
import { HistoryProjection } from '../projection/history-projection.ts';
import { caughtUp, shards } from './history-bench.ts';
import { killScript } from './kill-script.ts';
import { around } from './around.ts';

const [folder = '', dieBefore = '0'] = process.argv.slice(2);
const engine = await openEmbeddedClickHouse({ folder });
const journal = killScript();
const projection = new HistoryProjection({
  clickHouse: dyingBefore(engine, Number(dieBefore)),
  follower: new MemoryJournalFollower(journal.asJournal()),
  journal,
  shards,
  watermarks: await new MemoryCluster({ clock: systemClock })
    .node('child')
    .keyValues.bucket(buckets.watermarks),
  log: silentLog,
  limits: { batchRowsMax: 500, batchAgeMs: 20, batchPauseMs: 20, idleBatchAgeMs: 20 },
});
// Timers of the clock keep no process alive.
const alive = setInterval(() => undefined, 1_000);
process.send?.('started');
projection.start();
await caughtUp(projection, journal, 120_000);
await projection.stop();
await engine.close();
clearInterval(alive);
process.send?.('done');
process.disconnect();

function dyingBefore(clickHouse: ClickHouse, insertNumber: number): ClickHouse {
  let inserts = 0;
  return around(clickHouse, {
    insert: (table, columns, rows) => {
      inserts += 1;
      if (inserts === insertNumber) process.kill(process.pid, 'SIGKILL');
      return clickHouse.insert(table, columns, rows);
    },
  });
}
