// The NATS adapters keep the contracts of their ports, on one server.
import { FollowerWatermarks } from '@parley/adapters';
import { buckets } from '@parley/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startNats } from '../servers/nats-server.ts';
import { describeCommandLog } from './command-log.contract.ts';
import { describeJournal } from './journal.contract.ts';
import { describeKeyValueStore } from './key-value.contract.ts';
import { describeMessenger } from './messenger.contract.ts';
import { type NatsBench, natsBench } from './nats-bench.ts';
import { describeSnapshotStore } from './snapshot-store.contract.ts';
import { describeTrimGuard } from './trim-guard.contract.ts';

let bench: NatsBench;

beforeAll(async () => {
  const server = await startNats();
  bench = await natsBench({ url: server.url, stop: () => server.stop() });
});
afterAll(() => bench.stop());

describeJournal('NATS, one server', () => bench);
describeCommandLog('NATS, one server', () => bench);
describeKeyValueStore('NATS, one server', () => bench);
describeSnapshotStore('NATS, one server', () => bench);
describeMessenger('NATS, one server', () => bench);
describeTrimGuard('NATS, one server', () => bench);

test('a further follower of the journals holds trimming back while it has joined', async () => {
  const { trimGuard } = await bench.node('own');
  const watermarks = await (await bench.node('audit')).keyValues.bucket(buckets.watermarks);
  const [one, other] = [bench.freshShard(), bench.freshShard()];
  for (const shard of [one, other]) await bench.advanceWatermark(shard, 40);
  const follower = new FollowerWatermarks(watermarks, 'audit');
  await follower.join();
  expect(await trimGuard.safeSequence(one)).toBe(0);
  await follower.advance(one, 10);
  await follower.advance(one, 12);
  expect([await trimGuard.safeSequence(one), await trimGuard.safeSequence(other)]).toEqual([12, 0]);
  await follower.advance(one, 50);
  expect(await trimGuard.safeSequence(one)).toBe(40);
  await follower.leave();
  expect(await trimGuard.safeSequence(other)).toBe(40);
});
