// One contract for both ways to ClickHouse: the engine in the process, and HTTP (an endpoint in front of the same engine in a
// process of its own, speaking the part of ClickHouse's protocol that is used).
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ServerHandle, startClickHouse } from '@parley/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClickHouse } from './clickhouse.ts';
import { openEmbeddedClickHouse } from './embedded-clickhouse.ts';
import { openHttpClickHouse } from './http-clickhouse.ts';
import { migrate } from './schema/migrate.ts';
import { RowBuffer } from './row-buffer.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'parley-clickhouse-'));
const opened: Partial<Record<'embedded' | 'http', ClickHouse>> = {};
let server: ServerHandle;

beforeAll(async () => {
  opened.embedded = await openEmbeddedClickHouse({ folder: path.join(folder, 'clickhouse') });
  server = await startClickHouse();
  opened.http = openHttpClickHouse({ url: server.url });
});
afterAll(async () => {
  await opened.http?.close();
  await server?.stop();
  await opened.embedded?.close();
  rmSync(folder, { recursive: true, force: true });
});

const manyRows = "SELECT number AS n, repeat('é', 50) AS text FROM numbers(100000)";

async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(Uint8Array.from(piece));
  return Buffer.concat(all);
}

describe.each(['embedded', 'http'] as const)('ClickHouse, %s', (kind) => {
  const clickHouse = () => opened[kind] as ClickHouse;

  it('keeps what is inserted, with numbers and texts as they were', async () => {
    await migrate(clickHouse());
    await migrate(clickHouse());
    const table = `kept_${kind}`;
    await clickHouse().execute(
      `CREATE TABLE ${table} (number UInt64, value String) ENGINE = MergeTree ORDER BY number`,
    );
    const rows = new RowBuffer(table, ['number', 'value']);
    rows.add([2 ** 53 - 1, `it's "quoted" \\ 你好 \0 \n`]);
    rows.add([0, '']);
    await clickHouse().insert(table, rows.columns, rows.toBytes());
    // The same buffer may be sent again, as after an answer that was lost.
    await clickHouse().insert(table, rows.columns, rows.toBytes());
    expect(await clickHouse().select(`SELECT number, value FROM ${table} ORDER BY number`)).toEqual([
      [0, ''],
      [0, ''],
      [2 ** 53 - 1, `it's "quoted" \\ 你好 \0 \n`],
      [2 ** 53 - 1, `it's "quoted" \\ 你好 \0 \n`],
    ]);
  });

  it('keeps any bytes, and lists of texts, as they were', async () => {
    const table = `bytes_${kind}`;
    await clickHouse().execute(
      `CREATE TABLE ${table} (number UInt64, ids Array(String), payloads Array(Tuple(UInt8, String))) ENGINE = MergeTree ORDER BY number`,
    );
    const payload = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const ids = Buffer.from("it's \\ a\t你好\n");
    const rows = new RowBuffer(table, ['number', 'ids', 'payloads']);
    for (const number of [7, 1_000_000, 2 ** 53 - 1]) {
      rows.number(number);
      rows.plain('\t[');
      rows.quoted(ids, 0, ids.length);
      rows.mark(44);
      rows.quoted(ids, 0, 0);
      rows.plain(']\t[(1,');
      rows.quoted(payload, 0, payload.length);
      rows.plain(')]');
      rows.end();
    }
    await clickHouse().insert(table, rows.columns, rows.toBytes());
    const hex = payload.toString('hex').toUpperCase();
    expect(
      await clickHouse().select(`SELECT number, ids, hex(payloads[1].2) FROM ${table} ORDER BY number`),
    ).toEqual([7, 1_000_000, 2 ** 53 - 1].map((number) => [number, [ids.toString(), ''], hex]));
  });

  it('takes nothing that people write for an order of its own', async () => {
    // The embedded engine looks for hints of its test files in all of a statement, the rows included.
    const texts = ['-- { serverError NOBODY }', '# { error NOBODY }', '/* { echo } */ {', '-- { echoOn }\\'];
    const rows = new RowBuffer(`orders_${kind}`, ['number', 'value', 'list', 'items']);
    await clickHouse().execute(
      `CREATE TABLE ${rows.table} (number UInt64, value String, list Array(String), items Array(String))
       ENGINE = MergeTree ORDER BY number`,
    );
    for (const [index, text] of texts.entries()) {
      const bytes = Buffer.from(text);
      rows.add([index, text, [text, ''], '[]']);
      await clickHouse().insert(rows.table, rows.columns, rows.toBytes());
      const asBytes = new RowBuffer(rows.table, ['number', 'items']);
      asBytes.plain(`${index + texts.length}\t[`);
      asBytes.quoted(bytes, 0, bytes.length);
      asBytes.plain(']');
      asBytes.end();
      await clickHouse().insert(asBytes.table, asBytes.columns, asBytes.toBytes());
      rows.clear();
    }
    expect(await clickHouse().select(`SELECT value, list, items FROM ${rows.table} ORDER BY number`)).toEqual(
      [...texts.map((text) => [text, [text, ''], []]), ...texts.map((text) => ['', [], [text]])],
    );
  });

  it('answers many questions at a time, and refuses too many', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => clickHouse().select(`SELECT ${index}`)),
    );
    expect(answers.flat(2)).toEqual(Array.from({ length: 50 }, (_, index) => index));
    const flood = await Promise.allSettled(
      Array.from({ length: 400 }, () => clickHouse().select('SELECT sleep(0.001)')),
    );
    const refused = flood.filter((result) => result.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const { reason } of refused) expect(reason).toMatchObject({ name: 'ClickHouseUnavailable' });
  });

  it('tells a wrong statement from a store that is away', async () => {
    await expect(clickHouse().select('SELECT 1 FROM nowhere')).rejects.toMatchObject({
      name: 'ClickHouseRefused',
      code: 60,
    });
    await expect(clickHouse().execute('DROP TABLE nowhere')).rejects.toMatchObject({
      name: 'ClickHouseRefused',
      code: 60,
    });
    await expect(clickHouse().insert('nowhere', ['x'], Buffer.from('1\n'))).rejects.toMatchObject({
      code: 60,
    });
  });

  it('streams one document of all rows, in each format', async () => {
    const lines = (await bytesOf(clickHouse().stream(manyRows, 'JSONEachRow')))
      .toString()
      .trimEnd()
      .split('\n');
    expect(lines).toHaveLength(100_000);
    expect(JSON.parse(lines[99_999] ?? '')).toEqual({ n: 99_999, text: 'é'.repeat(50) });
    const csv = (await bytesOf(clickHouse().stream(manyRows, 'CSVWithNames')))
      .toString()
      .trimEnd()
      .split('\n');
    expect(csv).toHaveLength(100_001);
    expect(csv.slice(0, 2)).toEqual(['"n","text"', `0,"${'é'.repeat(50)}"`]);
    const file = path.join(folder, `${kind}.parquet`);
    writeFileSync(file, await bytesOf(clickHouse().stream(manyRows, 'Parquet')));
    const read = `SELECT count(), sum(n), uniqExact(text) FROM file('${file}', 'Parquet')`;
    expect(await clickHouse().select(read)).toEqual([[100_000, 4_999_950_000, 1]]);
  });

  it('streams a whole document of no rows', async () => {
    const none = `SELECT * FROM (${manyRows}) WHERE n > 100000`;
    expect((await bytesOf(clickHouse().stream(none, 'JSONEachRow'))).toString()).toBe('');
    expect((await bytesOf(clickHouse().stream(none, 'CSVWithNames'))).toString()).toBe('"n","text"\n');
    expect((await bytesOf(clickHouse().stream(none, 'Parquet'))).subarray(0, 4).toString()).toBe('PAR1');
  });

  it.each(['in good order', 'cut off'])(
    'never ends a stream that fails half way as if it were whole: %s',
    async (end) => {
      const failing = `SELECT number, throwIf(number = 90000, '${end}') AS z FROM numbers(100000)`;
      const taken: Uint8Array[] = [];
      const take = async () => {
        for await (const piece of clickHouse().stream(failing, 'JSONEachRow', {
          settings: { max_block_size: 1_000 },
        }))
          taken.push(piece);
      };
      await expect(take()).rejects.toThrow(/./);
      expect(Buffer.concat(taken).toString()).not.toContain('exception');
      await expect(
        bytesOf(clickHouse().stream('SELECT 1 FROM nowhere', 'JSONEachRow')),
      ).rejects.toMatchObject({
        name: 'ClickHouseRefused',
        code: 60,
      });
    },
  );

  it('makes a stream as it is taken, and stops it when nobody wants more or when it is told to', async () => {
    const endless = "SELECT number, repeat('x', 1000) AS text FROM system.numbers";
    let bytes = 0;
    for await (const piece of clickHouse().stream(endless, 'JSONEachRow')) {
      bytes += piece.length;
      if (bytes > 1_000_000) break;
    }
    const abort = new AbortController();
    const told = (async () => {
      for await (const _ of clickHouse().stream(endless, 'CSVWithNames', { signal: abort.signal }))
        abort.abort();
    })();
    await expect(told).rejects.toMatchObject({ name: 'ClickHouseUnavailable' });
    const timed = bytesOf(
      clickHouse().stream('SELECT sleepEachRow(0.01) FROM system.numbers', 'JSONEachRow', {
        timeoutMs: 300,
        settings: { max_block_size: 5 },
      }),
    );
    await expect(timed).rejects.toMatchObject({ name: 'ClickHouseUnavailable' });
    expect(await clickHouse().select('SELECT 1')).toEqual([[1]]);
  });

  it('refuses more streams than it has connections for, and takes them when one is free', async () => {
    const streams = Array.from({ length: 5 }, () =>
      clickHouse().stream(manyRows, 'JSONEachRow')[Symbol.asyncIterator](),
    );
    const firsts = await Promise.allSettled(streams.map((stream) => stream.next()));
    const refused = firsts.filter((first) => first.status === 'rejected');
    expect(refused.length).toBe(kind === 'embedded' ? 3 : 1);
    for (const { reason } of refused) expect(reason).toMatchObject({ name: 'ClickHouseUnavailable' });
    for (const stream of streams) await stream.return?.();
    expect((await bytesOf(clickHouse().stream('SELECT 1 AS n', 'JSONEachRow'))).toString()).toBe('{"n":1}\n');
  });

  it('gives nobody what a query before had put out until it failed', async () => {
    const failing = 'SELECT number, throwIf(number = 150000) FROM numbers(200000)';
    for (const limits of [{}, { onRowsRead: () => undefined }]) {
      const settings = { max_block_size: 1_000 };
      const failures = Array.from({ length: 8 }, () =>
        clickHouse().select(failing, { rowsMax: 1e6, settings, ...limits }),
      );
      for (const failure of await Promise.allSettled(failures))
        expect(failure).toMatchObject({
          status: 'rejected',
          reason: { name: 'ClickHouseRefused', code: 395 },
        });
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => clickHouse().select('SELECT 7', limits)),
      );
      expect(answers).toEqual(answers.map(() => [[7]]));
    }
  });

  it('tells how many rows were read for an answer', async () => {
    const told: number[] = [];
    const sql = 'SELECT count(), toUInt64(9007199254740991) FROM numbers(1000)';
    const rows = await clickHouse().select(sql, { onRowsRead: (read) => told.push(read) });
    expect(rows).toEqual([[1_000, 2 ** 53 - 1]]);
    expect(told).toEqual([1_000]);
  });

  it('lets a long statement run beside inserts', async () => {
    const rows = new RowBuffer(`beside_${kind}`, ['number']);
    rows.add([1]);
    await clickHouse().execute(
      `CREATE TABLE ${rows.table} (number UInt64) ENGINE = MergeTree ORDER BY number`,
    );
    let isOver = false;
    const long = clickHouse()
      .execute(
        `INSERT INTO ${rows.table} SELECT sleepEachRow(2) FROM numbers(1) SETTINGS max_block_size = 1`,
        {
          isLong: true,
        },
      )
      .then(() => (isOver = true));
    await clickHouse().insert(rows.table, rows.columns, rows.toBytes());
    // The endpoint of this test answers one after another.
    expect(isOver && kind === 'embedded').toBe(false);
    await long;
  });

  it('says its version', async () => {
    expect(await clickHouse().version()).toMatch(/^\d+\.\d+/);
  });
});

describe('the ways to ClickHouse', () => {
  it('calls a server that cannot be reached unavailable', async () => {
    const nowhere = openHttpClickHouse({ url: 'http://127.0.0.1:1' });
    await expect(nowhere.select('SELECT 1')).rejects.toMatchObject({ name: 'ClickHouseUnavailable' });
    await expect(nowhere.insert('t', ['x'], Buffer.from('1\n'))).rejects.toMatchObject({
      name: 'ClickHouseUnavailable',
    });
    await nowhere.close();
  });

  it('refuses a folder that a newer engine has written', async () => {
    writeFileSync(path.join(folder, 'newer.version'), '99.1.1.1\n');
    await expect(openEmbeddedClickHouse({ folder: path.join(folder, 'newer') })).rejects.toThrow(
      /written by ClickHouse 99/,
    );
  });

  it('refuses a schema that a newer program has made', async () => {
    const row = new RowBuffer('parley.migrations', ['number', 'name', 'at']);
    row.add([999, 'from the future', '2030-01-01 00:00:00.000']);
    await opened.embedded?.insert(row.table, row.columns, row.toBytes());
    await expect(migrate(opened.embedded as ClickHouse)).rejects.toThrow(/schema 999/);
  });
});
