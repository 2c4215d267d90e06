// The past against the real engine: what entities were at any moment is what their actors were then.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { internal, wire } from '@parley/protocol';
import { seededRandom } from '@parley/std';
import { DomainWorld } from '@parley/testing';
import { type HistoryBench, groupShard, openHistoryBench, userShard } from '../testing/history-bench.ts';
import { type Moment, liveThrough, snapshotText } from '../testing/lived-journal.ts';
import { conversationAsOf } from './conversation-as-of.ts';
import { entityEvents, eventLimits } from './entity-events.ts';
import { foldConversation, foldUser } from './fold.ts';
import { inboxAsOf } from './inbox-as-of.ts';
import { messageVersions } from './message-versions.ts';

let bench: HistoryBench;
let moments: Moment[];
const random = seededRandom(42);
/** Pages end in the middle of commits. */
const smallPages = { ...eventLimits, conversationPage: 23, userPage: 17 };

beforeAll(async () => {
  bench = await openHistoryBench();
  moments = liveThrough(new DomainWorld(), bench.journal, random, 150);
  await bench.projectAll();
  // As if the watermark had been lost with a crash: every event is there twice.
  await bench.clickHouse.execute('TRUNCATE TABLE parley.watermarks');
  await bench.projectAll();
});
afterAll(() => bench.close());

const addressOf = (key: string) => {
  const [type = '', id = ''] = key.split('/');
  return { type, tenant: 'acme', id };
};

async function foldedAt(key: string, untilMs: number): Promise<string> {
  const address = addressOf(key);
  const events = entityEvents(bench.clickHouse, address, { untilMs }, smallPages);
  const { state } =
    address.type === 'user'
      ? await foldUser(events, address, Infinity)
      : await foldConversation(events, address, { through: Infinity, firstKept: 1 });
  return snapshotText(address.type, state);
}

const askConversation = (query: object) =>
  conversationAsOf(bench.clickHouse, 'acme', internal.ConversationAsOfQuery.create(query));
const askInbox = (query: object) =>
  inboxAsOf(bench.clickHouse, 'acme', internal.InboxAsOfQuery.create(query));
const askVersions = (query: object) =>
  messageVersions(bench.clickHouse, 'acme', internal.MessageVersionsQuery.create(query));

describe('the fold of stored events', () => {
  it('is what each entity was, at random moments', async () => {
    const last = moments.at(-1) as Moment;
    for (const key of last.states.keys()) {
      for (let time = 0; time < 2; time += 1) {
        const { atMs, states } = moments[Math.floor(random.next() * moments.length)] as Moment;
        const expected = states.get(key);
        if (expected !== undefined) expect(await foldedAt(key, atMs), `${key} at ${atMs}`).toBe(expected);
      }
      expect(await foldedAt(key, 0), key).toBe(last.states.get(key));
    }
  });

  it('reads no more events than it may', async () => {
    const events = entityEvents(
      bench.clickHouse,
      addressOf('user/ann'),
      {},
      { ...smallPages, eventsMax: 10 },
    );
    await expect(foldUser(events, addressOf('user/ann'), Infinity)).rejects.toMatchObject({
      code: 'TOO_MANY_EVENTS',
    });
  });
});

