// Exports on a whole cluster: what a document has while people write, who may have it, and what becomes of one whose client or
// whose history process goes away.
import type { ExportRequest } from '@parley/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster, waitUntil } from '../servers/index.ts';
import { Chatter, stopAll } from './chatter.ts';
import { type Person, People, codeOf, direct, manyUsersFromOneAddress, upTo } from './people.ts';

let cluster: Cluster;
let people: People;

beforeAll(async () => {
  const env = { ...manyUsersFromOneAddress, PARLEY_HTTP_EXPORTS_PER_HOUR: '100000' };
  cluster = await startCluster({ env });
  people = new People(cluster);
});

afterAll(async () => {
  people?.closeAll();
  await cluster?.stop();
});

async function documentOf(person: Person, request: ExportRequest): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of await person.api.export(request)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Asks again while the newest messages are on their way into the store. */
async function rowsOf(person: Person, request: ExportRequest): Promise<Record<string, unknown>[]> {
  let document: Buffer | undefined;
  await waitUntil(
    async () => {
      const code = await codeOf(documentOf(person, request).then((bytes) => (document = bytes)));
      if (code !== undefined && code !== 'HISTORY_BEHIND' && code !== 'BUSY') throw new Error(code);
      return document !== undefined;
    },
    { what: 'the export', limitMs: 30_000 },
  );
  const lines = document!.toString().split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('an export', () => {
  it('of a conversation has what was acknowledged when it was asked for, dense, while people go on writing', async () => {
    const [alice, bob] = await people.registerAll('alice', 'bob');
    const conversation = direct(alice, bob);
    const [atAlice, atBob] = await Promise.all([alice.connect(), bob.connect()]);
    const chatters = [Chatter.start(atAlice, conversation), Chatter.start(atBob, conversation)];
    for (const _ of upTo(3)) {
      await chatters[0]!.more(30);
      const before = chatters.flatMap(({ acked }) => acked);
      const rows = await rowsOf(bob, { conversation });
      expect(rows.map(({ sequence }) => sequence)).toEqual(upTo(rows.length));
      for (const { sequence, text, sender } of before)
        expect(rows[sequence - 1]).toMatchObject({ conversation, sequence, sender, text });
    }
    const acked = await stopAll(chatters);
    const rows = await rowsOf(alice, { conversation });
    expect(rows.map(({ text }) => text)).toEqual(
      acked.toSorted((one, other) => one.sequence - other.sequence).map(({ text }) => text),
    );
  });

  it('has only what the asker may read, of a conversation and of everything', async () => {
    const [ann, ben, eve] = await people.registerAll('ann', 'ben', 'eve');
    const { id, conversation } = await ann.api.createGroup({ title: 'plan', members: [ben.id] });
    const atAnn = await ann.connect();
    await atAnn.send(conversation, 'one');
    await ann.api.removeMember(id, ben.id);
    await atAnn.send(conversation, 'two');
    await ann.api.addMembers(id, [ben.id]);
    await atAnn.send(conversation, '三');
    await atAnn.send(direct(ann, eve), 'not for ben');
    const texts = (rows: Record<string, unknown>[]) =>
      rows.flatMap(({ kind, text }) => (kind === 'text' || kind === 'account' ? [text] : [kind]));
    const group = ['group_created', 'one', 'member_removed', 'members_added', '三'];
    expect(texts(await rowsOf(ben, { conversation }))).toEqual(group);
    expect(texts(await rowsOf(ben, {}))).toEqual([ben.id, ...group]);
    expect(texts(await rowsOf(eve, {}))).toEqual([eve.id, 'not for ben']);
    expect(await codeOf(eve.api.export({ conversation }))).toBe('NOT_A_MEMBER');
    expect(await codeOf(eve.api.export({ conversation: direct(ann, ben) }))).toBe('NOT_A_MEMBER');
    const sheet = (await documentOf(ben, { conversation, format: 'csv' })).toString();
    expect(sheet.split('\n')[0]).toContain('"conversation","sequence","sender"');
    const columns = await documentOf(ben, { conversation, format: 'parquet' });
    expect([columns.subarray(0, 4), columns.subarray(-4)].map(String)).toEqual(['PAR1', 'PAR1']);
  });
});

describe('a long export', () => {
  /** With 250 of them a document is longer than all that sockets hold on its way. */
  const long = 'long '.repeat(12_000);

  async function longTalk(): Promise<{ reader: Person; conversation: string }> {
    const [writer, reader] = await people.registerAll('writer', 'reader');
    const conversation = direct(writer, reader);
    const client = await writer.connect();
    for (const part of upTo(10))
      await Promise.all(upTo(25).map((index) => client.send(conversation, `${part}.${index} ${long}`)));
    return { reader, conversation };
  }

  /** Begun, with its first piece taken and nothing more: its client is slow. */
  async function begun(person: Person, conversation: string) {
    let pieces: AsyncIterable<Uint8Array> | undefined;
    await waitUntil(async () => (pieces = await person.api.export({ conversation }).catch(() => undefined)), {
      what: 'an export begins',
      limitMs: 20_000,
    });
    const iterator = pieces![Symbol.asyncIterator]();
    await iterator.next();
    return iterator;
  }

  it('waits for its client, is one of few at a time, ends when its client goes, and never looks whole when it breaks', async () => {
    const { reader, conversation } = await longTalk();
    const [first, second] = [await begun(reader, conversation), await begun(reader, conversation)];
    const busy = await reader.api.export({ conversation }).catch((error: unknown) => error);
    expect(busy).toMatchObject({ code: 'BUSY', retryable: true, retryAfterMs: 10_000 });
    await first.return?.();
    const third = await begun(reader, conversation);
    await cluster.app('history').kill();
    for (const broken of [second, third]) {
      const rest = (async () => {
        while ((await broken.next()).done !== true);
      })();
      await expect(rest).rejects.toMatchObject({ code: 'HTTP_UNREACHABLE' });
    }
    await cluster.app('history').start();
    const rows = await rowsOf(reader, { conversation });
    expect(rows.map(({ sequence }) => sequence)).toEqual(upTo(250));
  });
});
