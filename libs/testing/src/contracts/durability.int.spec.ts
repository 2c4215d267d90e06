// What a shard does on a real server whose files are damaged or older than what was acknowledged: it finds out, says so in
// one line, and serves only what holds together. Everything else goes on.
import path from 'node:path';
import { buckets } from '@parley/protocol';
import { type RuntimeLimits, decodeCheckpoint, decodeCommit, encodeCommit } from '@parley/runtime';
import { describe, expect, test } from 'vitest';
import { type NatsHandle, startNats } from '../servers/nats-server.ts';
import { removeTemporaryFolder, temporaryFolder } from '../servers/server-process.ts';
import { copyStore, flipBit, restoreStore } from '../servers/stream-files.ts';
import { waitUntil } from '../servers/wait-until.ts';
import { bytesOf } from './port-bench.ts';
import { LettersOnNats, journalStream, personOf, shardOf } from './letters-on-nats.ts';

const [mine, neighbour] = [personOf(0), personOf(1)];
const ids = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `letter-${from + i}`);
const quickly = { leaseTtlMs: 3_000, leaseRenewMs: 500, leaseMarginMs: 500, inputCheckMs: 500 };

interface Bench {
  readonly nats: NatsHandle;
  /** A folder for copies of files. */
  readonly copies: string;
  /** One more process. */
  start(limits?: Partial<RuntimeLimits>): Promise<LettersOnNats>;
  startAs(name: string, limits: Partial<RuntimeLimits>): Promise<LettersOnNats>;
  stopNats(signal: NodeJS.Signals): Promise<void>;
  crashAll(): Promise<void>;
}

/** A test with servers of its own. Tests wait, for leases to run out, more than they work: several run at a time. */
const on =
  (servers: 1 | 3, run: (bench: Bench) => Promise<void>): (() => Promise<void>) =>
  async () => {
    const copies = await temporaryFolder('copies');
    const nats = await startNats({ clusterOf: servers });
    const nodes: LettersOnNats[] = [];
    let started = 0;
    const startAs: Bench['startAs'] = async (name, limits) => {
      const node = await LettersOnNats.start(nats.url, name, { replicas: servers, limits });
      nodes.push(node);
      return node;
    };
    const crashAll = async () => {
      for (const node of nodes.splice(0)) await node.crash();
    };
    try {
      await run({
        nats,
        copies,
        startAs,
        start: (limits = {}) => startAs(`n${++started}`, { ...quickly, ...limits }),
        async stopNats(signal) {
          await nats.kill(signal);
          for (const server of nats.servers) await server.exited();
        },
        crashAll,
      });
    } finally {
      await crashAll();
      await nats.stop();
      removeTemporaryFolder(copies);
    }
  };

