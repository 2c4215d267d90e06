// The pure parts of the bench: a wrong figure or a blind ledger would be worse than none.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type parley, wire } from '@parley/protocol';
import { describe, expect, it } from 'vitest';
import { batchSizes, parseMetrics } from './batch-sizes.ts';
import { capacityOf, costsOf } from './capacity.ts';
import { generatedFrom, generatedTo, withGenerated } from './capacity-text.ts';
import { comparisonOf } from './compare.ts';
import { secondsBehind } from './history-lag.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import { type FrameSink, scanServerFrame } from './load/frame-scan.ts';
import { scanJsonFrame } from './load/json-scan.ts';
import { messageIdText, readMessageId } from './load/message-id.ts';
import { SendTemplate, firstSendRequest } from './load/send-template.ts';
import { StreamTrack, type StreamTotal, compare, placeOf } from './load/stream-ledger.ts';
import { arrivals } from './load/ticker.ts';
import { medianResult } from './median.ts';
import { divide, groups, pairs } from './people-plan.ts';
import { parseMachine, parseUsage } from './process-meter.ts';
import { appendResult, readResults, resultsFile, runsOf } from './report/results-file.ts';
import { parseNotes } from './report/notes.ts';
import { writeReportOf } from './report/write-report.ts';
import type { Result } from './result.ts';
import { pointOf } from './scaling-point.ts';
import type { Scenario } from './scenario.ts';
import { atLeast, atMost, flat, medianTarget, nearlyEqual, ofFloor } from './targets.ts';

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
    syncPage: {
      requestId: 2,
      syncPage: {
        entries: [{ position: 50, message: message(10) }],
        inboxPosition: 52,
        more: true,
        logs: [{ conversation: 'd.alice.bob', messages: [message(11)], head: 11 }],
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

describe('several runs', () => {
  const result = (delivered: number, more: Partial<Result> = {}): Result => ({
    scenario: 'dm',
    seconds: 5,
    lost: 0,
    duplicated: 0,
    out_of_order: 0,
    delivered_per_s: delivered,
    ...more,
  });

  it('are told by their medians, but one lost message of any of them counts', () => {
    const runs = [result(10), result(1_000, { lost: 1 }), result(30, { cpu_s: { gateway: 2 } })];
    expect(medianResult(runs)).toMatchObject({ delivered_per_s: 30, lost: 1, cpu_s: { gateway: 2 } });
    expect(medianResult([result(10), result(30)]).delivered_per_s).toBe(20);
  });

  it('of two versions are compared pair by pair, and a ratio above 1 is better whichever way the figure counts', () => {
    const names = { here: 'a', there: 'b' };
    const pairs = [
      { here: result(20), there: result(10) },
      { here: result(30), there: result(10) },
      { here: result(11), there: result(10) },
    ];
    const dm = { name: 'dm', figure: { name: 'delivered_per_s' } } as const;
    expect(comparisonOf(dm, names, pairs)).toMatchObject({ ratio_median: 2, ratio_min: 1.1, ratio_max: 3 });
    const latency = { name: 'dm-latency', figure: { name: 'ack_p50_ms', isLowerBetter: true } } as const;
    const slower = { here: result(1, { ack_p50_ms: 4 }), there: result(1, { ack_p50_ms: 2 }) };
    expect(comparisonOf(latency, names, [slower]).ratio_median).toBe(0.5);
  });

  it('make a report with each target, met or missed, every figure and its spread', () => {
    const floors = { uws_echo: 1, uws_fanout: 1, jetstream_1_ms: 1, jetstream_256: 20, nats_request_ms: 1 };
    const scenario: Scenario = {
      name: 'dm',
      work: 'a <b> & c',
      seconds: 5,
      figure: { name: 'delivered_per_s' },
      run: () => Promise.reject(new Error('not in this test')),
      targetsOf: ({ delivered_per_s }, { jetstream_256 } = floors) => [
        ofFloor('floor', delivered_per_s, 1, jetstream_256),
      ],
    };
    const results = [result(10, { floors }), result(30, { floors, lost: 2 }), result(20, { floors })];
    const folder = mkdtempSync(path.join(tmpdir(), 'parley-bench-report-'));
    for (const result of results) appendResult(folder, result);
    expect(readResults(resultsFile(folder))).toEqual(results);
    writeReportOf(folder, [{ scenario, results }], new Map([['dm', ['because of `x`']]]));
    const markdown = readFileSync(path.join(folder, 'README.md'), 'utf8');
    expect(markdown).toContain('| dm | floor | ≥ 1 × | 1.00 × | 0.50 × … 1.50 × | met | 2 / 0 / 0 |');
    expect(markdown).toContain('| delivered_per_s | 20 | 10 | 30 |');
    expect(readFileSync(path.join(folder, 'plots/deliveries.svg'), 'utf8')).toMatch(/^<svg/);
    const html = readFileSync(path.join(folder, 'report.html'), 'utf8');
    expect(html).toContain('a &#60;b&#62; &#38; c');
    expect(html).toContain('<svg');
    expect(html).toContain('<p>because of <code>x</code></p>');
    expect(markdown).toContain('\nbecause of `x`\n');
    expect(html).not.toMatch(/(src|href)="(?!#)/);
    rmSync(folder, { recursive: true });
  });
});

describe('results of a folder', () => {
  const one = (scenario: string, commit: string): Result => ({
    scenario,
    seconds: 1,
    lost: 0,
    duplicated: 0,
    out_of_order: 0,
    commit,
  });

  it('are reported by scenario, of the commit that was measured last', () => {
    const results = [
      one('group', 'a'),
      one('dm', 'a'),
      one('dm', 'b'),
      one('no-longer', 'b'),
      one('dm', 'b'),
    ];
    const runs = runsOf(results).map((run) => [run.scenario.name, run.results.map(({ commit }) => commit)]);
    expect(runs).toEqual([
      ['dm', ['b', 'b']],
      ['group', ['a']],
    ]);
  });
});

describe('notes of a report', () => {
  it('are paragraphs by scenario', () => {
    const notes = parseNotes('# ours\n\n## dm\n\nThe profile\nsays so.\n\nAnd so.\n\n## group\n');
    expect([...notes]).toEqual([
      ['dm', ['The profile says so.', 'And so.']],
      ['group', []],
    ]);
  });
});

describe('targets', () => {
  it('are reached by 1 when just met, whichever way the figure counts', () => {
    expect(atLeast('x', 300, 200)).toMatchObject({ reached: 1.5, isMet: true, goal: 200 });
    expect(atMost('x', 30, 15, 'ms')).toMatchObject({ reached: 0.5, isMet: false, got: '30 ms' });
    expect(atMost('errors', 0, 0, '')).toMatchObject({ isMet: true, wanted: '≤ 0' });
    expect(atMost('errors', 1, 0, '')).toMatchObject({ isMet: false });
    expect(nearlyEqual('x', 0.95)).toMatchObject({ isMet: true });
    expect(nearlyEqual('x', 1.2)).toMatchObject({ isMet: false });
    expect(ofFloor('x', 10, 1, undefined)).toMatchObject({ isMet: undefined });
  });

  it('of several runs are judged by the run in the middle', () => {
    const runs = [100, 500, 250].map((value) => atLeast('x', value, 200));
    expect(medianTarget(runs)).toMatchObject({ got: '250', isMet: true, spread: '100 … 500' });
  });

  it('of what must not grow look at ten minutes from the second on, and not at one pause', () => {
    const options = { fromSecond: 60, ratioMax: 1.5 };
    const minutes = (at: (second: number) => number) =>
      Array.from({ length: 600 }, (_, second) => at(second));
    // Warming up is not growth, one pause is none either; growth is.
    expect(
      flat(
        'x',
        minutes((second) => (second < 60 ? 900 : 10)),
        options,
      ),
    ).toMatchObject({ isMet: true, got: '1.00 ×' });
    expect(
      flat(
        'x',
        minutes((second) => (second === 590 ? 5_000 : 10)),
        options,
      ),
    ).toMatchObject({ isMet: true });
    expect(
      flat(
        'x',
        minutes((second) => 10 + second / 10),
        options,
      ),
    ).toMatchObject({ isMet: false });
    expect(flat('x', minutes(() => 10).slice(0, 100), options)).toMatchObject({ isMet: undefined });
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

describe('scaling', () => {
  const run = (more: Partial<Result>): Result => ({
    scenario: 'scaling',
    seconds: 10,
    lost: 0,
    duplicated: 0,
    out_of_order: 0,
    delivered_per_s: 3_000,
    cpu_s: { 'session-actor-1': 4, 'session-actor-2': 3, 'gateway-1': 2, 'load-1': 1 },
    cpu_s_per_1000: { 'session-actor-1': 0.04, 'session-actor-2': 0.03, 'gateway-1': 0.02, 'load-1': 0.01 },
    main_thread_busy: { 'session-actor-1': 0.39, 'session-actor-2': 0.29 },
    cores_busy: 1.1,
    ...more,
  });

  it('takes the load generator out, and adds up the processes of a kind', () => {
    const point = pointOf(run({}), undefined, 2);
    expect(point).toMatchObject({ session_actors: 2, gateways: 1, cores_served: 0.9, cores_load: 0.1 });
    expect(point.per_served_core).toBe(3_333);
    expect(point.cpu_s_per_1000['session-actor']).toBeCloseTo(0.07);
  });

  it('tells what was full: the cores, the slices, one thread, or nothing', () => {
    const wallOf = (more: Partial<Result>, share?: number) =>
      pointOf(run(more), share === undefined ? undefined : { name: 'session-actor', share }, 2).wall;
    expect(wallOf({ cores_busy: 1.95, cpu_s: { 'session-actor-1': 19 } })).toBe('all cores');
    expect(wallOf({ cores_busy: 1.95 })).toContain('other programs');
    expect(wallOf({}, 0.36)).toBe('the slices of the session-actors');
    expect(wallOf({ main_thread_busy: { 'gateway-1': 0.97 } })).toBe('the thread of gateway-1');
    expect(wallOf({})).toContain('nothing is full');
  });
});

describe('capacity', () => {
  const costs = costsOf({
    scenario: 'dm',
    seconds: 10,
    lost: 0,
    duplicated: 0,
    out_of_order: 0,
    acked_per_s: 10_000,
    cpu_s_per_1000: {
      'gateway-1': 0.01,
      'gateway-2': 0.01,
      'session-actor-1': 0.05,
      'nats-server': 0.02,
      'history-1': 0.05,
      'redis-server': 0.01,
      'load-1': 5,
    },
    main_thread_busy: { 'session-actor-1': 0.4, 'history-1': 0.2 },
    written_bytes_per_1000: { 'nats-server': 2_000_000 },
  });
  const small = { cores: 2, nats_servers: 1, shards: 8, histories: 1 } as const;

  it('adds up the processes of a kind, leaves the load generator out, and knows what one thread of it costs', () => {
    expect(costs).toEqual({
      gateway: 20,
      actors: 50,
      history: 50,
      nats: 20,
      redis: 10,
      // 0.4 of a core at 10,000 messages a second.
      actor_thread: 40,
      history_thread: 20,
      nats_bytes: 2_000,
    });
  });

  it('is what the cores give, until one part cannot be split any further', () => {
    // 2 cores, 80 % busy, 150 ms for 1,000.
    expect(capacityOf(costs, small)).toMatchObject({ messages_per_s: 10_666, wall: 'cores' });
    // 16 cores would give 85,333; one history thread gives 1,000 × 0.8 s / 20 ms.
    const large = capacityOf(costs, { ...small, cores: 16 });
    expect(large).toMatchObject({ messages_per_s: 40_000, wall: 'history', gateways: 1, session_actors: 2 });
    expect(large.limits).toMatchObject({ cores: 85_333, shards: 160_000, NATS: 160_000, Redis: 80_000 });
    expect(large.nats_mb_per_s).toBe(80);
    const few = capacityOf(costs, { ...small, cores: 64, shards: 1, histories: 9 });
    expect(few).toMatchObject({ messages_per_s: 20_000, wall: 'shards' });
  });

  it('pays three times for three NATS servers', () => {
    // 150 ms and twice 20 more.
    expect(capacityOf(costs, { ...small, nats_servers: 3 }).messages_per_s).toBe(8_421);
  });

  it('replaces what is generated in a document, and nothing else', () => {
    const document = `# a\n\n${generatedFrom}\nold\n${generatedTo}\n\nb\n`;
    expect(withGenerated(document, 'new')).toBe(`# a\n\n${generatedFrom}\n\nnew\n\n${generatedTo}\n\nb\n`);
    expect(() => withGenerated('# a', 'new')).toThrow('lacks');
  });
});
