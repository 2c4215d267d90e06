// What messages may carry beside their text, in direct conversations and in groups.
import type { DirectEvent, GroupEvent, PostMessage, RichContent } from '@parley/domain';
import {
  conversationLimits,
  createGroupDecider,
  directDecider,
  groupDecider,
  groupLimits,
} from '@parley/domain';
import { describe, expect, it } from 'vitest';
import { decidesAs } from './decides-as.ts';

const nowMs = 1_000;
const direct = decidesAs(directDecider, {
  address: { type: 'direct', tenant: 'acme', id: 'ann.bob' },
  nowMs,
});
const group = decidesAs(groupDecider, { address: { type: 'group', tenant: 'acme', id: 'tea' }, nowMs });
const rich = (more: Partial<RichContent> = {}): RichContent => ({
  mentions: [],
  mentionsAll: false,
  ...more,
});
const post = (content: Partial<RichContent>, more: Partial<PostMessage> = {}): PostMessage => ({
  type: 'PostMessage',
  sender: 'ann',
  clientMessageId: 'c9',
  text: 'hi',
  afterClientMessageId: '',
  rich: rich(content),
  ...more,
});
const posted = (sequence: number, more: object = {}): DirectEvent & GroupEvent => ({
  type: 'MessagePosted',
  sequence,
  sender: 'ann',
  clientMessageId: sequence === 9 ? 'c9' : `p${sequence}`,
  atMs: nowMs,
  text: 'hi',
  ...more,
});
const media = {
  ref: 'm/1',
  mimeType: 'image/png',
  sizeBytes: 9,
  name: 'a.png',
  width: 3,
  height: 4,
  durationMs: 0,
};

const replyTo = (sequence: number) => ({ sequence, sender: 'forged', text: 'forged', kind: 'forged' });
const answered = (...history: DirectEvent[]) => {
  const sequence = history.length + 1;
  return {
    to: (target: number) => direct.given(...history).when(post({ replyTo: replyTo(target) })),
    event: (reply: object) =>
      posted(sequence, { clientMessageId: 'c9', rich: rich({ replyTo: reply as never }) }),
  };
};

describe('content: attachments', () => {
  it('are posted with a caption or without', () => {
    for (const text of ['', 'look'])
      direct
        .given()
        .when(post({ image: media }, { text }))
        .thenEvents(posted(1, { clientMessageId: 'c9', text, rich: rich({ image: media }) }));
    direct
      .given()
      .when(post({}, { text: '' }))
      .thenRefused('TEXT_EMPTY');
    direct
      .given()
      .when(post({ mentions: ['bob'] }, { text: '' }))
      .thenRefused('TEXT_EMPTY');
  });

  it('may be sealed: then nothing of it is looked at, and an answer shows nothing of what it answers', () => {
    const sealed = new Uint8Array([1, 2, 3]);
    const reply = { sequence: 1, sender: 'ann', kind: 'text' };
    direct
      .given(posted(1, { text: 'in the clear' }))
      .when(post({ sealed, replyTo: replyTo(1) }, { text: '' }))
      .thenEvents(
        posted(2, {
          clientMessageId: 'c9',
          text: '',
          rich: rich({ sealed, replyTo: { ...reply, text: '' } }),
        }),
      );
    direct
      .given(posted(1, { text: '', rich: rich({ sealed }) }))
      .when(post({ replyTo: replyTo(1) }))
      .thenEvents(
        posted(2, { clientMessageId: 'c9', rich: rich({ replyTo: { ...reply, text: '', kind: 'sealed' } }) }),
      );
    const huge = new Uint8Array(conversationLimits.textBytesMax + conversationLimits.payloadBytesMax + 8_193);
    direct
      .given()
      .when(post({ sealed: huge }, { text: '' }))
      .thenRefused('CONTENT_TOO_LARGE');
    direct
      .given()
      .when(post({ sealed, image: media }))
      .thenRefused('BAD_CONTENT');
  });

  it('a content that says nothing makes a plain text', () => {
    direct
      .given()
      .when(post({}))
      .thenEvents(posted(1, { clientMessageId: 'c9' }));
  });

  it('must name what they are', () => {
    const flaws: Partial<RichContent>[] = [
      { file: { ...media, ref: '' } },
      { sticker: { pack: 'p', id: '', emoji: '' } },
      { contactCard: { user: '', displayName: 'Dan' } },
      { custom: { type: '', payload: '{}' } },
      { location: { latitude: 90.1, longitude: 0, name: '', address: '' } },
      { location: { latitude: 0, longitude: Number.NaN, name: '', address: '' } },
      { mentions: ['bob', 'bob'] },
      { image: media, sticker: { pack: '', id: '1', emoji: '' } },
    ];
    for (const flaw of flaws) direct.given().when(post(flaw)).thenRefused('BAD_CONTENT');
  });

  it('stay within their limits', () => {
    const { mentionsMax, payloadBytesMax, labelBytesMax } = conversationLimits;
    const users = (count: number) => Array.from({ length: count }, (_, index) => `u${index}`);
    const payload = (bytes: number) => ({ custom: { type: 't', payload: 'x'.repeat(bytes) } });
    const named = (bytes: number) => ({ file: { ...media, name: 'é'.repeat(bytes / 2) } });
    for (const fits of [{ mentions: users(mentionsMax) }, payload(payloadBytesMax), named(labelBytesMax)])
      direct
        .given()
        .when(post(fits))
        .thenEvents(posted(1, { clientMessageId: 'c9', rich: rich(fits) }));
    for (const exceeds of [
      { mentions: users(mentionsMax + 1) },
      payload(payloadBytesMax + 1),
      named(labelBytesMax + 2),
    ])
      direct.given().when(post(exceeds)).thenRefused('CONTENT_TOO_LARGE');
  });
});

