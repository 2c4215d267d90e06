// Every kind of planted difference is found and named; and nothing is found where nothing is wrong, while people write.
import {
  type DirectEvent,
  type EntryAppended,
  type LogMessage,
  type MessagePosted,
  groupPolicy,
} from '@parley/domain';
import { internal } from '@parley/protocol';
import { UnreadableRecord } from '@parley/runtime';
import { beforeEach, describe, expect, it } from 'vitest';
import { deviceOfLines, BadDeviceFile, type DeviceCopy } from './device-copy.ts';
import { messageDigest } from './digest.ts';
import type { Findings } from './findings.ts';
import { Ranges } from './ranges.ts';
import { tellFindings, figuresOf } from './report.ts';
import { Scope } from './scope.ts';
import { TestingCluster, tenant } from './testing-cluster.ts';
import { type Part, journalEnds, parts, verifyCluster } from './verify-cluster.ts';

const pair = 'd.alice.bob';
let cluster: TestingCluster;

beforeEach(() => {
  cluster = new TestingCluster();
  for (let sequence = 1; sequence <= 6; sequence++) say(sequence);
});

const posted = (sequence: number, text = `text ${sequence}`): MessagePosted => ({
  type: 'MessagePosted',
  sequence,
  sender: sequence % 2 === 0 ? 'bob' : 'alice',
  clientMessageId: `id-${sequence}`,
  atMs: 1_000 + sequence,
  text,
});

const entryOf = (
  conversation: string,
  sequence: number,
  more: Partial<EntryAppended> = {},
): EntryAppended => ({
  type: 'EntryAppended',
  conversation,
  sequence,
  sender: sequence % 2 === 0 ? 'bob' : 'alice',
  atMs: 1_000 + sequence,
  membership: 0,
  diffusion: 0,
  title: '',
  ...more,
});

/** One message of alice and bob, with its entries in the inboxes of `readers`. */
function say(sequence: number, readers: readonly string[] = ['alice', 'bob']): void {
  cluster.commit(
    { type: 'direct', ids: ['alice.bob'], event: posted(sequence) },
    { type: 'user', ids: readers, event: entryOf(pair, sequence) },
  );
}

interface Asked {
  readonly scope?: Scope;
  readonly devices?: readonly DeviceCopy[];
  readonly only?: readonly Part[];
  readonly lagMsMax?: number;
}

async function verify({ scope, devices = [], only = parts, lagMsMax = 1 }: Asked = {}): Promise<Findings> {
  const all = Scope.all(cluster.shardCounts);
  return verifyCluster({
    sources: cluster,
    scope: scope ?? all,
    devices,
    parts: new Set(only),
    start: await journalEnds(cluster, all.shards()),
    progress: () => undefined,
    live: { atOnce: 4, chunk: 8, pausesMs: [0, 1] },
    history: { lagMsMax, silenceMsMax: 1 },
    inboxPausesMs: [0],
  });
}

/** `code subject #sequences` of all. */
const told = (findings: Findings): string[] =>
  findings.differences.map(
    ({ code, subject, sequences }) =>
      `${code} ${subject}${sequences.size > 0 ? ` #${sequences.toString()}` : ''}`,
  );

