// The measuring parts of the bench: a wrong figure or a blind ledger would be worse than none.
import { type parley, wire } from '@parley/protocol';
import { describe, expect, it } from 'vitest';
import { batchSizes, parseMetrics } from './batch-sizes.ts';
import { secondsBehind } from './history-lag.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import { type FrameSink, scanServerFrame } from './load/frame-scan.ts';
import { scanJsonFrame } from './load/json-scan.ts';
import { messageIdText, readMessageId } from './load/message-id.ts';
import { SendTemplate, firstSendRequest } from './load/send-template.ts';
import { StreamTrack, type StreamTotal, compare, placeOf } from './load/stream-ledger.ts';
import { arrivals } from './load/ticker.ts';
import { divide, groups, pairs } from './people-plan.ts';
import { parseMachine, parseUsage } from './process-meter.ts';

describe('latency histogram', () => {
  it('tells percentiles within one percent, never too small', () => {
    const histogram = new LatencyHistogram();
    for (let us = 1; us <= 100_000; us += 1) histogram.record(us);
    for (const share of [0.5, 0.95, 0.99, 0.999]) {
      const exact = share * 100;
      expect(histogram.percentileMs(share)).toBeGreaterThanOrEqual(exact);
      expect(histogram.percentileMs(share)).toBeLessThan(exact * 1.01);
    }
    expect(histogram.maxMs).toBe(100);
  });

  it('merged from several processes it tells the same as one that saw everything', () => {
    const whole = new LatencyHistogram();
    const parts = [new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram()];
    for (let index = 0; index < 30_000; index += 1) {
      const us = (index * 7_919) % 3_000_000;
      whole.record(us);
      parts[index % 3]!.record(us);
    }
    const merged = new LatencyHistogram();
    for (const part of parts) merged.add(structuredClone(part.pack()));
    expect(merged.pack()).toEqual(whole.pack());
    expect(merged.percentileMs(0.99)).toBe(whole.percentileMs(0.99));
  });

  it('says nothing where nothing was recorded', () => {
    expect(new LatencyHistogram().percentileMs(0.5)).toBeUndefined();
  });

  it('keeps hours apart from minutes', () => {
    const histogram = new LatencyHistogram();
    histogram.record(3_600_000_000);
    expect(histogram.percentileMs(1)).toBe(3_600_000);
  });
});

describe('ledger of a stream', () => {
  const sequences = [4, 5, 8, 9, 12];
  const total: StreamTotal = {
    stream: 1,
    sent: 5,
    acked: 5,
    sum: sequences.reduce((sum, sequence, number) => (sum + placeOf(number, sequence)) | 0, 0),
  };
  const seen = (...messages: readonly (readonly [number: number, sequence: number])[]) => {
    const track = new StreamTrack();
    for (const [number, sequence] of messages) track.note(number, sequence);
    return compare(total, track);
  };
  const all = sequences.map((sequence, number) => [number, sequence] as const);

  it('finds nothing when everything came once and in order', () => {
    expect(seen(...all)).toEqual({ lost: 0, duplicated: 0, outOfOrder: 0 });
  });

  it('finds the lost one in the middle and at the end', () => {
    expect(seen(...all.filter(([number]) => number !== 2))).toMatchObject({ lost: 1, duplicated: 0 });
    expect(seen(...all.slice(0, 3))).toMatchObject({ lost: 2 });
    expect(compare(total, undefined)).toMatchObject({ lost: 5 });
  });

  it('finds the doubled one', () => {
    expect(seen(...all, all[4]!)).toEqual({ lost: 0, duplicated: 1, outOfOrder: 0 });
    expect(seen(all[0]!, all[0]!, ...all.slice(1))).toMatchObject({ duplicated: 1 });
  });

  it('finds the one that came after a later one', () => {
    expect(seen(all[0]!, all[2]!, all[1]!, all[3]!, all[4]!)).toEqual({
      lost: 0,
      duplicated: 0,
      outOfOrder: 1,
    });
  });

  it('finds a message that stands at another sequence than was acknowledged', () => {
    expect(seen(...all.slice(0, 4), [4, 13])).toMatchObject({ lost: 0, outOfOrder: 1 });
  });
});

/** Everything a sink was told, as data. */
function told(scan: (sink: FrameSink) => void): unknown[] {
  const calls: unknown[] = [];
  scan({
    sent: (...all) => calls.push(['sent', ...all]),
    entry: (position, sequence, id, conversation) =>
      calls.push(['entry', position, sequence, id && { ...id }, id ? '' : conversation]),
    live: (sequence, id, conversation) =>
      calls.push(['live', sequence, id && { ...id }, id ? '' : conversation]),
    head: (...all) => calls.push(['head', ...all]),
    page: (...all) => calls.push(['page', ...all]),
    batch: (size) => calls.push(['batch', size]),
    other: (frame) => calls.push(['other', frame.body]),
  });
  return calls;
}

