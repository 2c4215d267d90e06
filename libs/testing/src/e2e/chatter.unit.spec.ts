// The comparison the e2e specs stand on sees what it is there to see.
import type { Client, Message } from '@parley/client';
import { expect, test } from 'vitest';
import { type Acked, viewFlaws, orderFlaws } from './chatter.ts';

const conversation = 'd.a.b';
const acked: readonly Acked[] = ['one', 'two', 'three'].map((text, index) => ({
  sender: 'a',
  text,
  sequence: index + 1,
}));
const message = ({ sender, text, sequence }: Acked): Message => ({
  conversation,
  sequence,
  sender,
  text,
  clientMessageId: `id-${text}`,
  sentAtMs: 0,
});
const showing = (messages: readonly Message[]): Client => {
  const segments = [{ first: messages[0]?.sequence ?? 1, messages }];
  return { user: 'b', conversation: () => ({ segments }) } as unknown as Client;
};
const flawsOfView = (messages: readonly Message[]) => viewFlaws(showing(messages), conversation, acked);
const [one, two, three] = acked.map(message) as [Message, Message, Message];

test('a view with all of it, once, in order, has no flaw', () => {
  expect(flawsOfView([one, two, three])).toEqual([]);
  expect(orderFlaws(acked)).toEqual([]);
});

test.each([
  ['a message is missing in the middle', [one, three]],
  ['a message is missing at the end', [one, two]],
  ['two have changed places', [one, { ...three, sequence: 2 }, { ...two, sequence: 3 }]],
  ['one is there twice', [one, two, two, three]],
  ['a retry became a second message', [one, two, three, { ...three, sequence: 4 }]],
  ['something else is in its place', [one, { ...two, text: 'other' }, three]],
])('it is a flaw when %s', (_, messages) => {
  expect(flawsOfView(messages)).not.toEqual([]);
});

test('it is a flaw when a later message of a sender has the smaller sequence', () => {
  expect(orderFlaws([acked[1]!, acked[0]!])).toHaveLength(1);
});
