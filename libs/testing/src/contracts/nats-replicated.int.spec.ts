// The contracts that replication could break, on a cluster of three servers with three copies of everything; and what
// happens to readers when a server dies that only hosted their consumers.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type NatsHandle, startNats } from '../servers/nats-server.ts';
import { waitUntil } from '../servers/wait-until.ts';
import { describeCommandLog } from './command-log.contract.ts';
import { describeJournal } from './journal.contract.ts';
import { describeKeyValueStore } from './key-value.contract.ts';
import { describeMessenger } from './messenger.contract.ts';
import { type NatsBench, natsBench } from './nats-bench.ts';
import { bytesOf, textOf } from './port-bench.ts';
import { describeSnapshotStore } from './snapshot-store.contract.ts';
import { describeTrimGuard } from './trim-guard.contract.ts';

let server: NatsHandle;
let bench: NatsBench;

beforeAll(async () => {
  server = await startNats({ clusterOf: 3 });
  bench = await natsBench({ url: server.url, replicas: 3, stop: () => server.stop() });
});
afterAll(() => bench.stop());

describeJournal('NATS, three servers', () => bench);
describeCommandLog('NATS, three servers', () => bench);
describeKeyValueStore('NATS, three servers', () => bench);
describeSnapshotStore('NATS, three servers', () => bench);
describeMessenger('NATS, three servers', () => bench);
describeTrimGuard('NATS, three servers', () => bench);

test('readers and watches go on when a server dies that they are not connected to', async () => {
  const [home, , victim] = server.servers;
  if (home === undefined || victim === undefined) throw new Error('three servers expected');
  // Consumers are spread over the servers: some of these are on the victim.
  const { commandLog, keyValues } = await bench.node('at home', home.url);
  const shards = Array.from({ length: 12 }, () => bench.freshShard());
  const readers = shards.map((shard) => commandLog.read(shard, 0));
  const bucket = await keyValues.bucket(bench.freshName('bucket'));
  const seen: string[] = [];
  const watch = await bucket.watch(({ entry }) => void seen.push(textOf(entry?.value) ?? ''));
  const publishAll = (text: string) =>
    Promise.all(
      shards.map((shard) =>
        waitUntil(() => commandLog.publish(shard, bytesOf(text)).then(() => true), {
          what: 'the command is stored',
          limitMs: 30_000,
        }),
      ),
    );
  await publishAll('before');
  for (const reader of readers) expect(await reader.take(1)).toHaveLength(1);
  await victim.kill();
  await publishAll('after');
  await waitUntil(async () => (await bucket.write('key', bytesOf('after'), 0)).outcome === 'written', {
    what: 'the key is written',
    limitMs: 30_000,
  });
  for (const reader of readers) {
    expect((await reader.take(1)).map(({ bytes }) => textOf(bytes))).toEqual(['after']);
    reader.stop();
  }
  await waitUntil(() => seen.includes('after'), { what: 'the watch tells it', limitMs: 10_000 });
  watch.stop();
  await victim.restart();
});
