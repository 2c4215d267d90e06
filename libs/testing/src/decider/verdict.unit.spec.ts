// What the word filter said travels with the command: the entity decides with it, and a retry gets its first answer.
import type { EditMessage, GroupEvent, PostMessage } from '@parley/domain';
import { directDecider, groupDecider } from '@parley/domain';
import { describe, it } from 'vitest';
import { decidesAs } from './decides-as.ts';

const nowMs = 1_000;
const direct = decidesAs(directDecider, {
  address: { type: 'direct', tenant: 'acme', id: 'ann.bob' },
  nowMs,
});
const group = decidesAs(groupDecider, {
  address: { type: 'group', tenant: 'acme', id: 'tea' },
  nowMs,
});
const post = (more: Partial<PostMessage> = {}): PostMessage => ({
  type: 'PostMessage',
  sender: 'ann',
  clientMessageId: 'c1',
  text: 'hi',
  afterClientMessageId: '',
  ...more,
});
const posted = {
  type: 'MessagePosted',
  sequence: 1,
  sender: 'ann',
  clientMessageId: 'c1',
  atMs: nowMs,
  text: 'hi',
} as const;
const edit = (more: Partial<EditMessage> = {}): EditMessage => ({
  type: 'EditMessage',
  sender: 'ann',
  clientMessageId: 'c2',
  sequence: 1,
  text: 'ho',
  mentions: [],
  mentionsAll: false,
  window: { ownMs: 60_000, managerMs: 60_000 },
  ...more,
});

const created: GroupEvent = {
  type: 'GroupCreated',
  sequence: 1,
  by: 'ann',
  atMs: nowMs,
  title: '',
  members: ['ann', 'bob'],
  policy: { membersMax: 10, largeFrom: 5, smallTo: 3 },
};

describe('the verdict of the word filter', () => {
  it('refuses a message and an edit', () => {
    const nothing = { isRefused: true, text: '' };
    direct.given().when(post(nothing)).thenRefused('CONTENT_REFUSED');
    direct.given(posted).when(edit(nothing)).thenRefused('CONTENT_REFUSED');
    group.given(created).when(post(nothing)).thenRefused('CONTENT_REFUSED');
  });

  it('does not take back what was taken before the list changed', () => {
    direct
      .given(posted)
      .when(post({ isRefused: true, text: '' }))
      .thenNothing()
      .thenReply({
        type: 'Sent',
        conversation: 'd.ann.bob',
        clientMessageId: 'c1',
        sequence: 1,
        sentAtMs: nowMs,
        duplicate: true,
      });
  });

  it('stands in the fact for moderators when something was found', () => {
    direct
      .given()
      .when(post({ flags: ['odd'] }))
      .thenEvents({ ...posted, flags: ['odd'] });
    const target = { sequence: 1, sender: 'ann', clientMessageId: 'c1', sentAtMs: nowMs, kind: 'text' };
    direct
      .given(posted)
      .when(edit({ flags: ['odd'] }))
      .thenEvents({
        type: 'MessageEdited',
        sequence: 2,
        sender: 'ann',
        clientMessageId: 'c2',
        atMs: nowMs,
        target,
        text: 'ho',
        flags: ['odd'],
      });
  });
});