describe('a cluster without a flaw', () => {
  it('gives no difference, and says what was compared', async () => {
    const findings = await verify();
    expect(told(findings)).toEqual([]);
    expect(findings.unverified).toEqual([]);
    expect(findings.compared).toMatchObject({
      shards: 2,
      records: 6,
      conversations: 1,
      messages: 6,
      inboxes: 2,
      history_messages: 6,
    });
    expect(tellFindings(findings, figuresOf(findings, 1))).toMatch(/no difference\n$/);
  });

  it('gives none while people go on writing between any two questions', async () => {
    let next = 7;
    cluster.meanwhile = () => {
      if (next < 60) say(next++);
    };
    expect(told(await verify())).toEqual([]);
    expect(next).toBeGreaterThan(10);
  });

  it('gives none where the journal has been trimmed to its last record', async () => {
    for (const [type, id] of [
      ['direct', 'alice.bob'],
      ['user', 'alice'],
      ['user', 'bob'],
    ] as const)
      cluster.save(type, id);
    say(7);
    cluster.trim('user.0', 1);
    const findings = await verify();
    expect(told(findings)).toEqual([]);
    expect(findings.compared.messages).toBe(7);
  });

  it('gives none when the journal is trimmed under our eyes', async () => {
    for (let sequence = 7; sequence <= 12; sequence++) say(sequence);
    const read = cluster.journal.read;
    let readings = 0;
    cluster.journal.read = async function* (shard, from) {
      let records = 0;
      if (shard.kind === 'user' && from === 1) readings++;
      for await (const record of read(shard, from)) {
        if (readings > 1 || shard.kind !== 'user') yield record;
        else if (++records === 3) {
          for (const [type, id] of [
            ['direct', 'alice.bob'],
            ['user', 'alice'],
            ['user', 'bob'],
          ] as const)
            cluster.save(type, id);
          cluster.trim('user.0', 2);
        } else if (records < 3 || records > 10) yield record;
      }
    };
    expect(told(await verify({ only: ['live', 'history'] }))).toEqual([]);
    expect(readings).toBe(2);
  });

  it('gives none for a group whose members come and go', async () => {
    const stamp = (sequence: number) => ({ sequence, by: 'alice', atMs: sequence });
    const group = 'g.team';
    const joined = { membership: 1, diffusion: 1, title: 'Team' } as const;
    cluster.commit({
      type: 'group',
      ids: ['team'],
      event: {
        type: 'GroupCreated',
        ...stamp(1),
        title: 'Team',
        members: ['alice', 'bob'],
        policy: groupPolicy,
      },
    });
    cluster.commit({ type: 'user', ids: ['alice', 'bob'], event: entryOf(group, 1, joined) });
    cluster.commit({ type: 'group', ids: ['team'], event: posted(2) });
    cluster.commit({ type: 'user', ids: ['alice', 'bob'], event: entryOf(group, 2) });
    cluster.commit({
      type: 'group',
      ids: ['team'],
      event: { type: 'MemberLeft', sequence: 3, atMs: 3, member: 'bob' },
    });
    cluster.commit({ type: 'user', ids: ['alice'], event: entryOf(group, 3) });
    cluster.commit({ type: 'user', ids: ['bob'], event: entryOf(group, 3, { membership: 2 }) });
    cluster.commit({ type: 'group', ids: ['team'], event: posted(4) });
    cluster.commit({ type: 'user', ids: ['alice'], event: entryOf(group, 4) });
    expect(told(await verify())).toEqual([]);
    // Bob is gone: only alice lacks the fifth, also when only snapshots know who is a member.
    cluster.save('group', 'team');
    for (const user of ['alice', 'bob']) cluster.save('user', user);
    cluster.save('direct', 'alice.bob');
    cluster.commit({ type: 'group', ids: ['team'], event: posted(5) });
    expect(told(await verify())).toEqual(['inbox-missing inbox alice #5']);
    cluster.commit({ type: 'group', ids: ['team'], event: posted(6) });
    cluster.commit({ type: 'user', ids: ['alice'], event: entryOf(group, 6) });
    cluster.trim('group.0', 2);
    cluster.trim('user.0', 1);
    expect(told(await verify())).toEqual(['inbox-missing inbox alice #5']);
  });
});

