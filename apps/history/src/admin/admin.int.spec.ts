// What admins ask, over the messenger: the audit comes first, and nothing is answered without it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClickHouse, ClickHouseUnavailable } from '@parley/adapters';
import { internal, type parley, subjects } from '@parley/protocol';
import { silentLog } from '../log.ts';
import { type HistoryBench, groupShard, openHistoryBench } from '../testing/history-bench.ts';
import { AdminDesk } from './admin-desk.ts';
import { AdminEndpoint } from './admin-endpoint.ts';
import { around } from '../testing/around.ts';

let bench: HistoryBench;
let endpoint: AdminEndpoint;
let isAuditAway = false;
const throughMs = Date.UTC(2030, 0);

beforeAll(async () => {
  bench = await openHistoryBench();
  const { journal } = bench;
  journal.commit(groupShard, [
    journal.created('acme', 'tea', 'ann', ['ben']),
    journal.group('acme', 'tea', 'ann', 'secret'),
  ]);
  await bench.projectAll();
  const desk = new AdminDesk({
    clickHouse: withoutAudit(bench.clickHouse),
    completeThroughMs: () => Promise.resolve(throughMs),
    keepsInboxes: false,
  });
  endpoint = new AdminEndpoint({ messenger: bench.cluster.node('history').messenger, desk, log: silentLog });
  endpoint.start();
});
afterAll(async () => {
  await endpoint.stop();
  await bench.close();
});

async function ask(request: parley.internal.v1.IAdminRequest): Promise<parley.internal.v1.AdminAnswer> {
  const bytes = internal.AdminRequest.encode(
    internal.AdminRequest.create({ tenant: 'acme', by: 'ann', ...request } as never),
  ).finish();
  const result = await bench.cluster
    .node('gateway')
    .messenger.request(subjects.history('admin'), bytes, 20_000);
  if (result.outcome !== 'answered') throw new Error(result.outcome);
  return internal.AdminAnswer.decode(result.bytes);
}
const audit = async (query: object = {}, tenant = 'acme') =>
  (await ask({ tenant, by: 'auditor', audit: query })).audit;

describe('the admin endpoint', () => {
  it('answers, says through when it is complete, and who asked what about whom is in the audit', async () => {
    const answer = await ask({ conversationAsOf: { conversation: 'g.tea', sequence: 1 } });
    expect(answer.conversationAsOf).toMatchObject({
      title: 'Title of tea',
      memberCount: 2,
      head: 1,
      completeThrough: 2,
    });
    expect(answer.completeThroughMs).toBe(throughMs);
    await ask({ by: 'operator:root', messageVersions: { conversation: 'g.tea', sequence: 2 } });
    await ask({ setHold: { kind: 'user', id: 'ben', isHeld: true, reason: 'case 7' } });
    const entries = (await audit())?.entries ?? [];
    expect(entries.map(({ by, action, subject }) => [by, action, subject])).toEqual([
      ['auditor', 'audit', ''],
      ['ann', 'set_hold', 'user:ben'],
      ['operator:root', 'message_versions', 'g.tea'],
      ['ann', 'conversation_as_of', 'g.tea'],
    ]);
    expect(JSON.parse(entries[1]?.details ?? '')).toMatchObject({
      id: 'ben',
      isHeld: true,
      reason: 'case 7',
    });
    expect(JSON.stringify(entries)).not.toContain('secret');
  });

  it('pages the audit without a hole or a double, and shows nobody another tenant’s', async () => {
    for (let time = 0; time < 4; time += 1) await ask({ retention: {} });
    const all = (await audit({ limit: 500 }))?.entries?.map(({ id }) => id) ?? [];
    const paged: string[] = [];
    let before = '';
    do {
      const one = await audit({ limit: 3, before });
      // Its own questions are the newest, and come before the first page only.
      paged.push(...(one?.entries ?? []).map(({ id }) => id ?? '').filter((id) => all.includes(id)));
      before = one?.next ?? '';
    } while (before !== '');
    expect(paged).toEqual(all);
    expect((await audit({}, 'other'))?.entries).toMatchObject([{ action: 'audit', by: 'auditor' }]);
  });

  it('sets and shows retention', async () => {
    expect((await ask({ setRetention: { days: 90 } })).retention).toMatchObject({ days: 90, by: 'ann' });
    expect((await ask({ retention: {} })).retention).toMatchObject({ days: 90, by: 'ann' });
    expect((await ask({ setRetention: { days: 1_000_000 } })).error?.code).toBe('BAD_REQUEST');
  });

  it('does nothing that it cannot write into the audit', async () => {
    isAuditAway = true;
    const answers = [
      await ask({ conversationAsOf: { conversation: 'g.tea' } }),
      await ask({ setHold: { kind: 'user', id: 'cat', isHeld: true } }),
    ];
    isAuditAway = false;
    for (const { error, conversationAsOf } of answers) {
      expect(error).toMatchObject({ code: 'HISTORY_UNAVAILABLE', retryable: true });
      expect(conversationAsOf ?? undefined).toBeUndefined();
    }
    expect((await ask({ holds: {} })).holds?.holds?.map(({ id }) => id)).toEqual(['ben']);
  });

  it('refuses what it cannot read, and inboxes where the cluster keeps none', async () => {
    const code = async (request: parley.internal.v1.IAdminRequest) => (await ask(request)).error?.code;
    expect(await code({})).toBe('BAD_REQUEST');
    expect(await code({ tenant: "a'", retention: {} })).toBe('BAD_ID');
    expect(await code({ by: 'ann\n', retention: {} })).toBe('BAD_ID');
    expect(await code({ audit: { before: "1.' OR 1" } })).toBe('BAD_REQUEST');
    expect(await code({ inboxAsOf: { user: 'ann' } })).toBe('EVENTS_MISSING');
    expect(await code({ conversationAsOf: { conversation: 'g.tea', atMs: -1 } })).toBe('BAD_REQUEST');
    expect(await code({ conversationAsOf: { conversation: 'g.nothing' } })).toBe('CONVERSATION_NOT_FOUND');
  });
});

function withoutAudit(store: ClickHouse): ClickHouse {
  return around(store, {
    insert: (table, columns, rows) =>
      isAuditAway && table === 'parley.audit'
        ? Promise.reject(new ClickHouseUnavailable('away'))
        : store.insert(table, columns, rows),
  });
}
