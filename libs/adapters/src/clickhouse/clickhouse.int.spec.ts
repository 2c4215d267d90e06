// One contract for both ways to ClickHouse: the engine in the process, and HTTP (a small endpoint in front of the same
// engine, speaking the part of ClickHouse's protocol that is used).
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import chdb from 'chdb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClickHouse } from './clickhouse.ts';
import { openEmbeddedClickHouse } from './embedded-clickhouse.ts';
import { openHttpClickHouse } from './http-clickhouse.ts';
import { migrate } from './schema/migrate.ts';
import { RowBuffer } from './row-buffer.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'parley-clickhouse-'));
const engineFolder = path.join(folder, 'clickhouse');
const opened: Partial<Record<'embedded' | 'http', ClickHouse>> = {};
let server: http.Server;
let session: InstanceType<typeof chdb.Session>;

beforeAll(async () => {
  opened.embedded = await openEmbeddedClickHouse({ folder: engineFolder });
  session = new chdb.Session(engineFolder);
  server = http.createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  opened.http = openHttpClickHouse({ url: `http://127.0.0.1:${port}` });
});
afterAll(async () => {
  await opened.http?.close();
  server.close();
  session.close();
  await opened.embedded?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const body = await text(request);
  const query = new URL(request.url ?? '', 'http://host').searchParams.get('query');
  try {
    const result = await session.queryAsync(query === null ? body : `${query}\n${body}`);
    response.end(result.text());
  } catch (error) {
    const message = (error as Error).message;
    response
      .writeHead(500, { 'x-clickhouse-exception-code': /Code: (\d+)/.exec(message)?.[1] ?? '' })
      .end(message);
  }
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
