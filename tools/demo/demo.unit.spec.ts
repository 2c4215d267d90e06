// The demo's own checks find what they are there to find, and its plan does what the corpus says.
import type { Message } from '@parley/client';
import { expect, test } from 'vitest';
import { chooseQueries, matches, searchCase } from './check-search.ts';
import { checkLog, checkView, newVerdict, spansOf } from './check-views.ts';
import { type ChannelEvent, makeUpCorpus } from './corpus.ts';
import { makePlan } from './plan.ts';
import { Versions } from './versions.ts';

const message = (sequence: number, more: Partial<Message> = {}): Message => ({
  conversation: 'g.ubuntu',
  sequence,
  sender: 'alice',
  clientMessageId: `m${sequence}`,
  sentAtMs: 0,
  text: `text ${sequence}`,
  ...more,
});
const log = [1, 2, 3, 4, 5].map((sequence) => message(sequence));
const unchanged = new Versions([], []);
const everything = { log, spans: [{ from: 1, to: 0 }], who: 'bob', versions: unchanged };
const posted = (sequence: number, order: number) => ({
  conversation: 'g.ubuntu',
  sender: 'alice',
  clientMessageId: `m${sequence}`,
  text: `text ${sequence}`,
  order,
  sequence,
});

const told = (messages: ReturnType<typeof posted>[]) => ({ posted: messages, changed: [] });

function verdictOn(view: readonly Message[], expected = everything) {
  const verdict = newVerdict();
  checkView(view, expected, verdict);
  const { delivered, lost, duplicated, outOfOrder } = verdict;
  return { delivered, lost, duplicated, outOfOrder };
}

test('a complete view is right', () => {
  expect(verdictOn(log)).toEqual({ delivered: 5, lost: 0, duplicated: 0, outOfOrder: 0 });
  const spans = [{ from: 2, to: 3 }];
  expect(verdictOn(log.slice(1, 3), { ...everything, spans })).toEqual({
    delivered: 2,
    lost: 0,
    duplicated: 0,
    outOfOrder: 0,
  });
});

test('missing, doubled, swapped, foreign and changed messages are found', () => {
  expect(verdictOn(log.toSpliced(2, 1)).lost).toBe(1);
  expect(verdictOn(log.slice(0, 4)).lost).toBe(1);
  expect(verdictOn([...log, log[4]!]).duplicated).toBe(1);
  expect(verdictOn([log[1]!, log[0]!, ...log.slice(2)]).outOfOrder).toBe(1);
  expect(verdictOn(log.with(2, message(3, { text: 'other' }))).outOfOrder).toBe(1);
  expect(verdictOn(log, { ...everything, spans: [{ from: 1, to: 4 }] }).outOfOrder).toBe(1);
});

test('a log that does not hold what was acknowledged is found', () => {
  const verdict = newVerdict();
  checkLog(log, told([posted(1, 0), posted(2, 1), { ...posted(3, 2), clientMessageId: 'other' }]), verdict);
  expect(verdict.lost).toBe(1);
  const doubled = newVerdict();
  checkLog([...log, message(6, { clientMessageId: 'm5' })], told([posted(1, 0)]), doubled);
  expect(doubled.duplicated).toBe(1);
  const swapped = newVerdict();
  checkLog(log, told([posted(2, 0), posted(1, 1)]), swapped);
  expect(swapped.outOfOrder).toBe(1);
});

test('a message that is not the newest version its reader may see is found', () => {
  const change = { conversation: 'g.ubuntu', target: 1, sequence: 4, text: 'put right' };
  const recalled = { conversation: 'g.ubuntu', target: 2, sequence: 5 };
  const elements = [message(4, { text: null, edited: { sequence: 1, text: 'put right' } })];
  elements.push(message(5, { text: null, recalled: { sequence: 2 } }));
  const right = [
    message(1, { text: 'put right', revision: 4 }),
    message(2, { text: '', revision: 5, isRecalled: true }),
    message(3),
    ...elements,
  ];
  const versions = new Versions(
    [1, 2, 3].map((sequence) => posted(sequence, sequence)),
    [change, recalled],
  );
  const all = { ...everything, log: right, versions };
  expect(verdictOn(right, all)).toEqual({ delivered: 5, lost: 0, duplicated: 0, outOfOrder: 0 });
  expect(verdictOn(right.with(0, log[0]!), all).lost).toBe(1);
  expect(verdictOn(right.with(1, message(2, { revision: 3 })), all).lost).toBe(1);
  const left = { ...all, spans: [{ from: 1, to: 3 }] };
  expect(verdictOn(log.slice(0, 3), left)).toMatchObject({ delivered: 3, lost: 0 });
  const verdict = newVerdict();
  checkLog(right.slice(0, 4), { posted: [], changed: [change, recalled] }, verdict);
  expect(verdict.lost).toBe(1);
});

test('spans of membership follow the log', () => {
  const system = (sequence: number, change: Message['system']) =>
    message(sequence, { system: change, text: null });
  const spans = spansOf([
    system(1, { groupCreated: { title: 't', members: ['bob'] } }),
    system(2, { memberLeft: { member: 'bob' } }),
    system(3, { membersAdded: { members: ['bob', 'carol'] } }),
  ]);
  expect(spans.get('alice')).toEqual([{ from: 1, to: 0 }]);
  expect(spans.get('bob')).toEqual([
    { from: 1, to: 2 },
    { from: 3, to: 0 },
  ]);
  expect(spans.get('carol')).toEqual([{ from: 3, to: 0 }]);
});

test('the matching rule: whole ASCII words, Chinese anywhere, case and width ignored', () => {
  expect(matches('edit /etc/X11/xorg.conf first', 'xorg')).toBe(true);
  expect(matches('xorgs', 'xorg')).toBe(false);
  expect(matches('我是机器人。', '机器人')).toBe(true);
  expect(matches('机和器人', '机器人')).toBe(false);
  expect(matches('ＵＢＵＮＴＵ rocks', 'ubuntu')).toBe(true);
  expect(searchCase('bob', 'text', log).expected).toEqual([1, 2, 3, 4, 5]);
  expect(chooseQueries(['some kernel panic', 'kernel again'], 'english', 1)).toEqual(['kernel']);
});

test('a nick is a person: renamed it is the same one, and who speaks unannounced joins first', async () => {
  const events: ChannelEvent[] = [
    { kind: 'say', nick: 'a|b', text: 'one' },
    { kind: 'nick', nick: 'a|b', text: 'ab' },
    { kind: 'say', nick: 'ab', text: 'two' },
    { kind: 'leave', nick: 'ab' },
    { kind: 'action', nick: 'ab', text: 'waves' },
  ];
  const plan = await makePlan(
    { name: 'test', channel: () => events, dialogues: [] },
    { messages: 100, users: 100 },
  );
  expect(plan.people.map((person) => person.id)).toEqual(['a_b']);
  expect(plan.steps.map((step) => step.kind)).toEqual(['join', 'say', 'say', 'leave', 'join', 'say']);
});

test('without a corpus a plan of the wanted size is made up, the same each time', async () => {
  const wanted = { messages: 2_000, users: 200 };
  const [plan, again] = await Promise.all([
    makePlan(makeUpCorpus(), wanted),
    makePlan(makeUpCorpus(), wanted),
  ]);
  expect(plan.messages).toBe(2_000);
  expect(plan.users).toBe(200);
  expect(again).toEqual(plan);
});