describe('reading frames', () => {
  const id = { stream: 12, number: 345, sentUs: 678_901_234 };
  const message = (sequence: number, clientMessageId = messageIdText(id)): parley.v1.Message.$Shape => ({
    conversation: 'd.alice.bob',
    sequence,
    sender: 'alice',
    clientMessageId,
    sentAtMs: 1_795_258_800_000,
    text: 'x'.repeat(300),
  });
  const frames: Readonly<Record<string, parley.v1.ServerFrame.$Shape>> = {
    sent: { requestId: 70_000, sent: { conversation: 'd.alice.bob', clientMessageId: 'm', sequence: 300 } },
    deliver: {
      deliver: {
        entries: [
          { position: 41, message: message(9) },
          { position: 42, readMoved: { conversation: 'd.alice.bob', sequence: 9 } },
          { position: 4_300_000_000, message: message(70_000, 'not-ours') },
        ],
      },
    },
    live: { live: { messages: [message(1_203), message(1_204, '')] } },
    heads: { live: { messages: [message(8)], heads: [{ conversation: 'g.tea', sequence: 70_000 }] } },
    syncPage: {
      requestId: 2,
      syncPage: {
        entries: [{ position: 50, message: message(10) }],
        inboxPosition: 52,
        more: true,
        logs: [{ conversation: 'd.alice.bob', messages: [message(11)], head: 11 }],
      },
    },
    longLog: {
      requestId: 2,
      syncPage: {
        inboxPosition: 52,
        logs: [{ conversation: 'd.alice.bob', messages: [message(12)], head: 13, more: true }],
      },
    },
    welcome: { requestId: 1, welcome: { user: 'alice', inboxPosition: 4 } },
  };
  const wanted: Readonly<Record<string, unknown[]>> = {
    sent: [['sent', 70_000, 300]],
    deliver: [
      ['entry', 41, 9, id, ''],
      ['entry', 42, 0, undefined, ''],
      ['entry', 4_300_000_000, 70_000, undefined, 'd.alice.bob'],
      ['batch', 3],
    ],
    live: [
      ['live', 1_203, id, ''],
      ['live', 1_204, undefined, 'd.alice.bob'],
      ['batch', 2],
    ],
    heads: [
      ['live', 8, id, ''],
      ['head', 70_000, 'g.tea'],
      ['batch', 1],
    ],
    longLog: [
      ['batch', 0],
      ['live', 12, id, ''],
      ['page', 2, { inboxPosition: 52, more: true, limited: false }],
    ],
    syncPage: [
      ['entry', 50, 10, id, ''],
      ['batch', 1],
      ['live', 11, id, ''],
      ['page', 2, { inboxPosition: 52, more: true, limited: false }],
    ],
    welcome: [['other', 'welcome']],
  };

  it.each(Object.keys(frames))('the scanner finds in %s what the codec has put there', (name) => {
    const bytes = wire.ServerFrame.encode(frames[name]!).finish();
    const padded = Buffer.concat([Buffer.from([1, 2, 3]), bytes, Buffer.from([9])]);
    expect(told((sink) => scanServerFrame(padded, 3, 3 + bytes.length, sink))).toEqual(wanted[name]);
  });

  it.each(Object.keys(frames))('JSON tells the same of %s', (name) => {
    const mapping = { longs: String, enums: String, json: true } as const;
    const json = wire.ServerFrame.toObject(wire.ServerFrame.fromObject(frames[name]!), mapping);
    const bytes = Buffer.from(JSON.stringify(json));
    expect(told((sink) => scanJsonFrame(bytes, 0, bytes.length, sink))).toEqual(wanted[name]);
  });

  it('takes an entry whose position comes behind its message, as gateways join them', () => {
    const entry = Buffer.concat([
      wire.Entry.encode({ message: message(9) }).finish(),
      wire.Entry.encode({ position: 41 }).finish(),
    ]);
    const deliver = Buffer.concat([Buffer.from([0x0a]), varint(entry.length), entry]);
    const frame = Buffer.concat([Buffer.from([0x52]), varint(deliver.length), deliver]);
    expect(told((sink) => scanServerFrame(frame, 0, frame.length, sink))).toEqual([
      ['entry', 41, 9, id, ''],
      ['batch', 1],
    ]);
  });
});

const varint = (value: number): Buffer => Buffer.from([(value & 0x7f) | 0x80, value >>> 7]);