describe('edits and recalls', () => {
  const headerOf = (sequence: number) => {
    const { sender, clientMessageId, atMs: sentAtMs } = posted(sequence);
    return { sequence, sender, clientMessageId, sentAtMs, kind: 'text' };
  };
  const element = (sequence: number, target: number) => {
    const { sender, clientMessageId } = posted(target);
    return {
      sequence,
      sender,
      clientMessageId: `${clientMessageId}-${sequence}`,
      atMs: sequence,
      target: headerOf(target),
    };
  };
  const commit = (sequence: number, target: number, event: DirectEvent, isRecall = false) =>
    cluster.commit(
      { type: 'direct', ids: ['alice.bob'], event },
      {
        type: 'user',
        ids: ['alice', 'bob'],
        event: entryOf(pair, sequence, { target, ...(isRecall && { isRecall }) }),
      },
    );
  const edit = (sequence: number, target: number, text: string) =>
    commit(sequence, target, { type: 'MessageEdited', ...element(sequence, target), text });
  const recall = (sequence: number, target: number) =>
    commit(sequence, target, { type: 'MessageRecalled', ...element(sequence, target) }, true);
  const rows = () => cluster.rows.get(pair)!;
  const saveAll = () => {
    cluster.save('direct', 'alice.bob');
    for (const user of ['alice', 'bob']) cluster.save('user', user);
  };

  beforeEach(() => {
    edit(7, 2, 'second');
    edit(8, 2, 'third');
    recall(9, 3);
  });

  it('are no differences, with snapshots from before or after them, and trimmed', async () => {
    expect(told(await verify())).toEqual([]);
    saveAll();
    edit(10, 2, 'fourth');
    recall(11, 4);
    expect(told(await verify())).toEqual([]);
    cluster.trim('user.0', 2);
    expect(told(await verify())).toEqual([]);
  });

  it('ClickHouse that shows a message as it was before is found, unless it is only behind', async () => {
    const now = rows()[1]!;
    rows()[1] = { ...now, text: 'second', revision: 7 };
    expect(told(await verify())).toEqual(['history-different d.alice.bob #2']);
    let asked = 0;
    cluster.historySequence = 5;
    cluster.watermark = () => {
      if (++asked === 2) rows()[1] = now;
      return Promise.resolve(asked > 2 ? 9 : 5);
    };
    expect(told(await verify({ lagMsMax: 5_000 }))).toEqual([]);
  });

  it('ClickHouse that gives back what was recalled is found', async () => {
    rows()[2] = { ...rows()[2]!, text: 'text 3' };
    expect(told(await verify())).toEqual(['history-different d.alice.bob #3']);
  });

  it('a device may be behind by what came after its newest message, and by nothing else', async () => {
    const device = (...messages: readonly LogMessage[]): DeviceCopy => ({
      name: 'a phone',
      tenant,
      user: undefined,
      conversations: new Map([[pair, new Map(messages.map((one) => [one.sequence, messageDigest(one)]))]]),
      doubled: [],
    });
    const current = rows().slice();
    const second = { ...current[1]!, text: 'second', revision: 7, changedAtMs: 7 };
    const differences = async (...messages: readonly LogMessage[]) =>
      told(await verify({ devices: [device(...messages)] }));
    expect(await differences(...current)).toEqual([]);
    expect(await differences(current[0]!, second, ...current.slice(2, 7))).toEqual([]);
    expect(await differences(current[0]!, second, ...current.slice(2))).toEqual([
      'device-different d.alice.bob #2',
    ]);
    const other = { ...second, text: 'made up' };
    expect(await differences(current[0]!, other, ...current.slice(2, 7))).toEqual([
      'device-different d.alice.bob #2',
    ]);
  });
});

describe('a damaged journal', () => {
  it('lacks a record: its sequences are named', async () => {
    cluster.journals.get('user.0')!.splice(2, 2);
    const found = told(await verify());
    expect(found).toContain('journal-hole shard user.0 #3-4');
    expect(found).toContain('journal-missing d.alice.bob #3-4');
    expect(found).toContain('inbox-missing inbox alice #3-4');
    expect(found).toContain('journal-missing inbox bob #3-4');
    expect(found.filter((line) => line.startsWith('history') || line.startsWith('live-missing'))).toEqual([]);
  });

  it('has a record that cannot be read', async () => {
    const record = cluster.journals.get('user.0')![3]!;
    record.bytes[record.bytes.length - 9]! ^= 1;
    const found = told(await verify());
    expect(found).toContain('journal-damaged shard user.0');
    expect(found).toContain('journal-missing d.alice.bob #4');
  });

  it('whose end cannot be read is one difference, and the other shards are verified', async () => {
    const { last } = cluster.journal;
    const read = cluster.journal.read;
    cluster.journal.last = (shard) =>
      shard.kind === 'group'
        ? Promise.reject(new UnreadableRecord('its last record is damaged'))
        : last(shard);
    cluster.journal.read = async function* (shard, from) {
      await cluster.journal.last(shard);
      yield* read(shard, from);
    };
    const findings = await verify();
    expect(told(findings)).toEqual(['journal-damaged shard group.0']);
    expect(findings.compared.conversations).toBe(1);
  });

  it('has a message twice', async () => {
    cluster.commit({
      type: 'direct',
      ids: ['alice.bob'],
      event: { ...posted(7), clientMessageId: 'id-5', sender: 'alice' },
    });
    cluster.commit({ type: 'user', ids: ['alice', 'bob'], event: entryOf(pair, 7) });
    expect(told(await verify())).toEqual(['journal-doubled d.alice.bob #7']);
  });

  it('has an entry twice in an inbox', async () => {
    cluster.commit({ type: 'user', ids: ['bob'], event: entryOf(pair, 4) });
    expect(told(await verify())).toEqual(['inbox-doubled inbox bob #4']);
  });

  it('has an entry for a message that does not exist', async () => {
    cluster.commit({ type: 'user', ids: ['bob'], event: entryOf(pair, 9) });
    expect(told(await verify())).toEqual(['inbox-extra inbox bob #7-9']);
  });
});

