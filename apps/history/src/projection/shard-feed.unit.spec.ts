// What a feed does with a journal that does not go on where it was left.
import { describe, expect, it } from 'vitest';
import type { JournalFollower, JournalReader } from '@parley/adapters';
import type { JournalRecord, ShardId } from '@parley/runtime';
import { ScriptedJournal } from '../testing/scripted-journal.ts';
import { ShardFeed, journalStart } from './shard-feed.ts';

const shard: ShardId = { kind: 'user', index: 0 };

async function recordsOf(count: number): Promise<JournalRecord[]> {
  const journal = new ScriptedJournal();
  for (let index = 0; index < count; index += 1)
    journal.commit(shard, [journal.direct('t', 'a.b', 'a', `${index}`)]);
  return allOf(journal);
}

async function allOf(journal: ScriptedJournal): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  for await (const record of journal.read(shard, 1)) records.push(record);
  return records;
}

/** Each follow gets the next of these lists, as one take. */
function followerOf(
  ...readings: (readonly JournalRecord[])[]
): JournalFollower & { readonly asked: number[] } {
  const asked: number[] = [];
  return {
    asked,
    follow(_, afterSequence): JournalReader {
      asked.push(afterSequence);
      const reading = [...(readings[asked.length - 1] ?? [])];
      return { take: () => Promise.resolve(reading.splice(0)), stop: () => undefined };
    },
  };
}

function feedOf(follower: JournalFollower, from = journalStart) {
  const holes: number[][] = [];
  const onHole = (expected: number, found: number) => void holes.push([expected, found]);
  return { feed: new ShardFeed(follower, shard, from, { onHole }), holes };
}

describe('a shard feed', () => {
  it('reads again from where it was when a reader skipped a record', async () => {
    const records = await recordsOf(4);
    const follower = followerOf([records[0]!, records[1]!, records[3]!], [records[2]!, records[3]!]);
    const { feed } = feedOf(follower);
    expect((await feed.take(10)).map(({ position }) => position.sequence)).toEqual([1, 2]);
    expect((await feed.take(10)).map(({ position }) => position.sequence)).toEqual([3, 4]);
    expect(follower.asked).toEqual([0, 2]);
  });

  it('goes on behind a hole that is really in the journal, and reports it once', async () => {
    const records = await recordsOf(4);
    const { feed, holes } = feedOf(followerOf([records[0]!, records[3]!], [records[3]!]));
    expect((await feed.take(10)).map(({ position }) => position.sequence)).toEqual([1]);
    expect((await feed.take(10)).map(({ position }) => position.sequence)).toEqual([4]);
    expect(holes).toEqual([[1, 3]]);
  });

  it('asks for a record that readers pass over every time, because a replica has it', async () => {
    const records = await recordsOf(4);
    const follower = followerOf([records[0]!, records[3]!]);
    const recordAt = (sequence: number) => Promise.resolve(records[sequence - 1]);
    const onHole = () => expect.unreachable();
    const feed = new ShardFeed(follower, shard, journalStart, { onHole, recordAt });
    expect((await feed.take(10)).map(({ position }) => position.sequence)).toEqual([1, 2, 3, 4]);
  });

  it('throws when the journal goes on from before what was taken in: its end was lost and written again', async () => {
    const again = new ScriptedJournal();
    for (const text of ['0', '1']) again.commit(shard, [again.direct('t', 'a.b', 'a', text)]);
    again.commitAfter(shard, 2, [again.direct('t', 'a.b', 'a', 'other')]);
    const rewritten = { ...(await allOf(again))[2]!, sequence: 4 };
    const recordAt = () => Promise.resolve(undefined);
    const feed = new ShardFeed(
      followerOf([rewritten]),
      shard,
      { sequence: 3, epoch: 1, n: 3 },
      {
        onHole: () => expect.unreachable(),
        recordAt,
      },
    );
    await expect(feed.take(10)).rejects.toMatchObject({ name: 'RewrittenJournal' });
  });

  it('begins with whatever a trimmed journal still has when nothing was taken in yet', async () => {
    const records = await recordsOf(4);
    const { feed, holes } = feedOf(followerOf(records.slice(2)));
    expect((await feed.take(10)).map(({ position }) => position.n)).toEqual([3, 4]);
    expect(holes).toEqual([[0, 2]]);
  });

  it('keeps the epoch it had before a restart', async () => {
    const journal = new ScriptedJournal();
    journal.commit(shard, [journal.direct('t', 'a.b', 'a', 'old')], 3);
    const records = await allOf(journal);
    const { feed } = feedOf(followerOf(records), { sequence: 0, epoch: 4, n: 0 });
    const [commit] = await feed.take(10);
    expect(commit).toMatchObject({ position: { sequence: 1, epoch: 4 } });
    expect(commit?.elements()).toEqual([]);
  });

  it('throws on bytes that are no commit', async () => {
    const { feed } = feedOf(followerOf([{ sequence: 1, bytes: Buffer.from('nonsense') }]));
    await expect(feed.take(10)).rejects.toMatchObject({ name: 'BadCommitRecord' });
  });
});