describe.concurrent('a flipped bit in a journal file of a single server', () => {
  test(
    'which NATS passes over after a clean stop: the hole is named, and only its shard is closed',
    on(1, async ({ nats, start, stopNats, crashAll }) => {
      const before = await start();
      await before.untilServing(0, 1);
      await before.postAll(neighbour, ids(1, 5));
      await before.postAll(mine, ids(6, 12));
      await crashAll();
      await stopNats('SIGTERM');
      flipBit(nats.dataFolder, journalStream, '"letter-8"');
      await nats.restart();

      const after = await start();
      const alarm = await after.untilAlarm(0);
      expect(alarm).toMatchObject({
        code: 'JOURNAL_RECORDS_MISSING',
        records: 1,
        place: 'stream JRN_USER_0, subject jrn.user.0',
        isInHistory: false,
      });
      expect(Number(alarm['before'])).toBe(Number(alarm['after']) + 2);
      expect(alarm['gone']).toBe(`${Number(alarm['after']) + 1}..${Number(alarm['after']) + 1}`);
      await after.untilServing(1);
      await after.post(neighbour, 'letter-13');
      expect(await after.posted(neighbour)).toEqual([...ids(1, 5), 'letter-13']);
      expect(after.isServing(0)).toBe(false);
      expect(await after.posted(mine)).toBe('no-responders');
      expect(after.alarms(1)).toEqual([]);
    }),
  );

  test(
    'in the last record: it is not taken for an empty journal',
    on(1, async ({ nats, start, stopNats, crashAll }) => {
      const before = await start();
      await before.untilServing(0, 1);
      await before.postAll(mine, ids(1, 5));
      await crashAll();
      await stopNats('SIGTERM');
      flipBit(nats.dataFolder, journalStream, '"letter-5"');
      await nats.restart();

      const after = await start();
      expect(await after.untilAlarm(0)).toMatchObject({ code: 'JOURNAL_RECORD_UNREADABLE' });
      await after.untilServing(1);
      const { state } = await after.link.control.jsm.streams.info(journalStream, {
        subjects_filter: 'jrn.user.0',
      });
      // Two epoch records would be 7: nothing was appended behind the damage.
      expect(state.subjects?.['jrn.user.0']).toBe(6);
    }),
  );

  test(
    'after SIGKILL NATS cuts the file there: the owner that is alive says what is gone, and later ones too',
    on(1, async ({ nats, copies, start, stopNats, crashAll }) => {
      const owner = await start({ checkpointEveryMs: 3_600_000 });
      await owner.untilServing(0, 1);
      await owner.postAll(mine, ids(1, 20));
      const end = (await owner.journal.last(shardOf(mine)))!.sequence;
      await stopNats('SIGKILL');
      copyStore(nats.dataFolder, copies, journalStream);
      flipBit(nats.dataFolder, journalStream, '"letter-10"');
      await nats.restart();

      expect(await owner.untilAlarm(0)).toMatchObject({
        code: 'JOURNAL_SHORTENED',
        witness: 'owner',
        known: end,
      });
      await crashAll();
      const next = await start();
      expect(await next.untilAlarm(0)).toMatchObject({
        code: 'JOURNAL_SHORTENED',
        witness: 'checkpoint',
        known: end,
      });
      expect(next.isServing(0)).toBe(false);
      await crashAll();

      // The way back: the stream as it was.
      await stopNats('SIGTERM');
      restoreStore(nats.dataFolder, copies, journalStream);
      await nats.restart();
      const last = await start();
      await last.untilServing(0);
      expect(await last.posted(mine)).toEqual(ids(1, 20));
    }),
  );

  test(
    'in front of what snapshots cover: nobody needs the record, the shard is served',
    on(1, async ({ nats, start, stopNats, crashAll }) => {
      const before = await start({ checkpointEveryMs: 200 });
      await before.untilServing(0, 1);
      await before.postAll(mine, ids(1, 10));
      const checkpoints = await before.keyValues.bucket(buckets.checkpoints);
      const end = (await before.journal.last(shardOf(mine)))!.sequence;
      await waitUntil(
        async () =>
          decodeCheckpoint((await checkpoints.get('user.0'))?.value ?? new Uint8Array()).replayFrom > end,
        { what: 'a checkpoint covers the letters', limitMs: 10_000 },
      );
      await before.post(mine, 'letter-11');
      await crashAll();
      await stopNats('SIGTERM');
      flipBit(nats.dataFolder, journalStream, '"letter-8"');
      await nats.restart();

      const after = await start();
      await after.untilServing(0, 1);
      expect(await after.posted(mine)).toEqual(ids(1, 11));
      expect(after.alarms(0)).toEqual([]);
    }),
  );
});