describe('content: answers', () => {
  it('get their preview from the server, whatever the sender claims', () => {
    const text = `${'😀'.repeat(99)}abc`;
    const { to, event } = answered(posted(1, { sender: 'bob', text, rich: rich({ image: media }) }));
    to(1).thenEvents(event({ sequence: 1, sender: 'bob', text: `${'😀'.repeat(99)}a`, kind: 'image' }));
  });

  it('have no preview where the server does not have the message at hand', () => {
    const limits = { ...conversationLimits, tailCountMax: 1 };
    const decider = createGroupDecider({ ...groupLimits, conversation: limits });
    const created: GroupEvent = {
      type: 'GroupCreated',
      sequence: 1,
      by: 'ann',
      atMs: nowMs,
      title: '',
      members: ['ann'],
      policy: { membersMax: 9, largeFrom: 9, smallTo: 1 },
    };
    decidesAs(decider, { address: { type: 'group', tenant: 'acme', id: 'tea' }, nowMs })
      .given(created, posted(2), posted(3))
      .when(post({ replyTo: replyTo(2) }))
      .thenEvents(
        posted(4, {
          clientMessageId: 'c9',
          rich: rich({ replyTo: { sequence: 2, sender: '', text: '', kind: '' } }),
        }),
      );
  });

  it('are refused to what is not there, was recalled, or no message', () => {
    const recalled: DirectEvent = {
      type: 'MessageRecalled',
      sequence: 2,
      sender: 'ann',
      clientMessageId: 'r',
      atMs: nowMs,
      target: { sequence: 1, sender: 'ann', clientMessageId: 'p1', sentAtMs: nowMs, kind: 'text' },
    };
    const { to } = answered(posted(1), recalled);
    to(0).thenRefused('MESSAGE_NOT_FOUND');
    to(3).thenRefused('MESSAGE_NOT_FOUND');
    to(1).thenRefused('MESSAGE_RECALLED');
    to(2).thenRefused('MESSAGE_NOT_FOUND');
  });

  it('are refused to what was said before the sender joined', () => {
    const policy = { membersMax: 9, largeFrom: 9, smallTo: 1 };
    const created: GroupEvent = {
      type: 'GroupCreated',
      sequence: 1,
      by: 'ann',
      atMs: nowMs,
      title: '',
      members: ['ann'],
      policy,
    };
    const joined: GroupEvent = {
      type: 'MembersAdded',
      sequence: 3,
      by: 'ann',
      atMs: nowMs,
      members: ['bob'],
    };
    const spec = group.given(created, posted(2), joined, posted(4));
    spec.when(post({ replyTo: replyTo(2) }, { sender: 'bob' })).thenRefused('MESSAGE_NOT_FOUND');
    const reply = { sequence: 4, sender: 'ann', text: 'hi', kind: 'text' };
    spec
      .when(post({ replyTo: replyTo(4) }, { sender: 'bob' }))
      .thenEvents(posted(5, { clientMessageId: 'c9', sender: 'bob', rich: rich({ replyTo: reply }) }));
  });
});

describe('content: forwarded messages', () => {
  const forwardedFrom = { conversation: '', sequence: 0, sender: 'eve', sentAtMs: 5 };

  it('say who wrote them first', () => {
    direct
      .given()
      .when(post({ forwardedFrom }))
      .thenEvents(posted(1, { clientMessageId: 'c9', rich: rich({ forwardedFrom }) }));
  });

  it('are refused when the gateway has found nothing, unless the send is a retry', () => {
    const gone = post({ forwardedFrom: { ...forwardedFrom, sender: '' } }, { text: '' });
    direct.given().when(gone).thenRefused('MESSAGE_NOT_FOUND');
    direct
      .given(posted(1, { clientMessageId: 'c9' }))
      .when(gone)
      .thenNothing();
  });
});

describe('content: mention of all', () => {
  const decider = createGroupDecider({ ...groupLimits, mentionAllMembersMax: 2 });
  const spec = decidesAs(decider, { address: { type: 'group', tenant: 'acme', id: 'tea' }, nowMs });
  const created = (...members: string[]): GroupEvent => ({
    type: 'GroupCreated',
    sequence: 1,
    by: 'ann',
    atMs: nowMs,
    title: '',
    members: ['ann', ...members],
    policy: { membersMax: 9, largeFrom: 9, smallTo: 1 },
  });

  it('is for everybody in small groups, for owner and admins in larger ones', () => {
    const all = (sender: string) => post({ mentionsAll: true }, { sender });
    const event = (sender: string) =>
      posted(2, { sender, clientMessageId: 'c9', rich: rich({ mentionsAll: true }) });
    spec.given(created('bob')).when(all('bob')).thenEvents(event('bob'));
    spec.given(created('bob', 'cat')).when(all('bob')).thenRefused('FORBIDDEN');
    spec.given(created('bob', 'cat')).when(all('ann')).thenEvents(event('ann'));
    expect(groupLimits.mentionAllMembersMax).toBe(50);
  });
});