describe('writing sends', () => {
  const plan = { conversation: 'd.alice.bob', stream: 7, text: 'hello'.repeat(40), isChained: true };
  const id = { stream: 7, number: 2, sentUs: 222 };
  const after = { stream: 7, number: 1, sentUs: 111 };
  const wanted = {
    requestId: firstSendRequest + 2,
    send: {
      conversation: plan.conversation,
      clientMessageId: messageIdText(id),
      text: plan.text,
      afterClientMessageId: messageIdText(after),
    },
  };
  const payloadOf = (bytes: Buffer): Buffer => bytes.subarray((bytes[1]! & 0x7f) === 126 ? 8 : 6);

  it('a patched protobuf template is the frame the codec would have written', () => {
    const bytes = new SendTemplate({ ...plan, encoding: 'protobuf' }).write(wanted.requestId, id, after);
    expect(wire.ClientFrame.decode(payloadOf(bytes))).toEqual(
      wire.ClientFrame.decode(wire.ClientFrame.encode(wanted).finish()),
    );
  });

  it('a patched JSON template likewise', () => {
    const bytes = new SendTemplate({ ...plan, encoding: 'json' }).write(wanted.requestId, id, after);
    expect(JSON.parse(payloadOf(bytes).toString())).toEqual(wanted);
  });

  it('reads its own ids back, and no others', () => {
    const into = { stream: 0, number: 0, sentUs: 0 };
    const text = Buffer.from(messageIdText(id));
    expect(readMessageId(text, 0, text.length, into)).toBe(true);
    expect(into).toEqual(id);
    expect(readMessageId(Buffer.from('a'.repeat(26)), 0, 26, into)).toBe(false);
  });
});

describe('plans', () => {
  const options = {
    loaders: 3,
    gateways: [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ],
    tenant: 't',
    tokenKeyPem: '',
    pacing: { kind: 'open', perSecond: 300, seed: 1 } as const,
  };

  it('divide everybody and every stream over the load processes, once', () => {
    const people = groups({ groups: 2, members: 10, online: 5, senders: 2 });
    const plans = divide(people, options);
    expect(plans.flatMap(({ connections }) => connections.map(({ user }) => user)).toSorted()).toEqual(
      people.online.map(({ user }) => user).toSorted(),
    );
    const streams = plans.flatMap((plan) =>
      plan.streams.map(({ stream, connection, conversation }) => ({
        stream,
        user: plan.connections[connection]!.user,
        conversation,
      })),
    );
    expect(streams.toSorted((one, other) => one.stream - other.stream)).toEqual(
      people.streams.map(({ online, conversation }, stream) => ({
        stream,
        user: people.online[online]!.user,
        conversation,
      })),
    );
  });

  it('keep the rate of open arrivals, however many processes share it', () => {
    const rates = divide(pairs(30), options).map(({ pacing }) =>
      pacing.kind === 'open' ? pacing.perSecond : 0,
    );
    expect(rates.reduce((sum, rate) => sum + rate, 0)).toBeCloseTo(300);
  });

  it('arrivals of an open loop come at the wanted rate and in order', () => {
    let seed = 1;
    const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
    const times = arrivals({ fromUs: 0, toUs: 100_000_000, perSecond: 300 }, random);
    expect(times.length).toBeGreaterThan(29_000);
    expect(times.length).toBeLessThan(31_000);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
  });
});

describe('meters', () => {
  it('reads CPU, written bytes and memory of a process whose name has blanks and brackets', () => {
    const stat = `12 (a b) c) S ${[...Array(10).keys()].join(' ')} 150 50 0 0`;
    const usage = parseUsage({
      stat,
      mainThreadStat: stat.replace('150 50', '90 30'),
      io: 'wchar: 5\nwrite_bytes: 4096\ncancelled_write_bytes: 0\n',
      statm: '100 25 3 1 0 9 0',
    });
    expect(usage.cpuSeconds).toBeCloseTo(2);
    expect(usage.mainThreadSeconds).toBeCloseTo(1.2);
    expect(usage.writtenBytes).toBe(4096);
    expect(usage.rssBytes).toBe(25 * 4_096);
  });

  it('reads what the whole machine has spent; waiting for disks is not work, time taken by the hypervisor is gone', () => {
    expect(parseMachine('cpu  100 20 30 9999 8888 4 6 40 0 0\ncpu0 1 2 3\n')).toBeCloseTo(2);
  });

  it('tells batch sizes from the difference of two looks', () => {
    const text = (sum: number, count: number) =>
      [
        `parley_shard_commit_events_bucket{le="1",app="a",kind="user"} 7`,
        `parley_shard_commit_events_sum{app="a",kind="user"} ${sum}`,
        `parley_shard_commit_events_count{app="a",kind="user"} ${count}`,
      ].join('\n');
    expect(batchSizes(parseMetrics(text(100, 10)), parseMetrics(text(400, 20)))).toEqual({
      user_events_per_commit: 30,
    });
  });
});

describe('history lag', () => {
  const heads = [0, 100, 200, 200, 300].map((commits, second) => ({ atMs: second * 1_000, commits }));

  it('is how long ago the journals stood where history stands, also when nobody wrote in between', () => {
    expect(secondsBehind(heads, 0)).toBe(0);
    expect(secondsBehind(heads, 50)).toBeCloseTo(0.5);
    expect(secondsBehind(heads, 100)).toBeCloseTo(1);
    expect(secondsBehind(heads, 150)).toBeCloseTo(2.5);
    expect(
      secondsBehind(
        [
          { atMs: 0, commits: 50 },
          { atMs: 4_000, commits: 60 },
        ],
        100,
      ),
    ).toBe(4);
  });
});
