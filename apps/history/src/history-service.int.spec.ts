// The whole history service on real servers: commits appended to JetStream come out of hst.page, hst.search and the
// Redis tail; NATS and Redis may go away meanwhile.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ClickHouse,
  NatsJournal,
  NatsJournalFollower,
  NatsKeyValueStore,
  type NatsLink,
  NatsMessenger,
  NatsTrimGuard,
  RedisLink,
  RedisTail,
  connectNats,
  oneServer,
  openEmbeddedClickHouse,
  provisionNats,
} from '@parley/adapters';
import { createMetrics, silentLogger } from '@parley/platform';
import { buckets, internal, subjects, wire } from '@parley/protocol';
import type { ShardId } from '@parley/runtime';
import { type NatsHandle, type ServerHandle, startNats, startRedis } from '@parley/testing';
import { exportDefaults } from './export/export-endpoints.ts';
import { HistoryService } from './history-service.ts';
import { ScriptedJournal } from './testing/scripted-journal.ts';

const shard: ShardId = { kind: 'user', index: 3 };
const shards: readonly ShardId[] = [shard, { kind: 'group', index: 0 }];
const folder = mkdtempSync(path.join(tmpdir(), 'parley-history-service-'));

let nats: NatsHandle;
let redis: ServerHandle;
let link: NatsLink;
let redisLink: RedisLink;
let clickHouse: ClickHouse;
let journal: NatsJournal;
let service: HistoryService;
const script = new ScriptedJournal();
let last = 0;

beforeAll(async () => {
  [nats, redis] = await Promise.all([startNats(), startRedis()]);
  link = await connectNats(nats.url, { name: 'history-test' });
  const { numbers } = await provisionNats(link);
  redisLink = new RedisLink({ url: redis.url });
  clickHouse = await openEmbeddedClickHouse({ folder: path.join(folder, 'clickhouse') });
  const parts = numbers.journalParts;
  journal = new NatsJournal(link, { parts });
  const keyValues = new NatsKeyValueStore(link);
  service = new HistoryService({
    clickHouse,
    tail: new RedisTail(redisLink),
    journal,
    follower: new NatsJournalFollower(link, { parts }),
    messenger: new NatsMessenger(link),
    watermarks: await keyValues.bucket(buckets.watermarks),
    deletions: await keyValues.bucket(buckets.deletions),
    shards,
    nodeId: 'history-1',
    isShared: true,
    layout: oneServer,
    keptEvents: 'all',
    batchAgeMs: 20,
    exports: { ...exportDefaults, exportsMax: 1, deadlineMs: 60_000, bytesMax: 2 ** 30, idleMs: 60_000 },
    batchPauseMs: 20,
    retentionEveryMs: 200,
    logger: silentLogger(),
    metrics: createMetrics('history'),
  });
  await service.start();
});

afterAll(async () => {
  await service?.stop();
  await redisLink?.stop();
  await link?.close();
  await clickHouse?.close();
  await Promise.all([nats?.stop(), redis?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

/** Appends one commit with these texts from alice to bob. */
async function say(...texts: string[]): Promise<void> {
  script.commitAfter(
    shard,
    last,
    texts.map((text) => script.direct('acme', 'alice.bob', 'alice', text)),
  );
  const { bytes } = (await script.last(shard)) as { bytes: Uint8Array };
  await expect
    .poll(async () => {
      const result = await journal.append(shard, last, `commit-${last}`, bytes);
      if (result.outcome === 'committed') last = result.sequence;
      return result.outcome;
    })
    .toBe('committed');
}

async function page(from: number, to: number) {
  const request = internal.HistoryPageRequest.encode({
    tenant: 'acme',
    conversation: 'd.alice.bob',
    from,
    to,
  }).finish();
  const result = await new NatsMessenger(link).request(subjects.history('page'), request, 5_000);
  return result.outcome === 'answered' ? internal.HistoryPageAnswer.decode(result.bytes) : result.outcome;
}

async function find(text: string, user = 'bob') {
  const request = internal.SearchRequest.encode({ tenant: 'acme', user, text }).finish();
  const result = await new NatsMessenger(link).request(subjects.history('search'), request, 5_000);
  return result.outcome === 'answered' ? internal.SearchAnswer.decode(result.bytes) : result.outcome;
}

const soon = { timeout: 40_000, interval: 20 };

describe('the history service', () => {
  it('answers pages and searches of what was committed, and keeps the tail', async () => {
    await say('hello there', '你好，世界');
    await expect.poll(() => page(1, 10), soon).toMatchObject({ completeThrough: 2 });
    expect(await page(1, 10)).toMatchObject({ messages: [{ text: 'hello there' }, { text: '你好，世界' }] });
    expect(await find('世界')).toMatchObject({ hits: [{ message: { sequence: 2 }, snippet: '你好，世界' }] });
    expect(await find('世界', 'carl')).toMatchObject({ hits: [] });
    expect(await find('++')).toMatchObject({ error: { code: 'BAD_REQUEST', retryable: false } });
    const tail = () =>
      new RedisTail(redisLink).read('acme', [{ conversation: 'd.alice.bob', from: 1, to: 10 }]);
    await expect.poll(async () => (await tail())[0]?.map(({ sequence }) => sequence), soon).toEqual([1, 2]);
    const [[first] = []] = await tail();
    expect(wire.Message.decode(first?.bytes ?? new Uint8Array())).toMatchObject({
      sender: 'alice',
      text: 'hello there',
    });
  });

  it('releases the journal for trimming up to what is durable', async () => {
    const guard = new NatsTrimGuard(new NatsKeyValueStore(link));
    await expect.poll(() => guard.safeSequence(shard), soon).toBe(last);
  });

  it('goes on where it was when Redis and NATS were away', async () => {
    await redis.kill();
    await say('while redis is away');
    await expect.poll(() => page(3, 3), soon).toMatchObject({ messages: [{ text: 'while redis is away' }] });
    await redis.restart();
    await nats.kill();
    await nats.restart();
    await say('after nats came back');
    await expect.poll(() => page(4, 4), soon).toMatchObject({ messages: [{ text: 'after nats came back' }] });
    const tail = () =>
      new RedisTail(redisLink).read('acme', [{ conversation: 'd.alice.bob', from: 3, to: 10 }]);
    await expect.poll(async () => (await tail())[0]?.map(({ sequence }) => sequence), soon).toEqual([3, 4]);
  });

  it('deletes what is older than an admin wants it kept', async () => {
    // The script is of the last day of 2025.
    const request = { tenant: 'acme', by: 'ann', setRetention: { days: 1 } } as const;
    const bytes = internal.AdminRequest.encode(request).finish();
    const result = await new NatsMessenger(link).request(subjects.history('admin'), bytes, 10_000);
    expect(result.outcome === 'answered' && internal.AdminAnswer.decode(result.bytes)).toMatchObject({
      retention: { days: 1, by: 'ann' },
    });
    const expired = { system: { expired: {} } };
    await expect
      .poll(() => page(1, 10), soon)
      .toMatchObject({ messages: [expired, expired, expired, expired], completeThrough: 4 });
    await expect.poll(() => find('hello'), soon).toMatchObject({ hits: [] });
    const deletions = await new NatsKeyValueStore(link).bucket(buckets.deletions);
    const toldMs = async () => Number(Buffer.from((await deletions.get('acme'))?.value ?? '').toString());
    await expect.poll(toldMs, soon).toBeGreaterThan(Date.UTC(2026, 0));
  });
});