describe('inboxes', () => {
  it('with a hole are found: a message that never came to a member', async () => {
    say(7, ['alice']);
    say(8);
    expect(told(await verify())).toEqual(['inbox-missing inbox bob #7']);
  });

  it('are read again before an entry under way is called missing', async () => {
    say(7, ['alice']);
    let asked = 0;
    const read = cluster.journal.read;
    cluster.journal.read = (shard, from) => {
      // The lane delivers after the shard has been verified, when its journal is read once more from the start.
      if (shard.kind === 'user' && from === 1 && ++asked === 2)
        cluster.commit({ type: 'user', ids: ['bob'], event: entryOf(pair, 7) });
      return read(shard, from);
    };
    expect(told(await verify())).toEqual([]);
    expect(asked).toBe(2);
  });
});

/** Changes what the actor answers to one kind of question. */
function tamperWith(
  body: 'log' | 'head' | 'inbox' | 'conversations',
  change: (answer: object) => void,
): void {
  cluster.tamper = (bytes) => {
    const answer = internal.QueryAnswer.decode(bytes);
    const part = answer[body];
    if (!part) return bytes;
    change(part);
    return internal.QueryAnswer.encode(answer).finish();
  };
}

describe('a live actor', () => {
  it('that lacks a message, has another text, or one too many is found', async () => {
    tamperWith('log', (log) => void (log as { messages: object[] }).messages.splice(2, 1));
    expect(told(await verify())).toEqual(['live-missing d.alice.bob #3']);
    tamperWith('log', (log) => void ((log as { messages: { text: string }[] }).messages[4]!.text = 'secret'));
    const different = await verify();
    expect(told(different)).toEqual(['live-different d.alice.bob #5']);
    expect(different.differences[0]!.what).toContain('text');
    expect(different.differences[0]!.what).not.toContain('secret');
    tamperWith('log', (log) => {
      const { messages } = log as { messages: { sequence: number }[] };
      messages.push({ ...messages.at(-1)!, sequence: 7 });
    });
    expect(told(await verify())).toEqual(['live-extra d.alice.bob #7']);
  });

  it('that names another head is found, ahead or behind', async () => {
    tamperWith('head', (head) => void ((head as { head: number }).head = 9));
    expect(told(await verify())).toEqual(['live-head d.alice.bob #7-9']);
    tamperWith('head', (head) => void ((head as { head: number }).head = 4));
    expect(told(await verify())).toEqual(['live-head d.alice.bob #5-6']);
  });

  it('whose inbox lacks or exchanges an entry is found', async () => {
    tamperWith('inbox', (inbox) => void (inbox as { entries: object[] }).entries.splice(1, 1));
    expect(told(await verify())).toEqual(['live-missing inbox alice #2', 'live-missing inbox bob #2']);
    tamperWith(
      'inbox',
      (inbox) => void ((inbox as { entries: { sequence: number }[] }).entries[3]!.sequence = 99),
    );
    expect(told(await verify())).toEqual(['live-different inbox alice #4', 'live-different inbox bob #4']);
  });

  it('with another read pointer is found, by field', async () => {
    tamperWith('conversations', (answer) => {
      (answer as { conversations: { read: number }[] }).conversations[0]!.read = 1;
    });
    const findings = await verify();
    expect(told(findings)).toEqual(['live-state user alice', 'live-state user bob']);
    expect(findings.differences[0]!.what).toContain('read 1 at the actor');
  });

  it('that does not answer leaves its entities unverified, not different', async () => {
    cluster.ask = () => Promise.resolve({ outcome: 'no-responders' });
    const findings = await verify();
    expect(told(findings)).toEqual([]);
    expect(findings.unverified[0]).toContain('the owner of user.0 does not answer');
  });
});