describe.concurrent('a flipped bit in a file of snapshots', () => {
  test(
    'closes the one entity, which does not begin anew; its neighbours in the shard go on',
    on(1, async ({ nats, start, stopNats, crashAll }) => {
      const friend = personOf(0, 1);
      const before = await start({ checkpointEveryMs: 200 });
      await before.untilServing(0, 1);
      await before.postAll(mine, ids(1, 3));
      await before.postAll(friend, ids(4, 6));
      const checkpoints = await before.keyValues.bucket(buckets.checkpoints);
      const end = (await before.journal.last(shardOf(mine)))!.sequence;
      await waitUntil(
        async () =>
          decodeCheckpoint((await checkpoints.get('user.0'))?.value ?? new Uint8Array()).replayFrom > end,
        { what: 'a checkpoint covers the letters', limitMs: 10_000 },
      );
      await crashAll();
      await stopNats('SIGTERM');
      flipBit(nats.dataFolder, `KV_${buckets.snapshots('user')}`, '"letter-3"');
      await nats.restart();

      const after = await start();
      await after.untilServing(0, 1);
      await after.post(friend, 'letter-7');
      expect(await after.posted(friend)).toEqual([...ids(4, 6), 'letter-7']);
      expect(await after.posted(mine)).toBe('UNAVAILABLE');
      await expect(after.post(mine, 'letter-8', 2_000)).rejects.toThrow('not acknowledged');
      const line = after.lines.find(({ message }) => message === 'an entity cannot be read');
      expect(line?.fields).toMatchObject({ shard: 'user.0', entity: expect.stringContaining(mine) });
    }),
  );
});

describe.concurrent('bytes that are wrong though the checksum of NATS is right', () => {
  test(
    'a record that our checksum refuses is named with its sequence and what it seems to be about',
    on(1, async ({ start, startAs, crashAll }) => {
      const before = await start();
      await before.untilServing(0, 1);
      await before.postAll(mine, ids(1, 3));
      await crashAll();
      const writer = await startAs('writer', { probeMs: 3_600_000 });
      const shard = shardOf(mine);
      const last = (await writer.journal.last(shard))!;
      const record = decodeCommit(last.bytes);
      const tampered = Buffer.from(last.bytes);
      tampered[tampered.lastIndexOf('letter-3')] = 'L'.charCodeAt(0);
      const damaged = await writer.journal.append(shard, last.sequence, 'tampered', tampered);
      if (damaged.outcome !== 'committed') throw new Error(damaged.outcome);
      const next = encodeCommit({ ...record, n: record.n + 2, previousSequence: damaged.sequence });
      await writer.journal.append(shard, damaged.sequence, 'next', next);
      await crashAll();

      const after = await start();
      expect(await after.untilAlarm(0)).toMatchObject({
        code: 'JOURNAL_RECORD_UNREADABLE',
        sequence: damaged.sequence,
        entities: [expect.stringContaining(mine)],
        cause: expect.stringContaining('checksum'),
      });
      await after.untilServing(1);
      expect(after.isServing(0)).toBe(false);
    }),
  );
});

