// Exports against the real engine, asked for as a gateway asks: who gets what, in which format, and how one ends.
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { internal, subjects } from '@parley/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../log.ts';
import { type HistoryBench, groupShard, openHistoryBench, userShard } from '../testing/history-bench.ts';
import { ExportEndpoints, type ExportSettings, exportDefaults } from './export-endpoints.ts';

const {
  EXPORT_FORMAT_CSV: csv,
  EXPORT_FORMAT_JSON_LINES: jsonLines,
  EXPORT_FORMAT_PARQUET: parquet,
} = internal.ExportFormat;
const settings: ExportSettings = {
  ...exportDefaults,
  chunkBytes: 64 * 1024,
  exportsMax: 2,
  deadlineMs: 60_000,
  bytesMax: 2 ** 30,
  idleMs: 60_000,
  completeWaitMs: 200,
};
const bulkyCount = 5_000;
const folder = mkdtempSync(path.join(tmpdir(), 'parley-export-'));
let bench: HistoryBench;
let endpoints: ExportEndpoints;
let throughMs = Number.MAX_SAFE_INTEGER;

beforeAll(async () => {
  bench = await openHistoryBench();
  const { journal } = bench;
  const talk = (group: string, sender: string, text: string) => journal.group('acme', group, sender, text);
  journal.commit(groupShard, [
    journal.created('acme', 'plan', 'ann', ['ben']),
    talk('plan', 'ann', '=cmd|calc'),
    journal.change('acme', 'plan', (stamp) => ({ memberRemoved: { ...stamp, by: 'ann', member: 'ben' } })),
    talk('plan', 'ann', 'not for ben'),
    journal.change('acme', 'plan', (stamp) => ({ membersAdded: { ...stamp, by: 'ann', members: ['ben'] } })),
    talk('plan', 'ann', '"quoted", 你好\nsecond line'),
  ]);
  journal.commit(userShard, [
    journal.direct('acme', 'ann.ben', 'ben', 'just between us'),
    journal.direct('acme', 'ann.cleo', 'ann', 'not for ben either'),
  ]);
  journal.commit(groupShard, [journal.created('other', 'plan', 'ben', []), talk('plan', 'ann', '-1 last')]);
  const text = 'ünique '.repeat(20);
  for (let at = 0; at < bulkyCount; at += 500) {
    const events = Array.from({ length: 500 }, (_, i) =>
      journal.direct('acme', 'lea.max', 'lea', `${at + i} ${text}`),
    );
    journal.commit(userShard, events);
  }
  await bench.projectAll();
  endpoints = started(settings);
});
afterAll(async () => {
  await endpoints?.stop();
  await bench?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** On a node of its own, so that tests with other limits do not meet. */
function started(own: ExportSettings, node = 'history'): ExportEndpoints {
  const { clickHouse, cluster } = bench;
  const completeThroughMs = () => Promise.resolve(throughMs);
  const { messenger } = cluster.node(node);
  const made = new ExportEndpoints({
    messenger,
    clickHouse,
    completeThroughMs,
    log: silentLog,
    settings: own,
  });
  made.start();
  return made;
}

type Request = Parameters<typeof internal.ExportRequest.create>[0];
const whole = { tenant: 'acme', user: 'ann', conversation: 'g.plan', spans: [{ from: 1 }], through: 7 };
const bulky = { ...whole, user: 'lea', conversation: 'd.lea.max', through: bulkyCount, format: jsonLines };
const gateway = () => bench.cluster.node('gateway').messenger;

async function begin(request: Request) {
  const bytes = internal.ExportRequest.encode({ ...whole, format: jsonLines, ...request }).finish();
  const result = await gateway().request(subjects.history('export'), bytes, 10_000);
  if (result.outcome !== 'answered') throw new Error(result.outcome);
  return internal.ExportAnswer.decode(result.bytes);
}

async function chunk(subject: string, number: number) {
  const bytes = internal.ExportChunkRequest.encode({ number }).finish();
  const result = await gateway().request(subject, bytes, 10_000);
  if (result.outcome !== 'answered') throw new Error(result.outcome);
  return internal.ExportChunkAnswer.decode(result.bytes);
}

const letGo = (subject: string) =>
  gateway().publish(subject, internal.ExportChunkRequest.encode({ cancelled: true }).finish());

/** Waits until there is room for one more export. */
const untilTaken = () =>
  expect.poll(async () => (await begin(bulky)).subject, { timeout: 5_000 }).not.toBe('');

async function exported(request: Request): Promise<Buffer> {
  const { subject, error } = await begin(request);
  if (error) throw new Error(error.code ?? '');
  const chunks: Uint8Array[] = [];
  for (let number = 1; ; number++) {
    const { bytes, last, error: broken } = await chunk(subject, number);
    if (broken) throw new Error(broken.code ?? '');
    chunks.push(Uint8Array.from(bytes));
    if (last) break;
  }
  letGo(subject);
  return Buffer.concat(chunks);
}

async function rowsOf(request: Request): Promise<Record<string, unknown>[]> {
  const text = (await exported(request)).toString();
  return text === ''
    ? []
    : text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('the export of a conversation', () => {
  it('is one line for each message, rising, with changes of the group by name', async () => {
    const rows = await rowsOf({});
    expect(rows.map(({ sequence, kind }) => [sequence, kind])).toEqual([
      [1, 'group_created'],
      [2, 'text'],
      [3, 'member_removed'],
      [4, 'text'],
      [5, 'members_added'],
      [6, 'text'],
      [7, 'text'],
    ]);
    expect(rows[1]).toEqual({
      conversation: 'g.plan',
      sequence: 2,
      sender: 'ann',
      clientMessageId: 'm2',
      sentAt: expect.stringMatching(/^202\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      kind: 'text',
      text: '=cmd|calc',
      system: '',
    });
  });

  it('has only the spans it is asked for, through the head it is asked for, and the time', async () => {
    const spans = [{ from: 1, to: 3 }, { from: 5 }];
    const sequences = async (request: Request) => (await rowsOf(request)).map(({ sequence }) => sequence);
    expect(await sequences({ spans })).toEqual([1, 2, 3, 5, 6, 7]);
    expect(await sequences({ spans, through: 6 })).toEqual([1, 2, 3, 5, 6]);
    const at = (await rowsOf({})).map(({ sentAt }) => Date.parse(sentAt as string));
    expect(await sequences({ fromMs: at[1]!, toMs: at[3]! })).toEqual([2, 3]);
    expect(await sequences({ fromMs: Date.UTC(2100, 0) })).toEqual([]);
    expect(await sequences({ spans: [], through: 0 })).toEqual([]);
  });

  it('is the same in CSV, but for an apostrophe before what a spreadsheet would calculate', async () => {
    const text = (await exported({ format: csv })).toString();
    const lines = text.trimEnd().split('\n');
    expect(lines[0]).toBe(
      '"conversation","sequence","sender","clientMessageId","sentAt","kind","text","system"',
    );
    expect(lines[2]).toMatch(/^"g.plan",2,"ann","m2","202\d-.*Z","text","'=cmd\|calc",""$/);
    expect(text).toContain('"""quoted"", 你好\nsecond line"');
    expect(text).toContain(`"'-1 last"`);
  });

  it('is the same in Parquet, as another reader sees it', async () => {
    const file = path.join(folder, 'plan.parquet');
    writeFileSync(file, await exported({ format: parquet }));
    const rows = await bench.clickHouse.select(
      `SELECT sequence, kind, text, toUnixTimestamp64Milli(sentAt) FROM file('${file}', 'Parquet') ORDER BY sequence`,
    );
    const lines = await rowsOf({});
    expect(rows).toEqual(
      lines.map(({ sequence, kind, text, sentAt }) => [sequence, kind, text, Date.parse(sentAt as string)]),
    );
  });

  it('has every message of a long conversation once, in order, over many chunks', async () => {
    const rows = await rowsOf(bulky);
    expect(rows.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: bulkyCount }, (_, index) => index + 1),
    );
  });

  it('is not begun while the store lacks the newest messages', async () => {
    expect((await begin({ through: 8 })).error).toMatchObject({ code: 'HISTORY_BEHIND', retryable: true });
  });
});

describe("the export of a person's own data", () => {
  const own = { conversation: '', spans: [], through: 0, displayName: 'The Ben', user: 'ben' };

  it('is the account, and all that this person may read and nothing else', async () => {
    const rows = await rowsOf(own);
    expect(rows.map(({ kind, conversation, sequence }) => [kind, conversation, sequence])).toEqual([
      ['account', '', 0],
      ['text', 'd.ann.ben', 1],
      ['group_created', 'g.plan', 1],
      ['text', 'g.plan', 2],
      ['member_removed', 'g.plan', 3],
      ['members_added', 'g.plan', 5],
      ['text', 'g.plan', 6],
      ['text', 'g.plan', 7],
    ]);
    expect(rows[0]).toMatchObject({ sender: 'ben', text: 'The Ben', sentAt: null });
    expect(JSON.stringify(rows)).not.toContain('not for ben');
    const others = await rowsOf({ ...own, tenant: 'other' });
    expect(others.map(({ kind }) => kind)).toEqual(['account', 'group_created']);
  });

  it('has the account in every format', async () => {
    expect((await exported({ ...own, format: csv, displayName: '@evil' })).toString()).toContain(`"'@evil"`);
    const file = path.join(folder, 'own.parquet');
    writeFileSync(file, await exported({ ...own, format: parquet }));
    const rows = await bench.clickHouse.select(
      `SELECT count(), countIf(kind = 'account' AND sentAt IS NULL) FROM file('${file}', 'Parquet')`,
    );
    expect(rows).toEqual([[8, 1]]);
  });

  it('is not begun while the store lacks what was sent before', async () => {
    throughMs = 5;
    expect((await begin(own)).error?.code).toBe('HISTORY_BEHIND');
    throughMs = Number.MAX_SAFE_INTEGER;
  });
});

describe('exports at a time', () => {
  it('are bounded: one more is BUSY and told when to come again, until one is let go', async () => {
    const subjectsOfTwo = [(await begin(bulky)).subject, (await begin(bulky)).subject];
    for (const subject of subjectsOfTwo) expect((await chunk(subject, 1)).last).toBe(false);
    expect((await begin(bulky)).error).toMatchObject({ code: 'BUSY', retryable: true, retryAfterMs: 10_000 });
    letGo(subjectsOfTwo[0]!);
    await untilTaken();
    await endpoints.stop();
    await expect(chunk(subjectsOfTwo[1]!, 2)).rejects.toThrow('no-responders');
    endpoints = started(settings);
  });

  it('end when nobody asks, when they take too long and when they are too large', async () => {
    await endpoints.stop();
    const cases: [Partial<ExportSettings>, (subject: string) => Promise<void>][] = [
      [{ idleMs: 100 }, async (subject) => void (await chunk(subject, 1))],
      [{ deadlineMs: 1_000 }, async (subject) => void (await chunk(subject, 1))],
      [
        { bytesMax: 100_000 },
        async (subject) => {
          await chunk(subject, 1);
          expect((await chunk(subject, 2)).error?.code).toBe('BAD_REQUEST');
        },
      ],
    ];
    for (const [index, [change, take]] of cases.entries()) {
      const own = started({ ...settings, exportsMax: 1, ...change }, `history-${index}`);
      const { subject } = await begin(bulky);
      await take(subject);
      await untilTaken();
      await own.stop();
    }
    endpoints = started(settings);
  });

  it.each<Request>([
    { tenant: '' },
    { user: "ann' --" },
    { conversation: "g.plan' --" },
    { format: 0 },
    { fromMs: -1 },
    { spans: Array.from({ length: 65 }, () => ({ from: 1 })) },
  ])('are refused for %j', async (request) => {
    expect((await begin(request)).error?.code).toMatch(/^BAD_/);
  });
});
