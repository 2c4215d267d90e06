// The schedule keeps its promises, and the checks of a fault run bite: what is wrong on purpose is found.
import { MemoryStore, type Message } from '@parley/client';
import { internal } from '@parley/protocol';
import { type CommitRecord, encodeCommit } from '@parley/runtime';
import { describe, expect, it } from 'vitest';
import { Verdict, checkDevice, checkInboxes, checkLedger, checkReads } from './checks.ts';
import { type Device, type People, type Post } from './people.ts';
import { type Fleet, faultKinds, planFaults } from './schedule.ts';
import { Truth } from './truth.ts';

const fleet: Fleet = { gateways: 2, sessionActors: 3, groupActors: 2, natsServers: 1 };
const seeds = Array.from({ length: 50 }, (_, seed) => seed);

describe('the schedule', () => {
  it('is the same for the same seed, and another for another', () => {
    const plan = (seed: number) => planFaults({ seed, seconds: 60, fleet, kinds: faultKinds });
    expect(plan(7)).toEqual(plan(7));
    expect(plan(7)).not.toEqual(plan(8));
  });

  it.each(seeds)('leaves one process of each app alone at any time, seed %i', (seed) => {
    const faults = planFaults({ seed, seconds: 120, fleet, kinds: faultKinds });
    const counts = { gateway: 2, 'session-actor': 3, 'group-actor': 2 };
    for (const [name, count] of Object.entries(counts)) {
      const hits = faults.filter((one) => one.target.startsWith(`${name}-`));
      for (const one of hits) {
        const away = hits.filter((other) => other.atMs <= one.atMs && other.atMs + other.forMs >= one.atMs);
        expect(new Set(away.map(({ target }) => target)).size).toBeLessThan(count);
      }
    }
  });

  it('pauses somebody for longer than the lease where there is time for it', () => {
    for (const seed of seeds) {
      const faults = planFaults({ seed, seconds: 60, fleet, kinds: faultKinds });
      expect(faults.some(({ kind, forMs }) => kind === 'pause' && forMs > 20_000)).toBe(true);
    }
  });

  it('does only what it is asked for', () => {
    const faults = planFaults({ seed: 3, seconds: 60, fleet, kinds: ['drain'] });
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(['drain']));
  });
});

const conversation = 'd.alice.bob';
const textOf = (sequence: number) => `text ${sequence}`;

function commitOf(n: number, sequences: readonly number[], more: Partial<CommitRecord> = {}): Buffer {
  const posted = (sequence: number, clientMessageId = `id-${sequence}`) =>
    internal.DirectEvent.encode({
      messagePosted: { sequence, sender: 'alice', clientMessageId, atMs: 1, text: textOf(sequence) },
    }).finish();
  const entry = (sequence: number) =>
    internal.UserEvent.encode({
      entryAppended: { conversation, sequence, sender: 'alice', atMs: 1 },
    }).finish();
  return encodeCommit({
    kind: 'commit',
    shard: 'user.0',
    epoch: 1,
    n,
    previousSequence: n - 1,
    inputOffset: n,
    atMs: 1,
    lanesIn: [],
    laneCursors: [],
    events: sequences.flatMap((sequence) => [
      { type: 'direct', tenant: 't', ids: ['alice.bob'], payload: posted(sequence) },
      { type: 'user', tenant: 't', ids: ['alice', 'bob'], payload: entry(sequence) },
    ]),
    effects: [],
    ...more,
  });
}

function truthOf(...commits: readonly Buffer[]): Truth {
  const truth = new Truth();
  commits.forEach((commit, index) => truth.apply('user.0', index + 1, commit));
  return truth;
}

describe('the replay of the journals', () => {
  it('finds nothing in a journal that is right', () => {
    const truth = truthOf(commitOf(1, [1, 2]), commitOf(2, [3]));
    expect(truth.flaws).toEqual([]);
    expect(truth.inboxes.get('bob')!.position).toBe(3);
  });

  it.each([
    ['a record that is missing', [commitOf(1, [1]), commitOf(3, [2])]],
    ['a sequence that is missing', [commitOf(1, [1]), commitOf(2, [3])]],
    ['a message that is there twice', [commitOf(1, [1]), commitOf(2, [1])]],
    ['a deposed owner that writes', [commitOf(1, [1], { epoch: 5 }), commitOf(2, [2], { epoch: 4 })]],
    ['a tail that was rewritten', [commitOf(1, [1]), commitOf(2, [2], { previousSequence: 0 })]],
  ])('finds %s', (_, commits) => {
    expect(truthOf(...commits).flawCount).toBeGreaterThan(0);
  });

  it('finds an inbox without a message that it is for', () => {
    const verdict = new Verdict();
    const truth = truthOf(commitOf(1, [1, 2]));
    truth.inboxes.get('bob')!.entries.delete(`${conversation}#2`);
    checkInboxes(truth, verdict);
    expect(verdict.counts.lost).toBe(1);
  });
});

