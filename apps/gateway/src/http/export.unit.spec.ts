// Exports over HTTP: what the history service is asked, what the client gets, and what a document that breaks looks like.
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { MemoryCluster } from '@parley/adapters';
import { errorBody, internal, subjects } from '@parley/protocol';
import { err, ok, systemClock } from '@parley/std';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MessengerHistoryExport } from './history-export.ts';
import { type HttpDoubles, startHttpDoubles } from './http-app.double.ts';

let doubles: HttpDoubles;
let token: string;
beforeAll(async () => {
  doubles = await startHttpDoubles();
  token = await doubles.tokenOf('alice');
  await doubles.app.listen(0, '127.0.0.1');
});
afterAll(() => doubles.app.close());
beforeEach(() => {
  doubles.clock.now += 2 * 60 * 60_000;
  doubles.history.exportsAsked.length = 0;
  doubles.entities.answers.clear();
});

async function* pieces(...texts: (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    await Promise.resolve();
    if (text instanceof Error) throw text;
    yield Buffer.from(text);
  }
}

const { EXPORT_FORMAT_CSV: csv, EXPORT_FORMAT_JSON_LINES: jsonLines } = internal.ExportFormat;
const teamOf = (spans: { from: number; to?: number }[]) =>
  doubles.entities.answers.set('default/group/team', { log: { head: 9, spans } });

describe('an export', () => {
  it("of a conversation asks for the caller's spans through the head, as its owner says", async () => {
    teamOf([{ from: 2, to: 4 }, { from: 7 }]);
    doubles.history.exportAnswer = ok(pieces('a\n', 'b\n'));
    const answer = await doubles.call('GET /v1/conversations/g.team/export?format=csv&fromMs=5&toMs=9', {
      as: token,
    });
    expect(answer).toMatchObject({ status: 200, body: 'a\nb\n' });
    expect(answer.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': 'attachment; filename="g.team.csv"',
      'cache-control': 'no-store',
    });
    expect(doubles.history.exportsAsked).toMatchObject([
      {
        tenant: 'default',
        user: 'alice',
        conversation: 'g.team',
        spans: [{ from: 2, to: 4 }, { from: 7 }],
        through: 9,
        format: csv,
        fromMs: 5,
        toMs: 9,
      },
    ]);
  });

  it('of the own data asks for the account and all the caller may read', async () => {
    doubles.history.exportAnswer = ok(pieces('{}\n'));
    expect((await doubles.call('GET /v1/export', { as: token })).status).toBe(200);
    expect(doubles.history.exportsAsked).toMatchObject([
      { tenant: 'default', user: 'alice', displayName: 'The alice', format: jsonLines },
    ]);
    expect(doubles.history.exportsAsked[0]?.conversation ?? '').toBe('');
  });

  it('that cannot begin is a problem, with the time to wait', async () => {
    teamOf([{ from: 1 }]);
    doubles.history.exportAnswer = err({ code: 'BUSY', retryAfterMs: 10_000 });
    const answer = await doubles.call('GET /v1/conversations/g.team/export', { as: token });
    expect(answer).toMatchObject({ status: 503, body: { code: 'BUSY', retryAfterMs: 10_000 } });
    expect(answer.headers['retry-after']).toBe('10');
  });

  it.each([
    ['GET /v1/conversations/g.none/export', 'CONVERSATION_NOT_FOUND'],
    ['GET /v1/conversations/x.team/export', 'BAD_ID'],
    ['GET /v1/export?format=xls', 'BAD_REQUEST'],
    ['GET /v1/export?fromMs=9&toMs=9', 'BAD_REQUEST'],
    ['GET /v1/export?fromMs=99999999999999', 'BAD_REQUEST'],
  ])('is refused: %s', async (line, code) => {
    expect((await doubles.call(line, { as: token })).body.code).toBe(code);
    expect(doubles.history.exportsAsked).toEqual([]);
  });

  it('is for few in an hour', async () => {
    for (let count = 0; count < 20; count++) {
      doubles.history.exportAnswer = ok(pieces('{}'));
      expect((await doubles.call('GET /v1/export', { as: token })).status).toBe(200);
    }
    expect((await doubles.call('GET /v1/export', { as: token })).body.code).toBe('RATE_LIMITED');
  });

  it('that breaks on its way breaks the connection, and never looks whole', async () => {
    doubles.history.exportAnswer = ok(pieces('x'.repeat(100_000), new Error('the store is away')));
    const { port } = doubles.app.getHttpServer().address() as AddressInfo;
    const request = http.get({ port, path: '/v1/export', headers: { authorization: `Bearer ${token}` } });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    expect(response.statusCode).toBe(200);
    await expect(response.resume().toArray()).rejects.toThrow('aborted');
    expect(response.complete).toBe(false);
  });
});

