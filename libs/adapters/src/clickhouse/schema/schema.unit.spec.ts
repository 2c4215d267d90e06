// What every step writes, for one server and for a cluster. A step that has shipped stays as it is here.
import { describe, expect, it } from 'vitest';
import { schemaSteps } from './migrate.ts';
import { type Table, clusterOf, oneServer } from './table.ts';

const table: Table = {
  name: 'things',
  columns: [
    { name: 'tenant', type: 'LowCardinality(String)' },
    { name: 'id', type: 'UInt64', codec: 'Delta, ZSTD(1)' },
    { name: 'version', type: 'UInt64' },
    { name: 'double', type: 'UInt64', alias: 'id * 2' },
  ],
  indexes: ['id_index id TYPE minmax'],
  version: 'version',
  partitionBy: 'tenant',
  orderBy: ['tenant', 'id'],
  shardBy: 'cityHash64(tenant)',
  settings: { index_granularity: 1024 },
};

const body =
  'tenant LowCardinality(String), id UInt64 CODEC(Delta, ZSTD(1)), version UInt64, double UInt64 ALIAS id * 2, INDEX id_index id TYPE minmax';

describe('the layouts', () => {
  it('write a table for one server, with what makes it durable', () => {
    expect(oneServer.createTable(table)).toEqual([
      `CREATE TABLE IF NOT EXISTS parley.things (${body}) ENGINE = ReplacingMergeTree(version) PARTITION BY tenant ORDER BY (tenant, id) ` +
        'SETTINGS index_granularity=1024, fsync_after_insert=1, fsync_part_directory=1, min_rows_to_fsync_after_merge=1, old_parts_lifetime=480',
    ]);
    expect(oneServer.storage('things')).toBe('parley.things');
  });

  it('write it for a cluster as replicated storage and a table over all servers', () => {
    const cluster = clusterOf('chat');
    expect(cluster.createTable(table)).toEqual([
      `CREATE TABLE IF NOT EXISTS parley.things_local ON CLUSTER 'chat' (${body}) ` +
        `ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/parley/things', '{replica}', version) ` +
        'PARTITION BY tenant ORDER BY (tenant, id) SETTINGS index_granularity=1024',
      `CREATE TABLE IF NOT EXISTS parley.things ON CLUSTER 'chat' AS parley.things_local ` +
        `ENGINE = Distributed('chat', parley, things_local, cityHash64(tenant))`,
    ]);
    expect(cluster.addColumn(table, { name: 'color', type: 'String', byDefault: "'red'" })).toEqual([
      `ALTER TABLE parley.things_local ON CLUSTER 'chat' ADD COLUMN IF NOT EXISTS color String DEFAULT 'red'`,
      `ALTER TABLE parley.things ON CLUSTER 'chat' ADD COLUMN IF NOT EXISTS color String DEFAULT 'red'`,
    ]);
    expect(cluster.changeCodec(table, { name: 'color', type: 'String', codec: 'ZSTD(3)' })).toEqual([
      `ALTER TABLE parley.things_local ON CLUSTER 'chat' MODIFY COLUMN color String CODEC(ZSTD(3))`,
    ]);
    expect(cluster.changeSettings(table, { index_granularity: 512, old_parts_lifetime: 60 })).toEqual([
      `ALTER TABLE parley.things_local ON CLUSTER 'chat' MODIFY SETTING index_granularity=512, old_parts_lifetime=60`,
    ]);
    expect(cluster.replaceIndex(table, 'id_index', 'other_index id TYPE minmax')).toEqual([
      `ALTER TABLE parley.things_local ON CLUSTER 'chat' DROP INDEX IF EXISTS id_index`,
      `ALTER TABLE parley.things_local ON CLUSTER 'chat' ADD INDEX IF NOT EXISTS other_index id TYPE minmax`,
      `ALTER TABLE parley.things_local ON CLUSTER 'chat' MATERIALIZE INDEX other_index`,
    ]);
    expect(cluster.storage('things')).toBe(`parley.things_local ON CLUSTER 'chat'`);
    expect(() => clusterOf("a' b")).toThrow(/not a cluster's name/);
  });
});

describe('the steps', () => {
  it('are numbered densely and do the same for one server and for a cluster', () => {
    expect(schemaSteps.map(({ number }) => number)).toEqual(schemaSteps.map((_, index) => index + 1));
    const cluster = clusterOf('chat');
    for (const { statements } of schemaSteps) {
      const tables = (statementsOfOne: readonly string[]) =>
        new Set(statementsOfOne.map((text) => /parley\.([a-z_]+?)(?:_local)?\b/.exec(text)?.[1]));
      expect(tables(statements(cluster))).toEqual(tables(statements(oneServer)));
    }
  });

  it('are as they have shipped', () => {
    expect(schemaSteps.map((step) => step.statements(oneServer))).toMatchSnapshot();
  });
});
