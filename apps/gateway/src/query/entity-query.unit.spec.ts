import { internal, placementRules, subjects } from '@parley/protocol';
import type { Messenger, RequestResult } from '@parley/runtime';
import { Placement } from '@parley/runtime';
import { seededRandom, systemClock } from '@parley/std';
import { describe, expect, it } from 'vitest';
import { MessengerEntityQuery } from './entity-query.ts';

const placement = new Placement(placementRules, { user: 8, group: 8 });
const address = { type: 'direct', tenant: 'acme', id: 'alice.bob' };
const answered = (answer: Parameters<typeof internal.QueryAnswer.encode>[0]): RequestResult => ({
  outcome: 'answered',
  bytes: internal.QueryAnswer.encode(answer).finish(),
});

/** A messenger whose owner gives these results one after another, the last one for ever. */
function asking(...results: RequestResult[]) {
  const requests: { subject: string; bytes: Uint8Array; timeoutMs: number }[] = [];
  const messenger: Messenger = {
    request(subject, bytes, timeoutMs) {
      requests.push({ subject, bytes, timeoutMs });
      return Promise.resolve(results[Math.min(requests.length, results.length) - 1]!);
    },
    publish: () => undefined,
    subscribe: () => ({ stop: () => undefined }),
    flush: () => Promise.resolve(),
    isConnected: true,
  };
  const limits = { queryTimeoutMs: 150, attemptTimeoutMs: 60, pauseMinMs: 1, pauseMaxMs: 10 };
  const query = new MessengerEntityQuery({
    messenger,
    placement,
    clock: systemClock,
    random: seededRandom(1),
    limits,
  });
  return { query, requests };
}

describe('EntityQuery', () => {
  it("asks the owner of the entity's shard", async () => {
    const { query, requests } = asking(answered({ head: { head: 7 } }));
    const result = await query.ask(address, { head: { reader: 'alice' } });
    expect(result.ok && result.value.head?.head).toBe(7);
    const { index } = placement.shardOf({ type: 'user', tenant: 'acme', id: 'alice' });
    expect(requests[0]!.subject).toBe(subjects.query('user', index));
    const asked = internal.Query.decode(requests[0]!.bytes);
    expect(asked).toMatchObject({ ...address, body: 'head', head: { reader: 'alice' } });
    expect(requests[0]!.timeoutMs).toBe(60);
  });

  it('passes on what the entity refuses with', async () => {
    const { query } = asking(answered({ error: { code: 'NOT_A_MEMBER' } }));
    expect(await query.ask(address, { head: {} })).toEqual({ ok: false, error: 'NOT_A_MEMBER' });
  });

  it('makes a code it does not know INTERNAL', async () => {
    const { query } = asking(answered({ error: { code: 'FROM_THE_FUTURE' } }));
    expect(await query.ask(address, { head: {} })).toEqual({ ok: false, error: 'INTERNAL' });
  });

  it('asks again while the shard is moving', async () => {
    const moving = { outcome: 'no-responders' } as const;
    const hasJustLeft = { outcome: 'answered', bytes: new Uint8Array() } as const;
    const { query, requests } = asking(
      moving,
      hasJustLeft,
      { outcome: 'disconnected' },
      answered({ head: { head: 1 } }),
    );
    expect((await query.ask(address, { head: {} })).ok).toBe(true);
    expect(requests).toHaveLength(4);
  });

  it('gives up after the time limit', async () => {
    const { query, requests } = asking({ outcome: 'no-responders' });
    const startMs = performance.now();
    expect(await query.ask(address, { head: {} })).toEqual({ ok: false, error: 'UNAVAILABLE' });
    expect(performance.now() - startMs).toBeGreaterThan(140);
    expect(requests.length).toBeGreaterThan(5);
  });

  it('tells an owner that does not answer from one that is not there', async () => {
    const messenger = {
      request: (_subject: string, _bytes: Uint8Array, timeoutMs: number) =>
        new Promise<RequestResult>((resolve) => setTimeout(resolve, timeoutMs, { outcome: 'timeout' })),
    } as unknown as Messenger;
    const limits = { queryTimeoutMs: 100, attemptTimeoutMs: 40, pauseMinMs: 1, pauseMaxMs: 10 };
    const query = new MessengerEntityQuery({
      messenger,
      placement,
      clock: systemClock,
      random: seededRandom(1),
      limits,
    });
    expect(await query.ask(address, { head: {} })).toEqual({ ok: false, error: 'TIMEOUT' });
  });
});