describe('taking a document from the history service', () => {
  type Chunk = Parameters<typeof internal.ExportChunkAnswer.encode>[0];

  /** A history service that hands out what it is told to; undefined: no answer. */
  function history(chunkOf: (number: number) => Chunk | undefined) {
    const cluster = new MemoryCluster({ clock: systemClock });
    const asked: (number | 'let go')[] = [];
    const { messenger } = cluster.node('history');
    messenger.subscribe(subjects.history('export'), (_, respond) =>
      respond(internal.ExportAnswer.encode({ subject: subjects.export('one') }).finish()),
    );
    const chunks = messenger.subscribe(subjects.export('one'), (bytes, respond) => {
      const { number, cancelled } = internal.ExportChunkRequest.decode(bytes);
      asked.push(cancelled ? 'let go' : number);
      const chunk = cancelled ? undefined : chunkOf(number);
      if (chunk !== undefined) respond(internal.ExportChunkAnswer.encode(chunk).finish());
    });
    const limits = { beginTimeoutMs: 1_000, askTimeoutMs: 50, chunkWaitMs: 400 };
    const exports = new MessengerHistoryExport(cluster.node('gateway').messenger, systemClock, limits);
    const gone = new AbortController();
    const open = () => exports.open({ tenant: 'acme', user: 'ann' }, gone.signal);
    return { asked, chunks, gone, open };
  }

  async function textOf(opened: Awaited<ReturnType<MessengerHistoryExport['open']>>): Promise<string> {
    if (!opened.ok) return opened.error.code;
    let text = '';
    for await (const bytes of opened.value) text += Buffer.from(bytes).toString();
    return text;
  }

  it('asks for one chunk after the other, again where an answer is lost, and then lets go', async () => {
    let isLost = true;
    const { asked, open } = history((number) => {
      if (number === 2 && isLost) return void (isLost = false);
      return { bytes: Buffer.from(`${number}`), last: number === 3 };
    });
    expect(await textOf(await open())).toBe('123');
    await expect.poll(() => asked).toEqual([1, 2, 2, 3, 'let go']);
  });

  it('asks for nothing that is not wanted yet', async () => {
    const { asked, open } = history((number) => ({ bytes: Buffer.from(`${number}`) }));
    const opened = await open();
    const iterator = (opened.ok ? opened.value : pieces())[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.next();
    await iterator.return?.();
    await expect.poll(() => asked).toEqual([1, 2, 'let go']);
  });

  it('fails with what the history service says, before the document and in it', async () => {
    const before = history(() => ({ error: errorBody('HISTORY_UNAVAILABLE') }));
    expect(await textOf(await before.open())).toBe('HISTORY_UNAVAILABLE');
    await expect.poll(() => before.asked).toEqual([1, 'let go']);
    const within = history((number) =>
      number === 1 ? { bytes: Buffer.from('1') } : { error: errorBody('TIMEOUT') },
    );
    await expect(textOf(await within.open())).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  it('fails when chunks stop coming, and when the process that makes them is gone', async () => {
    const silent = history((number) => (number === 1 ? { bytes: Buffer.from('1') } : undefined));
    await expect(textOf(await silent.open())).rejects.toMatchObject({ code: 'HISTORY_UNAVAILABLE' });
    const dying = history((number) => ({ bytes: Buffer.from(`${number}`) }));
    const opened = await dying.open();
    dying.chunks.stop();
    await expect(textOf(opened)).rejects.toMatchObject({ code: 'HISTORY_UNAVAILABLE' });
  });

  it('lets go at once of what a client that has gone was waiting for', async () => {
    const { asked, gone, open } = history((number) =>
      number === 1 ? { bytes: Buffer.from('1') } : undefined,
    );
    const reading = textOf(await open());
    await expect.poll(() => asked.length).toBeGreaterThan(1);
    gone.abort();
    await expect.poll(() => asked).toContain('let go');
    await expect(reading).rejects.toMatchObject({ code: 'HISTORY_UNAVAILABLE' });
  });
});
