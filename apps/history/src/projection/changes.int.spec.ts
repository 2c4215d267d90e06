// Edits, recalls and content beside the text against the real engine: pages and search show what a message is now, in
// whatever batches it was written, and a projection that is repeated gives the same.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryMessageTail } from '@parley/adapters';
import { encodeLogMessage, fromWireMessage, internal, type parley, wire } from '@parley/protocol';
import { systemClock } from '@parley/std';
import { silentLog } from '../log.ts';
import { readPage } from '../reading/page-reader.ts';
import { search } from '../reading/search-reader.ts';
import {
  type HistoryBench,
  groupShard,
  openHistoryBench,
  shards,
  userShard,
} from '../testing/history-bench.ts';
import { TailProjection } from './tail-projection.ts';

let bench: HistoryBench;
beforeAll(async () => {
  bench = await openHistoryBench();
});
afterAll(() => bench.close());

const rich = {
  image: {
    ref: "m/it's \\ 1",
    mimeType: 'image/png',
    sizeBytes: 5,
    name: 'a\tb.png',
    width: 1,
    height: 2,
    durationMs: 0,
  },
  mentions: ['bob', 'cat'],
  mentionsAll: true,
};

async function page(conversation: string, tenant = 'acme') {
  const request = internal.HistoryPageRequest.create({ tenant, conversation, from: 1, to: 100 });
  const { messages } = await readPage(bench.clickHouse, request as parley.internal.v1.HistoryPageRequest);
  return messages.map((message) =>
    fromWireMessage(wire.Message.decode(wire.Message.encode(message).finish())),
  );
}

async function found(user: string, text: string) {
  const request = internal.SearchRequest.decode(
    internal.SearchRequest.encode({ tenant: 'acme', user, text }).finish(),
  );
  const { hits } = await search(bench.clickHouse, request, () => Promise.resolve(Date.UTC(2030, 0)));
  return hits.map(({ message }) => [message?.sequence, message?.text]);
}

/** The log of one direct: a photo that is edited twice, a text that is edited and recalled, all in `commits` commits. */
function story(id: string, commits: 1 | 8): void {
  const { journal } = bench;
  const events = [
    journal.direct('acme', id, 'ann', `first ${id}`, { rich }),
    journal.direct('acme', id, 'bob', `blunder ${id}`),
    journal.edited('acme', id, 1, `second ${id}`, { rich }),
    journal.edited('acme', id, 2, `excuse ${id}`),
    journal.edited('acme', id, 1, `third ${id}`, { rich: { ...rich, mentionsAll: false } }),
    journal.recalled('acme', id, 2),
    journal.direct('acme', id, 'ann', `plain ${id}`),
  ];
  if (commits === 1) journal.commit(userShard, events);
  else for (const event of events) journal.commit(userShard, [event]);
}

const expected = (id: string) => [
  {
    sequence: 1,
    text: `third ${id}`,
    revision: 5,
    rich: { image: rich.image, mentions: ['bob', 'cat'], mentionsAll: false },
  },
  { sequence: 2, text: '', revision: 6, isRecalled: true },
  { sequence: 3, edited: { sequence: 1, text: `second ${id}`, rich } },
  { sequence: 4, edited: { sequence: 2, text: '' } },
  { sequence: 5, edited: { sequence: 1, text: `third ${id}` } },
  { sequence: 6, recalled: { sequence: 2 } },
  { sequence: 7, text: `plain ${id}` },
];

describe('changed messages in the history', () => {
  it.each([1, 8] as const)(
    'are what they are now, written in %i commit(s), once and again',
    async (commits) => {
      const id = `ann.bob${commits}`;
      story(id, commits);
      for (const _ of ['once', 'again']) {
        await bench.projectAll();
        const messages = await page(`d.${id}`);
        expect(messages).toMatchObject(expected(id));
        expect(messages[6]).not.toHaveProperty('revision');
        expect(messages[1]).not.toHaveProperty('rich');
        await bench.clickHouse.execute('TRUNCATE TABLE parley.watermarks');
      }
      await bench.clickHouse.execute('OPTIMIZE TABLE parley.messages FINAL');
      expect(await page(`d.${id}`)).toMatchObject(expected(id));
    },
  );

  it('are found by what they say now, and not by what they said', async () => {
    story('ann.dora', 8);
    await bench.projectAll();
    expect(await found('ann', 'third ann.dora')).toEqual([[1, 'third ann.dora']]);
    for (const gone of ['first', 'second', 'blunder', 'excuse'])
      expect(await found('ann', `${gone} ann.dora`)).toEqual([]);
  });

  it('have columns to ask for: state, mentions, attachments, time of the change, kind', async () => {
    story('ann.emil', 8);
    await bench.projectAll();
    const rows = await bench.clickHouse.select(
      `SELECT kind, state, mentions, attachments, changed_at > at FROM parley.messages FINAL
       WHERE conversation = 'd.ann.emil' ORDER BY sequence LIMIT 10`,
    );
    expect(rows).toEqual([
      ['image', 'edited', ['bob', 'cat'], [rich.image.ref], 1],
      ['text', 'recalled', [], [], 1],
      ['edit', 'sent', [], [], 0],
      ['edit', 'sent', [], [], 0],
      ['edit', 'sent', [], [], 0],
      ['recall', 'sent', [], [], 0],
      ['text', 'sent', [], [], 0],
    ]);
  });

  it('of all, mentioned in a group', async () => {
    const { journal } = bench;
    journal.commit(groupShard, [
      journal.created('acme', 'tea', 'ann', []),
      journal.group('acme', 'tea', 'ann', 'all of you', { rich }),
    ]);
    await bench.projectAll();
    const rows = await bench.clickHouse.select(
      `SELECT sequence FROM parley.messages FINAL WHERE has(mentions, '*') AND conversation = 'g.tea' LIMIT 9`,
    );
    expect(rows).toEqual([[2]]);
  });

  it('replace the older ones in the Redis tail', async () => {
    story('ann.finn', 8);
    const tail = new MemoryMessageTail(systemClock);
    const projection = new TailProjection({
      tail,
      follower: bench.follower,
      shards,
      watermarks: await bench.watermarks(),
      log: silentLog,
      pauseMs: 1,
    });
    projection.start();
    const range = { conversation: 'd.ann.finn', from: 1, to: 9 };
    await expect.poll(async () => (await tail.read('acme', [range]))[0]?.length).toBe(7);
    await projection.stop();
    const [messages] = await tail.read('acme', [range]);
    const [first, second] = messages!.map(({ bytes }) => fromWireMessage(wire.Message.decode(bytes)));
    expect(first).toMatchObject({ text: 'third ann.finn', revision: 5 });
    expect(second).toMatchObject({ text: '', isRecalled: true });
    expect(Buffer.from(messages![0]!.bytes)).toEqual(Buffer.from(encodeLogMessage(first!)));
  });
});
