// The judging parts of the bench: medians, targets, reports, curves and calculations made of results.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { capacityOf, costsOf } from './capacity.ts';
import { generatedFrom, generatedTo, withGenerated } from './capacity-text.ts';
import { comparisonOf } from './compare.ts';
import { medianResult } from './median.ts';
import { parseNotes } from './report/notes.ts';
import { appendResult, readResults, resultsFile, runsOf } from './report/results-file.ts';
import { writeReportOf } from './report/write-report.ts';
import type { Result } from './result.ts';
import { pointOf } from './scaling-point.ts';
import type { Scenario } from './scenario.ts';
import { growthOnceFull } from './scenarios/group.ts';
import { atLeast, atMost, flat, medianTarget, nearlyEqual, ofFloor } from './targets.ts';

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

describe('memory of group-offline', () => {
  const memory = [100, 200, ...Array.from({ length: 20 }, (_, second) => 300 + second)];
  const entries = [0, 1_000, ...Array.from({ length: 20 }, (_, second) => 2_000 + second)];

  it('is compared from the second on when inboxes are full', () => {
    expect(growthOnceFull(memory, entries)).toBeCloseTo(319 / 300);
  });

  it('says nothing of runs that end before, or soon after', () => {
    expect(growthOnceFull(memory.slice(0, 2), entries.slice(0, 2))).toBeUndefined();
    expect(growthOnceFull(memory.slice(0, 8), entries.slice(0, 8))).toBeUndefined();
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