describe('a conversation as of', () => {
  it('a sequence is what it was when that was the newest', async () => {
    const whole = await askConversation({ conversation: 'g.tea' });
    expect(whole.completeThrough).toBe(whole.head);
    for (let sequence = 1; sequence <= (whole.head ?? 0); sequence += 5) {
      const bySequence = await askConversation({ conversation: 'g.tea', sequence });
      expect(bySequence.head).toBe(sequence);
      const byTime = await askConversation({ conversation: 'g.tea', atMs: bySequence.headAtMs });
      // Several elements of one commit have one time.
      if (byTime.head === sequence) expect(byTime).toEqual(bySequence);
    }
  });

  it('pages its members', async () => {
    const conversation = 'g.tea';
    const sequence = 1;
    const { members, memberCount } = await askConversation({ conversation, sequence });
    expect(members?.length).toBe(memberCount);
    const first = await askConversation({ conversation, sequence, limit: 1 });
    expect(first.members).toEqual(members?.slice(0, 1));
    expect(first.nextMembers).toBe(memberCount === 1 ? '' : members?.[0]?.user);
  });

  it('tells how far the two of a direct conversation had read', async () => {
    const { journal } = bench;
    const read = internal.DirectEvent.encode({ readAdvanced: { reader: 'zoe', sequence: 1 } }).finish();
    journal.commit(userShard, [journal.direct('acme', 'yan.zoe', 'yan', 'hi')]);
    const before = journal.nowMs;
    journal.moveTo(before + 60_000);
    journal.commit(userShard, [{ type: 'direct', tenant: 'acme', ids: ['yan.zoe'], payload: read }]);
    await bench.projectAll();
    const pointers = async (atMs: number) =>
      (await askConversation({ conversation: 'd.yan.zoe', atMs })).readPointers?.map(
        ({ sequence }) => sequence,
      );
    expect(await pointers(before)).toEqual([1, 0]);
    expect(await pointers(before + 60_000)).toEqual([1, 1]);
  });

  it('before it was made, of another tenant, or beyond what is stored is refused', async () => {
    await expect(askConversation({ conversation: 'g.tea', atMs: 1 })).rejects.toMatchObject({
      code: 'CONVERSATION_NOT_FOUND',
    });
    await expect(askConversation({ conversation: 'g.tea', sequence: 100_000 })).rejects.toMatchObject({
      code: 'SEQUENCE_FROM_FUTURE',
    });
    await expect(askConversation({ conversation: 'tea' })).rejects.toMatchObject({ code: 'BAD_ID' });
    const foreign = internal.ConversationAsOfQuery.create({ conversation: 'g.tea' });
    await expect(conversationAsOf(bench.clickHouse, 'other', foreign)).rejects.toMatchObject({
      code: 'CONVERSATION_NOT_FOUND',
    });
  });

  it('is refused where the store does not have its beginning, never guessed', async () => {
    const { journal } = bench;
    journal.created('acme', 'old', 'ann', []);
    journal.commit(groupShard, [
      journal.group('acme', 'old', 'ann', 'the beginning was trimmed before history kept events'),
    ]);
    await bench.projectAll();
    await expect(askConversation({ conversation: 'g.old' })).rejects.toMatchObject({
      code: 'EVENTS_MISSING',
    });
  });
});

describe('an inbox as of', () => {
  it('a position has that position as its newest, and the entries before it', async () => {
    const whole = await askInbox({ user: 'ann', limit: 1_000 });
    for (let position = 1; position <= (whole.position ?? 0); position += 7) {
      const then = await askInbox({ user: 'ann', position, limit: 1_000 });
      expect(then.position).toBe(position);
      expect(then.entries?.map((entry) => entry.sequence)).toEqual(
        whole.entries?.slice(0, position).map((entry) => entry.sequence),
      );
    }
    expect(whole).toMatchObject({ handle: 'ann', displayName: 'ann!', more: false });
    expect(JSON.stringify(whole)).not.toContain('passwordHash');
  });

  it('pages its entries', async () => {
    const page = await askInbox({ user: 'ann', after: 3, limit: 2 });
    expect(page.entries?.map((entry) => entry.position)).toEqual([4, 5]);
    expect(page.more).toBe(true);
  });

  it('of nobody, or from the future, is refused', async () => {
    await expect(askInbox({ user: 'nobody' })).rejects.toMatchObject({ code: 'USER_NOT_FOUND' });
    await expect(askInbox({ user: 'ann', position: 100_000 })).rejects.toMatchObject({
      code: 'SEQUENCE_FROM_FUTURE',
    });
    await expect(askInbox({ user: "ann' OR 1" })).rejects.toMatchObject({ code: 'BAD_ID' });
  });
});

describe('versions of a message', () => {
  it('are the text as it was sent, once, though its event was projected twice', async () => {
    const { journal } = bench;
    journal.commit(userShard, [
      journal.direct('acme', 'pam.tom', 'pam', 'one'),
      journal.direct('acme', 'pam.tom', 'tom', 'two'),
    ]);
    const atMs = journal.nowMs;
    await bench.projectAll();
    const { versions, completeThrough } = await askVersions({ conversation: 'd.pam.tom', sequence: 2 });
    expect(completeThrough).toBe(2);
    expect(versions).toMatchObject([
      { sequence: 2, atMs, element: { sender: 'tom', text: 'two', sequence: 2 } },
    ]);
    expect((await askVersions({ conversation: 'd.pam.tom', sequence: 2, atMs: atMs - 1 })).versions).toEqual(
      [],
    );
    await expect(askVersions({ conversation: 'd.pam.tom', sequence: 3 })).rejects.toMatchObject({
      code: 'SEQUENCE_FROM_FUTURE',
    });
  });

  it('show changes of a group as they stand in its log', async () => {
    const { versions } = await askVersions({ conversation: 'g.tea', sequence: 1 });
    const element = wire.Message.create(versions?.[0]?.element ?? {});
    expect(element.system?.groupCreated?.title).toMatch(/^Title/);
  });
});
