// What history says before keys are destroyed, and what it finds of plain text, on the real engine.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { internal } from '@parley/protocol';
import { AdminDesk } from '../admin/admin-desk.ts';
import { readAudit } from '../admin/audit-log.ts';
import { type HistoryBench, groupShard, openHistoryBench } from '../testing/history-bench.ts';

let bench: HistoryBench;
let desk: AdminDesk;

beforeAll(async () => {
  bench = await openHistoryBench();
  const { journal } = bench;
  const sealed = { rich: { sealed: Buffer.from('sealed bytes') } };
  journal.commit(groupShard, [
    journal.created('acme', 'tea', 'ann', ['ben', 'held']),
    journal.group('acme', 'tea', 'ann', '', sealed),
    journal.group('acme', 'tea', 'ann', 'before sealing began'),
    journal.created('acme', 'free', 'ann', ['ben']),
    journal.group('acme', 'free', 'ben', '', sealed),
    journal.group('acme', 'free', 'ben', 'a picture', {
      rich: { image: { ref: 'https://media/of-ben', mimeType: 'image/png' } },
    }),
  ]);
  await bench.projectAll();
  desk = new AdminDesk({
    clickHouse: bench.clickHouse,
    completeThroughMs: () => Promise.resolve(1),
    keepsInboxes: true,
  });
});
afterAll(() => bench.close());

const ask = (body: object) =>
  desk.answer(internal.AdminRequest.create({ tenant: 'acme', by: 'ada', ...body } as never));
const erase = (what: object) => ask({ erase: { reason: 'asked for', ...what } });
const hold = (kind: string, id: string, isHeld: boolean) =>
  ask({ setHold: { kind, id, isHeld, reason: 'case 7' } });

describe('an erasure', () => {
  it('of a message is told whose key it has', async () => {
    const { erasure } = await erase({ conversation: 'g.tea', sequence: 2 });
    expect(erasure).toMatchObject({ user: 'ann' });
    expect(erasure?.clientMessageId).not.toBe('');
  });

  it('is of something that was sealed, and that is there', async () => {
    await expect(erase({ conversation: 'g.tea', sequence: 3 })).rejects.toMatchObject({ code: 'NOT_SEALED' });
    await expect(erase({ conversation: 'g.tea', sequence: 1 })).rejects.toMatchObject({ code: 'NOT_SEALED' });
    await expect(erase({ conversation: 'g.tea', sequence: 9 })).rejects.toMatchObject({
      code: 'MESSAGE_NOT_FOUND',
    });
    await expect(erase({ conversation: 'g.tea' })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(erase({ user: 'a b' })).rejects.toMatchObject({ code: 'BAD_ID' });
  });

  it('is refused while a hold is on the person, on the conversation, or on anybody who was in it', async () => {
    const inTea = { user: 'ann', conversation: 'g.tea' };
    const inFree = { user: 'ann', conversation: 'g.free' };
    const everywhere = { user: 'ann' };
    const one = { conversation: 'g.tea', sequence: 2 };
    for (const [kind, id] of [
      ['conversation', 'g.tea'],
      ['user', 'held'],
    ] as const) {
      await hold(kind, id, true);
      for (const what of [inTea, everywhere, one])
        await expect(erase(what)).rejects.toMatchObject({ code: 'ON_HOLD' });
      await expect(erase(inFree)).resolves.toMatchObject({ erasure: {} });
      await hold(kind, id, false);
    }
    await hold('user', 'ann', true);
    for (const what of [inTea, inFree, everywhere, one])
      await expect(erase(what)).rejects.toMatchObject({ code: 'ON_HOLD' });
    await hold('user', 'ann', false);
    await expect(erase(everywhere)).resolves.toMatchObject({ erasure: {} });
  });
});

describe('the report', () => {
  it('counts what a key covers and what none does, and finds phrases wherever they are', async () => {
    const phrases = ['sealing began', 'media/of-ben', 'asked for'];
    const { erasureReport } = await ask({ erasureReport: { user: 'ann', phrases } });
    expect(erasureReport).toMatchObject({ sealed: 1, plain: 1 });
    expect(erasureReport?.places?.map(({ place }) => place)).toEqual([
      'messages.text',
      'messages.content',
      'events.payload',
      'audit.details',
    ]);
    const none = await ask({
      erasureReport: { user: 'ben', conversation: 'g.tea', phrases: ['nowhere at all'] },
    });
    expect(none.erasureReport).toMatchObject({ sealed: 0, plain: 0 });
    expect(none.erasureReport?.places).toEqual([]);
  });

  it('is in the audit without its phrases', async () => {
    await ask({ erasureReport: { user: 'ben', phrases: ['"said by ben', 'twice'] } });
    const { entries } = await readAudit(bench.clickHouse, 'acme', internal.AuditQuery.create({ limit: 1 }));
    expect(entries[0]).toMatchObject({ action: 'erasure_report', subject: 'user:ben' });
    expect(JSON.parse(entries[0]?.details ?? '')).toEqual({ user: 'ben', phrases: 2 });
  });
});
