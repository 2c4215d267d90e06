import { Diffusion, type InboxPage, Membership } from '@parley/domain';
import { expect, it } from 'vitest';
import { internal } from '../messages.ts';
import { readInboxAnswer } from './inbox-answer-codec.ts';
import { decodeQueryAnswer, queryAnswer } from './query-codec.ts';

const page: InboxPage = {
  entries: [
    { position: 1, entry: { conversation: 'alice.bob', sequence: 1, change: undefined } },
    { position: 300, entry: { conversation: 'g.lunch', sequence: 70_000, change: undefined } },
    {
      position: 301,
      entry: {
        conversation: 'alice.bob',
        sequence: 4,
        change: { kind: 'read-moved', unread: 3, unreadMentions: 2 },
      },
    },
    {
      position: 2 ** 40,
      entry: {
        conversation: 'g.großes-zimmer-mit-langem-namen',
        sequence: 5,
        change: {
          kind: 'membership',
          membership: Membership.LEFT,
          diffusion: Diffusion.READ,
          title: 'Mittag ☕'.repeat(30),
        },
      },
    },
  ],
  position: 2 ** 40,
  limited: false,
};

/** What the generated code makes of the same page. */
function generated({ entries, position, limited }: InboxPage) {
  const fields = entries.map(({ position: at, entry: { conversation, sequence, change } }) => ({
    position: at,
    conversation,
    sequence,
    ...(change?.kind === 'read-moved'
      ? { isReadMoved: true, unread: change.unread, unreadMentions: change.unreadMentions }
      : {}),
    ...(change?.kind === 'membership'
      ? { membership: change.membership, diffusion: change.diffusion, title: change.title }
      : {}),
  }));
  return internal.QueryAnswer.encode({ inbox: { entries: fields, position, limited } }).finish();
}

it.each([
  ['with entries of all kinds', page],
  ['that is limited', { entries: [], position: 9, limited: true }],
  ['of an empty inbox', { entries: [], position: 0, limited: false }],
])('a page %s has the bytes that the generated code writes, and is read back', (_, each) => {
  const bytes = queryAnswer.inbox(each);
  expect(Buffer.from(bytes)).toEqual(Buffer.from(generated(each)));
  expect(decodeQueryAnswer(bytes).body).toBe('inbox');
  expect(internal.QueryAnswer.toObject(decodeQueryAnswer(bytes), { defaults: true })).toEqual(
    internal.QueryAnswer.toObject(internal.QueryAnswer.decode(bytes), { defaults: true }),
  );
});

it('leaves other answers, unknown fields and broken lengths to the generated code', () => {
  expect(readInboxAnswer(internal.QueryAnswer.encode({ head: { head: 3 } }).finish())).toBeUndefined();
  expect(decodeQueryAnswer(queryAnswer.error('BAD_ID')).body).toBe('error');
  // An entry with field 15, then one whose length ends within its position.
  expect(readInboxAnswer(Buffer.from([0x0a, 0x04, 0x0a, 0x02, 0x78, 0x01]))).toBeUndefined();
  expect(readInboxAnswer(Buffer.from([0x0a, 0x05, 0x0a, 0x02, 0x08, 0x80, 0x01]))).toBeUndefined();
});