describe('the comparison', () => {
  const truth = truthOf(commitOf(1, [1, 2, 3]));

  const post = (order: number, sequence: number, id = sequence): Post => ({
    conversation,
    sender: 'alice',
    deviceId: 'device-1',
    clientMessageId: `id-${id}`,
    text: textOf(id),
    order,
    sentMs: 0,
    sequence,
  });

  function ledgerCounts(...posts: readonly Post[]) {
    const verdict = new Verdict();
    const ledger = { posts, changes: [], doubledByRepeat: 0, shownTwice: 0, shownWithHole: 0 };
    checkLedger({ ledger } as unknown as People, truth, verdict);
    return verdict.counts;
  }

  function viewCounts(sequences: readonly number[], isCaughtUp: boolean) {
    const store = new MemoryStore();
    const message = (sequence: number) =>
      ({
        conversation,
        sequence,
        sender: 'alice',
        clientMessageId: `id-${sequence}`,
        text: textOf(sequence),
      }) as Message;
    for (const sequence of sequences) store.append(message(sequence), false);
    const client = { isCaughtUp, conversation: () => ({ isComplete: true }) };
    const verdict = new Verdict();
    checkDevice({ user: 'bob', deviceId: 'x', store, client } as unknown as Device, truth, verdict);
    return verdict.counts;
  }

  it('accepts what is right', () => {
    expect(Object.values(ledgerCounts(post(1, 1), post(2, 2), post(3, 3)))).toEqual([0, 0, 0, 0, 0, 0]);
    expect(Object.values(viewCounts([1, 2, 3], true))).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('finds an acknowledged message that is not in the journal, or not at its place', () => {
    expect(ledgerCounts(post(1, 4)).lost).toBe(1);
    expect(ledgerCounts(post(1, 2, 1)).lost).toBe(1);
  });

  it('finds messages of one device that overtook each other', () => {
    expect(ledgerCounts(post(1, 2), post(2, 1)).out_of_order).toBe(1);
  });

  it('finds what a device lacks, and tells a hole it does not know of from one it does', () => {
    expect(viewCounts([1, 3], true).holes_not_detected).toBe(1);
    expect(viewCounts([1, 3], false).lost).toBe(1);
  });

  it('finds what a device has twice or in the wrong order', () => {
    expect(viewCounts([1, 2, 2, 3], true).duplicated).toBe(1);
    expect(viewCounts([1, 3, 2], true).out_of_order).toBe(1);
  });
});

describe('the comparison of what was changed', () => {
  const header = (sequence: number) => ({
    sequence,
    sender: 'alice',
    clientMessageId: `id-${sequence}`,
    sentAtMs: 1,
    kind: 'text',
  });
  const change = (body: object) => ({
    type: 'direct',
    tenant: 't',
    ids: ['alice.bob'],
    payload: internal.DirectEvent.encode(body).finish(),
  });
  const fact = (sequence: number) => ({
    sequence,
    sender: 'alice',
    clientMessageId: `id-${sequence}`,
    atMs: 2,
  });
  const edited = change({ messageEdited: { ...fact(3), target: header(1), text: 'put right' } });
  const recalled = change({ messageRecalled: { ...fact(4), target: header(2) } });
  const truth = truthOf(commitOf(1, [1, 2]), commitOf(2, [], { events: [edited, recalled] }));

  function countsOf(first: Partial<Message>, second: Partial<Message>) {
    const store = new MemoryStore();
    const message = (sequence: number, more: Partial<Message>) =>
      ({ conversation, sequence, sender: 'alice', clientMessageId: `id-${sequence}`, ...more }) as Message;
    store.append(message(1, { text: 'put right', revision: 3, ...first }), false);
    store.append(message(2, { text: '', revision: 4, isRecalled: true, ...second }), false);
    store.append(message(3, { edited: { sequence: 1, text: 'put right' } }), false);
    store.append(message(4, { recalled: { sequence: 2 } }), false);
    const client = { isCaughtUp: true, conversation: () => ({ isComplete: true }) };
    const verdict = new Verdict();
    checkDevice({ user: 'bob', deviceId: 'x', store, client } as unknown as Device, truth, verdict);
    return verdict.counts.out_of_order;
  }

  it('accepts the newest versions, and finds older ones', () => {
    expect(truth.flaws).toEqual([]);
    expect(countsOf({}, {})).toBe(0);
    expect(countsOf({ text: textOf(1), revision: 0 }, {})).toBe(1);
    expect(countsOf({}, { text: textOf(2), revision: 0, isRecalled: false })).toBe(1);
  });

  it('counts edits, recalls and what was recalled as read', () => {
    const unreadOf = (unread: number) => {
      const view = { read: 0, head: 4, unread, unreadMentions: 0 };
      const device = { deviceId: 'x', client: { conversation: () => view } } as unknown as Device;
      const user = { id: 'bob', devices: [device], conversations: [conversation], reads: new Map() };
      const people = { ledger: { posts: [] }, mentionsOf: () => undefined } as unknown as People;
      const verdict = new Verdict();
      checkReads(user, [device], { people, truth, verdict });
      return verdict.counts.unread_wrong;
    };
    expect(unreadOf(1)).toBe(0);
    expect(unreadOf(4)).toBe(1);
  });
});