describe('ClickHouse', () => {
  const rows = () => cluster.rows.get(pair)!;

  it('that lacks rows, in the middle or at the end, is found with every sequence', async () => {
    rows().splice(1, 2);
    rows().splice(-1);
    expect(told(await verify())).toEqual(['history-missing d.alice.bob #2-3, 6']);
  });

  it('that lacks what retention has deleted lacks nothing, and the rest is compared', async () => {
    cluster.expiredThrough = 4;
    const findings = await verify();
    expect(told(findings)).toEqual([]);
    expect(findings.compared.history_messages).toBe(2);
    rows().splice(4, 1);
    expect(told(await verify())).toEqual(['history-missing d.alice.bob #5']);
  });

  it('that is behind is waited for, as long as it says itself that it is', async () => {
    const last = rows().pop()!;
    cluster.historySequence = 5;
    let asked = 0;
    cluster.watermark = () => {
      if (++asked === 2) rows().push(last);
      return Promise.resolve(asked > 2 ? 6 : 5);
    };
    expect(told(await verify({ lagMsMax: 5_000 }))).toEqual([]);
    expect(asked).toBeGreaterThan(1);
  });

  it('that stays behind has not got what it lacks', async () => {
    rows().pop();
    cluster.historySequence = 5;
    expect(told(await verify())).toEqual(['history-missing d.alice.bob #6']);
  });

  it('that has another text, or rows of no journal, is found', async () => {
    rows()[3] = { ...rows()[3]!, text: 'other' };
    rows().push({ ...rows()[5]!, sequence: 7 });
    expect(told(await verify())).toEqual([
      'history-different d.alice.bob #4',
      'history-extra d.alice.bob #7',
    ]);
  });

  it('is the only one who has what was trimmed, so nothing of it may be missing or another', async () => {
    for (const [type, id] of [
      ['direct', 'alice.bob'],
      ['user', 'alice'],
      ['user', 'bob'],
    ] as const)
      cluster.save(type, id);
    say(7);
    cluster.trim('user.0', 1);
    rows().splice(0, 2);
    rows()[0] = { ...rows()[0]!, sender: 'mallory' };
    expect(told(await verify())).toEqual([
      'history-missing d.alice.bob #1-2',
      'history-different d.alice.bob #3',
    ]);
  });

  it('that does not answer is said once, and is no difference', async () => {
    cluster.isHistoryAway = true;
    const findings = await verify();
    expect(told(findings)).toEqual([]);
    expect(findings.unverified).toEqual(['history does not answer (no-responders)']);
    expect((await verify({ only: ['live', 'inboxes'] })).unverified).toEqual([]);
  });
});

describe('snapshots', () => {
  it('that are not what the journal gives are found', async () => {
    cluster.save('direct', 'alice.bob');
    cluster.save('user', 'bob');
    expect(told(await verify())).toEqual([]);
    const other = new TestingCluster();
    for (let sequence = 1; sequence <= 6; sequence++)
      other.commit({
        type: 'direct',
        ids: ['alice.bob'],
        event: posted(sequence, sequence === 3 ? 'x' : undefined),
      });
    cluster.save('direct', 'alice.bob', other.states.get(`direct.${tenant}.alice.bob`));
    const found = told(await verify());
    expect(found).toContain('snapshot-different d.alice.bob #3');
    expect(found.every((line) => line.startsWith('snapshot-different'))).toBe(true);
  });

  it('that know more than the journal has are found', async () => {
    say(7);
    cluster.save('user', 'bob');
    cluster.journals.get('user.0')!.pop();
    const found = told(await verify({ only: [] }));
    expect(found).toContain('snapshot-ahead user bob #7');
  });
});

