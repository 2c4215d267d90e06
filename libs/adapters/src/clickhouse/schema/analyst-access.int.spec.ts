// SQL access for analysts, as far as the embedded engine can show it: the tenants' views are made and filter, every other
// statement is read by the engine's own parser.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClickHouse } from '../clickhouse.ts';
import { openEmbeddedClickHouse } from '../embedded-clickhouse.ts';
import { RowBuffer } from '../row-buffer.ts';
import { analystAccess, analystAccessDefaults } from './analyst-access.ts';
import { migrate } from './migrate.ts';
import { analyticsViews } from './steps/0005-analytics-views.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'parley-analyst-access-'));
const ana = {
  ...analystAccessDefaults,
  tenant: '1-acme',
  user: 'ana',
  passwordSha256: '0'.repeat(64),
};
let clickHouse: ClickHouse;

beforeAll(async () => {
  clickHouse = await openEmbeddedClickHouse({ folder: path.join(folder, 'clickhouse') });
  await migrate(clickHouse);
  const rows = new RowBuffer('parley.daily_users', [
    'tenant',
    'day',
    'user',
    'messages',
    'conversations',
    'version',
  ]);
  rows.add(['1-acme', '2026-01-05', 'alice', 3, 1, 1]);
  rows.add(['globex', '2026-01-05', 'zed', 4, 1, 1]);
  await clickHouse.insert(rows.table, rows.columns, rows.toBytes());
});
afterAll(async () => {
  await clickHouse.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('SQL access for analysts', () => {
  it('is to views of one tenant, which do not even name it', async () => {
    const makesViews = (text: string) => /^CREATE (DATABASE|OR REPLACE VIEW)/.test(text);
    const statements = analystAccess(ana).filter(makesViews);
    expect(statements).toHaveLength(1 + analyticsViews.length);
    for (const statement of [...statements, ...statements]) await clickHouse.execute(statement);
    expect(await clickHouse.select('SELECT * FROM `parley_1-acme`.users_by_day')).toEqual([
      ['2026-01-05', 'alice', 3, 1],
    ]);
    for (const { name } of analyticsViews) {
      const view = name.replace('analytics_', '');
      expect(await clickHouse.select(`SELECT count() >= 0 FROM \`parley_1-acme\`.${view}`)).toEqual([[1]]);
    }
  });

  it.each([undefined, 'chat'])('is in statements that the engine can read (cluster %s)', async (cluster) => {
    const statements = analystAccess({ ...ana, ...(cluster === undefined ? {} : { cluster }) });
    for (const statement of statements)
      expect((await clickHouse.select(`EXPLAIN AST ${statement}`)).length).toBeGreaterThan(0);
    expect(statements.every((statement) => statement.includes(" ON CLUSTER 'chat'"))).toBe(
      cluster === 'chat',
    );
  });

  it('grants the views and nothing else', () => {
    const grants = analystAccess(ana).filter((statement) => statement.startsWith('GRANT'));
    expect(grants).toEqual(['GRANT SELECT ON `parley_1-acme`.* TO ana']);
  });

  it.each([{ tenant: 'a`b' }, { user: "x' TO" }, { passwordSha256: 'secret' }, { cluster: "c'" }])(
    'refuses names that would be SQL: %o',
    (change) => {
      expect(() => analystAccess({ ...ana, ...change })).toThrow(/not a name/);
    },
  );
});