describe.concurrent('a server that comes back with less than was acknowledged', () => {
  const half = async ({ nats, copies, stopNats }: Bench, node: LettersOnNats) => {
    await node.untilServing(0, 1);
    await node.postAll(mine, ids(1, 5));
    await stopNats('SIGTERM');
    copyStore(nats.dataFolder, copies);
    await nats.restart();
    await node.postAll(mine, ids(6, 10));
    await stopNats('SIGTERM');
  };

  test(
    'an owner that has nothing to write notices all the same',
    on(1, async (bench) => {
      const { nats, copies, start, crashAll } = bench;
      const owner = await start({ checkpointEveryMs: 3_600_000, leaseTtlMs: 60_000 });
      await half(bench, owner);
      restoreStore(nats.dataFolder, copies);
      await nats.restart();
      expect(await owner.untilAlarm(0)).toMatchObject({ code: 'JOURNAL_SHORTENED', witness: 'owner' });
      // No new life in the old place: not here, and not when everybody's memory is gone.
      await crashAll();
      const next = await start();
      expect(await next.untilAlarm(0)).toMatchObject({ code: 'JOURNAL_SHORTENED', witness: 'checkpoint' });
      await next.untilServing(1);
    }),
  );

  test(
    'when every memory is gone: the checkpoint knows, if only the journal is older',
    on(1, async ({ nats, copies, start, stopNats, crashAll }) => {
      const owner = await start({ checkpointEveryMs: 200 });
      await owner.untilServing(0, 1);
      await owner.postAll(mine, ids(1, 5));
      await stopNats('SIGTERM');
      copyStore(nats.dataFolder, copies, journalStream);
      await nats.restart();
      await owner.postAll(mine, ids(6, 10));
      const checkpoints = await owner.keyValues.bucket(buckets.checkpoints);
      const end = (await owner.journal.last(shardOf(mine)))!.sequence;
      await waitUntil(
        async () =>
          decodeCheckpoint((await checkpoints.get('user.0'))?.value ?? new Uint8Array()).sequence >= end,
        { what: 'a checkpoint at the end', limitMs: 10_000 },
      );
      await crashAll();
      await stopNats('SIGTERM');
      restoreStore(nats.dataFolder, copies, journalStream);
      await nats.restart();
      const next = await start();
      expect(await next.untilAlarm(0)).toMatchObject({ code: 'JOURNAL_SHORTENED', witness: 'checkpoint' });
      await next.untilServing(1);
    }),
  );

  test(
    'when everything on NATS is older: history knows, as soon as it says so',
    on(1, async (bench) => {
      const { nats, copies, start, crashAll } = bench;
      const owner = await start({ checkpointEveryMs: 3_600_000 });
      await half(bench, owner);
      await crashAll();
      restoreStore(nats.dataFolder, copies);
      await nats.restart();
      const between = await LettersOnNats.start(nats.url, 'history', { limits: { probeMs: 3_600_000 } });
      const watermarks = await between.keyValues.bucket(buckets.watermarks);
      await watermarks.write('user.0', bytesOf('1000'), 0);
      await between.crash();
      const next = await start();
      expect(await next.untilAlarm(0)).toMatchObject({
        code: 'JOURNAL_SHORTENED',
        witness: 'history',
        known: 1000,
        isInHistory: true,
      });
      await next.untilServing(1);
    }),
  );

  test(
    'an owner that serves already stops when history turns out to know more',
    on(1, async ({ start }) => {
      const owner = await start({ checkpointEveryMs: 200 });
      await owner.untilServing(0, 1);
      await owner.postAll(mine, ids(1, 5));
      const watermarks = await owner.keyValues.bucket(buckets.watermarks);
      await watermarks.write('user.0', bytesOf('1000'), 0);
      await owner.post(mine, 'letter-6');
      expect(await owner.untilAlarm(0)).toMatchObject({ witness: 'history', known: 1000 });
    }),
  );

  test(
    'what nobody outside remembers cannot be known: it is served as it is',
    on(1, async (bench) => {
      const { nats, copies, start, crashAll } = bench;
      const owner = await start({ checkpointEveryMs: 3_600_000 });
      await half(bench, owner);
      await crashAll();
      restoreStore(nats.dataFolder, copies);
      await nats.restart();
      const next = await start();
      await next.untilServing(0, 1);
      expect(await next.posted(mine)).toEqual(ids(1, 5));
    }),
  );
});

describe.concurrent('a flipped bit in one of three copies', () => {
  test(
    'no record is lost, whoever leads and whoever serves the reader',
    on(3, async ({ nats, start, stopNats, crashAll }) => {
      const before = await start({ checkpointEveryMs: 3_600_000 });
      await before.untilServing(0, 1);
      await before.postAll(mine, ids(1, 12));
      await before.postAll(neighbour, ids(13, 15));
      await crashAll();
      await stopNats('SIGTERM');
      flipBit(path.join(nats.servers[1]!.dataFolder), journalStream, '"letter-8"');
      await nats.restart();

      const after = await start();
      await after.untilServing(0, 1);
      expect(await after.posted(mine)).toEqual(ids(1, 12));
      expect(await after.posted(neighbour)).toEqual(ids(13, 15));
      expect(after.alarms(0)).toEqual([]);
    }),
  );
});