describe('a device', () => {
  const line = (sequence: number, digest = messageDigest(cluster.rows.get(pair)![sequence - 1]!)) =>
    JSON.stringify({ conversation: pair, sequence, digest });
  const file = (lines: readonly string[]) => deviceOfLines(lines.join('\n'), { tenant, name: 'phone' });

  it('that has the same gives no difference; what it lacks, has otherwise, twice or too much is named', async () => {
    const same = file([1, 2, 3, 4, 5, 6].map((sequence) => line(sequence)));
    expect(told(await verify({ devices: [same] }))).toEqual([]);
    const other = file([line(1), line(3, '0000000000000000'), line(4, ''), line(4), line(6), line(8, '')]);
    expect(told(await verify({ devices: [other] })).sort()).toEqual([
      'device-different d.alice.bob #3',
      'device-doubled d.alice.bob #4',
      'device-extra d.alice.bob #8',
      'device-missing d.alice.bob #2, 5',
    ]);
  });

  it('that has just synced must have everything its user may see', async () => {
    const { conversations } = file([line(1), line(2)]);
    const fresh = { ...file([]), conversations, user: 'bob', name: 'a new device' };
    expect(told(await verify({ devices: [fresh] }))).toEqual(['device-missing d.alice.bob #3-6']);
  });

  it('whose file is none is refused by line', () => {
    expect(() => file([line(1), '{"conversation":1}'])).toThrow(BadDeviceFile);
    expect(() => file([line(1), '', 'x'])).toThrow('phone, line 3 is not JSON');
  });
});

describe('the scope', () => {
  it('of one conversation still finds what its members lack of it', async () => {
    say(7, ['alice']);
    cluster.commit({ type: 'user', ids: ['alice'], event: entryOf('d.alice.carl', 5) });
    const names = { conversations: [pair], users: [] };
    const findings = await verify({ scope: Scope.of(cluster.shardCounts, tenant, names) });
    expect(told(findings)).toEqual(['inbox-missing inbox bob #7']);
    expect(findings.compared).toMatchObject({ conversations: 1, inboxes: 0 });
  });

  it('of another tenant finds nothing', async () => {
    const findings = await verify({ scope: Scope.all(cluster.shardCounts, 'other') });
    expect(findings.compared).toMatchObject({ conversations: 0, inboxes: 0 });
    expect(findings.unverified).toEqual(['there is nothing of tenant other']);
  });

  it('with a wrong name is no proof', async () => {
    const names = { conversations: ['g.nobody'], users: ['alix', 'bob'] };
    const findings = await verify({ scope: Scope.of(cluster.shardCounts, tenant, names) });
    expect(findings.unverified).toEqual([
      'there is no g.nobody in tenant acme',
      'there is no user alix in tenant acme',
    ]);
    expect(findings.compared.inboxes).toBe(2);
  });
});

describe('the report', () => {
  it('names code, place and sequences, and never a text', async () => {
    cluster.rows.get(pair)!.splice(1, 2);
    const findings = await verify();
    const figures = figuresOf(findings, 2);
    expect(tellFindings(findings, figures).split('\n')[0]).toBe(
      'history-missing    acme d.alice.bob #2-3: not in ClickHouse',
    );
    expect(figures).toMatchObject({ differences: 2, codes: { 'history-missing': 2 }, seconds: 2 });
    expect(JSON.stringify(figures)).not.toContain('text 1');
  });
});

it('has a digest that never changes: devices have it in their files', () => {
  const text = { conversation: pair, sequence: 1, sender: 'alice', clientMessageId: 'id-1', sentAtMs: 1_001 };
  expect(messageDigest({ ...text, text: 'hé' })).toMatchInlineSnapshot(`"5621f074a3c0f66f"`);
  const system = { type: 'MembersAdded', members: ['bob'] } as const;
  expect(messageDigest({ ...text, clientMessageId: '', system })).toMatchInlineSnapshot(`"dce11bb27651e53f"`);
});

describe('ranges', () => {
  it('are dense, sorted and complete however they come', () => {
    const ranges = new Ranges();
    for (const value of [5, 6, 9, 1, 7, 8, 3, 3]) ranges.add(value);
    expect(ranges.toString()).toBe('1, 3, 5-9');
    expect(ranges.size).toBe(7);
    expect([1, 2, 4, 7, 10].map((value) => ranges.has(value))).toEqual([true, false, false, true, false]);
    expect(ranges.missing(1, 11)).toEqual([
      [2, 2],
      [4, 4],
      [10, 11],
    ]);
    expect(ranges.missing(6, 8)).toEqual([]);
  });
});
