// ClickHouse as a server of its own, switched off while people write: they notice nothing, search says so, and everything is
// found once it is back. The long run is `npm run bench -- history-outage --seconds 600`.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { openHttpClickHouse } from '@parley/adapters';
import { projectFolder, startClickHouse, startCluster, waitUntil } from '../servers/index.ts';
import { Chatter, flawsOf, stopAll } from './chatter.ts';
import { People, direct, manyUsersFromOneAddress } from './people.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of undo.splice(0).reverse()) await stop();
});

it('people go on writing without ClickHouse, and history has all of it when it is back', async () => {
  const clickHouse = await startClickHouse();
  undo.push(() => clickHouse.stop());
  const lines: string[] = [];
  const cluster = await startCluster({
    clickhouseUrl: clickHouse.url,
    env: manyUsersFromOneAddress,
    log: (line) => lines.push(line),
  });
  undo.push(() => cluster.stop());
  const people = new People(cluster);
  undo.push(() => people.closeAll());
  const [alice, bob] = await people.registerAll('alice', 'bob');
  const [atAlice, atBob] = await Promise.all([alice.connect(), bob.connect()]);
  const conversation = direct(alice, bob);
  const searched = (q: string) => alice.api.search({ q, conversation });
  const untilFound = (sequence: number) =>
    waitUntil(
      async () => {
        const { completeThrough } = await searched('anything');
        return completeThrough.some((one) => one.conversation === conversation && one.sequence >= sequence);
      },
      { what: `search is complete through ${sequence}`, limitMs: 60_000, everyMs: 100 },
    );
  const { sequence: first } = await atAlice.send(conversation, 'before');
  await untilFound(first);

  const chatters = [Chatter.start(atAlice, conversation), Chatter.start(atBob, conversation)];
  await clickHouse.kill();
  await Promise.all(chatters.map((chatter) => chatter.more(50)));
  await expect(searched('before')).rejects.toMatchObject({ code: 'HISTORY_UNAVAILABLE', retryable: true });
  const { sequence: unseen } = await atAlice.send(conversation, 'written meanwhile');
  await clickHouse.restart();
  await Promise.all(chatters.map((chatter) => chatter.more(10)));
  const acked = await stopAll(chatters);
  const { sequence: last } = await atBob.send(conversation, 'after');
  await untilFound(last);

  expect(await flawsOf([atAlice, atBob], conversation, acked)).toEqual([]);
  expect((await searched('"written meanwhile"')).hits.map(({ sequence }) => sequence)).toEqual([unseen]);
  const store = openHttpClickHouse({ url: clickHouse.url });
  undo.push(() => store.close());
  const rows = await store.select(
    `SELECT count(), max(sequence) FROM parley.messages FINAL WHERE conversation = '${conversation}'`,
  );
  expect(rows).toEqual([[last, last]]);
  // A message is an event of the conversation, and one in each inbox.
  const [[events] = []] = await store.select(
    `SELECT count() FROM parley.events WHERE type = 'direct' AND has(ids, '${conversation.slice(2)}')`,
  );
  expect(events).toBeGreaterThanOrEqual(last);
  expect(lines.filter((line) => line.includes('ClickHouse is away'))).toHaveLength(1);

  // And an operator who has doubts about that disk now has it made anew, while people write.
  const writing = Chatter.start(atAlice, conversation);
  const { stdout } = await promisify(execFile)(
    path.join(projectFolder, 'node_modules/.bin/node'),
    ['--conditions=source', 'tools/rebuild-history.ts', '--nats', cluster.natsUrl],
    { cwd: projectFolder },
  );
  expect(JSON.parse(stdout)).toMatchObject({ state: 'switched', differences: [] });
  await writing.more(3);
  await writing.stop();
  const { sequence: newest } = await atBob.send(conversation, 'after the switch');
  await untilFound(newest);
  expect((await searched('"written meanwhile"')).hits.map(({ sequence }) => sequence)).toEqual([unseen]);
});
