// History made anew beside the running one, on the real engine: from journals that are whole, trimmed, and trimmed meanwhile.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryJournalFollower, oneServer } from '@parley/adapters';
import { internal } from '@parley/protocol';
import type { HistoryProjection } from '../projection/history-projection.ts';
import { silentLog } from '../log.ts';
import {
  type HistoryBench,
  caughtUp,
  groupShard,
  openHistoryBench,
  shards,
  userShard,
} from '../testing/history-bench.ts';
import { Rebuild, type RebuildStatus } from './rebuild.ts';

const fast = { batchAgeMs: 10, batchPauseMs: 10, idleBatchAgeMs: 10 };

let bench: HistoryBench;
let running: HistoryProjection;
beforeAll(async () => {
  bench = await openHistoryBench();
  running = await bench.projection(fast);
  running.start();
});
afterAll(async () => {
  await running.stop();
  await bench.close();
});

/** `commits`: of both shards, with messages, inbox entries, members who come and go, and commits without events. */
async function write(from: number, commits: number): Promise<void> {
  const { journal } = bench;
  if (from === 0) journal.commit(groupShard, [journal.created('acme', 'team', 'ann', ['ben'])], 2);
  for (let number = from; number < from + commits; number += 1) {
    const entry = {
      type: 'user',
      tenant: 'acme',
      ids: ['alice', `b${number % 7}`],
      payload: internal.UserEvent.encode({
        entryAppended: { conversation: 'g.team', sequence: number },
      }).finish(),
    };
    journal.commit(userShard, [
      journal.direct('acme', `alice.b${number % 7}`, 'alice', `n ${number} 你好`),
      entry,
    ]);
    journal.commit(userShard, []);
    const change = journal.change('acme', 'team', (stamp) => ({
      membersAdded: { ...stamp, by: 'ann', members: [`m${number}`] },
    }));
    journal.commit(groupShard, [change, journal.group('acme', 'team', 'ann', `post ${number}`)], 2);
  }
  await caughtUp(running, journal);
}

async function rebuild(meanwhile: () => Promise<void> = async () => undefined): Promise<RebuildStatus> {
  const one = new Rebuild({
    clickHouse: bench.clickHouse,
    layout: oneServer,
    follower: new MemoryJournalFollower(bench.journal.asJournal()),
    journal: bench.journal,
    shards,
    keptEvents: 'all',
    log: silentLog,
    limits: fast,
    positions: () => running.positions,
    pause: () => running.stop(),
    resume: () => undefined,
  });
  const over = one.start();
  await meanwhile();
  await over;
  // As the service does; here one after the other, so that nothing runs when the test looks.
  running = await bench.projection(fast);
  running.start();
  return one.status;
}

async function rowsOf(database: string): Promise<[unknown, unknown, unknown][]> {
  const rows = await bench.clickHouse.select(
    `SELECT 'messages', count(), sum(cityHash64(conversation, sequence, version, text)) FROM ${database}.messages FINAL
     UNION ALL SELECT 'memberships', count(), sum(cityHash64(user, conversation, sequence, version)) FROM ${database}.memberships FINAL
     UNION ALL SELECT 'events', count(), sum(cityHash64(shard, sequence, position, ids, payload)) FROM ${database}.events FINAL
     UNION ALL SELECT 'watermarks', count(), sum(cityHash64(shard, sequence)) FROM ${database}.watermarks FINAL`,
  );
  return rows.map(([table, count, sum]) => [table, count, sum] as [unknown, unknown, unknown]).sort();
}

describe('history made anew', () => {
  it('takes the place of the running one when both are the same', async () => {
    await write(0, 50);
    const before = await rowsOf('parley');
    expect(await rebuild()).toMatchObject({ state: 'switched', behind: 0, differences: [] });
    expect(await rowsOf('parley')).toEqual(before);
    expect(await rowsOf('parley_next')).toEqual(before);
  });

  it('has what its journals no longer hold from the events, also when they are trimmed or grow meanwhile', async () => {
    const { journal } = bench;
    const last = (await journal.last(groupShard))!.sequence;
    journal.trim(userShard, last - 60);
    journal.trim(groupShard, last - 1);
    const status = await rebuild(async () => {
      await write(50, 20);
      journal.trim(userShard, last - 10);
    });
    expect(status).toMatchObject({ state: 'switched', differences: [] });
    await write(70, 5);
    const [[, events] = []] = (await rowsOf('parley')).filter(([table]) => table === 'events');
    expect(events).toBe(1 + 75 * 4);
  });

  it('stays beside it when they differ, and says where', async () => {
    await bench.clickHouse.execute(
      "ALTER TABLE parley.messages DELETE WHERE conversation = 'd.alice.b3' AND sequence = 2 SETTINGS mutations_sync = 2",
    );
    await bench.clickHouse.execute(
      "ALTER TABLE parley.messages UPDATE text = 'other' WHERE conversation = 'd.alice.b4' AND sequence = 3 SETTINGS mutations_sync = 2",
    );
    const { state, differences } = await rebuild();
    expect(state).toBe('different');
    expect(differences).toEqual([
      { table: 'messages', about: 'acme/d.alice.b3', running: 10, rebuilt: 11 },
      { table: 'messages', about: 'acme/d.alice.b4', running: 11, rebuilt: 11 },
    ]);
  });
});
