// Editing and recalling, in direct conversations and in groups.
import type { EditMessage, LogMessage, MessageEdited, MessagePosted, MessageRecalled } from '@parley/domain';
import type { GroupEvent, RecallMessage, RichContent } from '@parley/domain';
import {
  conversationLimits,
  createDirectDecider,
  directDecider,
  directLogPage,
  groupDecider,
} from '@parley/domain';
import { describe, expect, it } from 'vitest';
import { decidesAs } from './decides-as.ts';

const sentAtMs = 1_000;
const nowMs = 5_000;
const window = { ownMs: 10_000, managerMs: 100_000 };
const address = { type: 'direct', tenant: 'acme', id: 'ann.bob' };
const spec = decidesAs(directDecider, { address, nowMs });
const posted = (sequence: number, more: Partial<MessagePosted> = {}): MessagePosted => ({
  type: 'MessagePosted',
  sequence,
  sender: 'ann',
  clientMessageId: `p${sequence}`,
  atMs: sentAtMs,
  text: 'hi',
  ...more,
});
const header = (sequence: number, more: object = {}) => ({
  sequence,
  sender: 'ann',
  clientMessageId: `p${sequence}`,
  sentAtMs,
  kind: 'text',
  ...more,
});
const edit = (sequence: number, more: Partial<EditMessage> = {}): EditMessage => ({
  type: 'EditMessage',
  sender: 'ann',
  clientMessageId: 'e',
  sequence,
  text: 'new',
  mentions: [],
  mentionsAll: false,
  window,
  ...more,
});
const edited = (sequence: number, target: number, more: Partial<MessageEdited> = {}): MessageEdited => ({
  type: 'MessageEdited',
  sequence,
  sender: 'ann',
  clientMessageId: 'e',
  atMs: nowMs,
  target: header(target),
  text: 'new',
  ...more,
});
const recall = (sequence: number, more: Partial<RecallMessage> = {}): RecallMessage => ({
  type: 'RecallMessage',
  sender: 'ann',
  clientMessageId: 'r',
  sequence,
  window,
  ...more,
});
const recalled = (
  sequence: number,
  target: number,
  more: Partial<MessageRecalled> = {},
): MessageRecalled => ({
  type: 'MessageRecalled',
  sequence,
  sender: 'ann',
  clientMessageId: 'r',
  atMs: nowMs,
  target: header(target),
  ...more,
});
const messagesOf = (state: Parameters<typeof directLogPage>[0]) => {
  const page = directLogPage(state, { reader: 'ann', from: 1, to: 0 });
  return page.ok ? page.value.messages : [];
};

const image = {
  ref: 'm/1',
  mimeType: 'image/png',
  sizeBytes: 9,
  name: 'a.png',
  width: 3,
  height: 4,
  durationMs: 0,
};

const rich = (more: Partial<RichContent>): RichContent => ({ mentions: [], mentionsAll: false, ...more });

describe('direct: EditMessage', () => {
  it('takes the next sequence, answers its sender and is delivered to both', () => {
    const element: LogMessage = {
      conversation: 'd.ann.bob',
      sequence: 3,
      sender: 'ann',
      clientMessageId: 'e',
      sentAtMs: nowMs,
      edited: { sequence: 1, text: 'new' },
    };
    const { state } = spec
      .given(posted(1), posted(2))
      .when(edit(1))
      .thenEvents(edited(3, 1))
      .thenReply({
        type: 'Sent',
        conversation: 'd.ann.bob',
        clientMessageId: 'e',
        sequence: 3,
        sentAtMs: nowMs,
        duplicate: false,
      })
      .thenEffects({
        kind: 'tell',
        type: 'user',
        ids: ['ann', 'bob'],
        command: { type: 'Deliver', message: element, membership: 0, diffusion: 0, title: '' },
      });
    expect(messagesOf(state)).toMatchObject([
      { sequence: 1, text: 'new', revision: 3, changedAtMs: nowMs },
      { sequence: 2, text: 'hi' },
      element,
    ]);
  });

  it('seals text and attachment as a whole: nothing of the attachment stays beside it, but whom it answers', () => {
    const [before, after] = [new Uint8Array([1]), new Uint8Array([2])];
    const replyTo = { sequence: 1, sender: '', text: '', kind: '' };
    const clear = { mentions: ['bob'], mentionsAll: false, replyTo };
    const sticker = { pack: 'cats', id: '7', emoji: '' };
    const contents: [object, string][] = [
      [{ ...clear, sealed: before }, 'sealed'],
      [{ ...clear, sticker }, 'sticker'],
    ];
    for (const [rich, kind] of contents)
      spec
        .given(posted(1, { text: '', rich } as never))
        .when(edit(1, { text: '', sealed: after }))
        .thenEvents(
          edited(2, 1, {
            text: '',
            target: header(1, { kind }),
            rich: { mentions: [], mentionsAll: false, replyTo, sealed: after },
          }),
        );
    spec
      .given(posted(1, { text: '', rich: { ...clear, sealed: before } } as never))
      .when(edit(1, { text: '' }))
      .thenRefused('TEXT_EMPTY');
  });

  it('is a retry when its id is repeated', () => {
    const reply = { type: 'Sent', conversation: 'd.ann.bob', clientMessageId: 'e', sequence: 2 } as const;
    spec
      .given(posted(1), edited(2, 1))
      .when(edit(1, { text: 'other' }))
      .thenNothing()
      .thenReply({ ...reply, sentAtMs: nowMs, duplicate: true });
  });

  it('may follow another edit; the newest counts', () => {
    const { state } = spec
      .given(posted(1), edited(2, 1))
      .when(edit(1, { clientMessageId: 'e2', text: 'newest' }))
      .thenEvents(edited(3, 1, { clientMessageId: 'e2', text: 'newest' }));
    expect(messagesOf(state)).toMatchObject([
      { text: 'newest', revision: 3 },
      { edited: { text: 'new' } },
      { edited: { text: 'newest' } },
    ]);
  });

  it('keeps the attachment and what is answered, and replaces the mentions', () => {
    const replyTo = { sequence: 1, sender: 'bob', text: 'hi', kind: 'text' };
    const before = rich({ image, mentions: ['bob'], replyTo });
    const after = rich({ image, mentions: ['ann'], replyTo });
    spec
      .given(posted(1), posted(2, { rich: before }))
      .when(edit(2, { text: '', mentions: ['ann'] }))
      .thenEvents(edited(3, 2, { text: '', rich: after, target: header(2, { kind: 'image' }) }));
  });

  it('is refused to others, too late, of what is not there, no message, forwarded or recalled', () => {
    const forwardedFrom = { conversation: '', sequence: 0, sender: 'eve', sentAtMs: 1 };
    const given = spec.given(
      posted(1),
      edited(2, 1),
      posted(3),
      recalled(4, 3),
      posted(5, { rich: rich({ forwardedFrom }) }),
    );
    given.when(edit(1, { sender: 'bob', clientMessageId: 'x' })).thenRefused('FORBIDDEN');
    given.when(edit(1, { sender: 'eve', clientMessageId: 'x' })).thenRefused('NOT_A_MEMBER');
    given.when(edit(1, { clientMessageId: '' })).thenRefused('BAD_ID');
    const again = { clientMessageId: 'x' };
    given.when(edit(1, again), { nowMs: sentAtMs + window.ownMs + 1 }).thenRefused('TOO_LATE');
    given.when(edit(0, again)).thenRefused('MESSAGE_NOT_FOUND');
    given.when(edit(6, again)).thenRefused('MESSAGE_NOT_FOUND');
    given.when(edit(2, again)).thenRefused('FORBIDDEN');
    given.when(edit(5, again)).thenRefused('FORBIDDEN');
    given.when(edit(3, again)).thenRefused('MESSAGE_RECALLED');
    given.when(edit(1, { ...again, text: '' })).thenRefused('TEXT_EMPTY');
    given.when(edit(1, { ...again, text: 'x'.repeat(65_537) })).thenRefused('TEXT_TOO_LARGE');
    given.when(edit(1, { ...again, mentions: ['bob', 'bob'] })).thenRefused('BAD_CONTENT');
  });
});

describe('direct: RecallMessage', () => {
  it('takes the message back, and what its edits said', () => {
    const { state } = spec
      .given(posted(1), edited(2, 1), posted(3))
      .when(recall(1))
      .thenEvents(recalled(4, 1));
    expect(messagesOf(state)).toMatchObject([
      { sequence: 1, text: '', isRecalled: true, revision: 4 },
      { sequence: 2, edited: { sequence: 1, text: '' } },
      { sequence: 3, text: 'hi' },
      { sequence: 4, recalled: { sequence: 1 } },
    ]);
  });

  it('is refused to the other one, twice, and too late', () => {
    spec
      .given(posted(1))
      .when(recall(1, { sender: 'bob' }))
      .thenRefused('FORBIDDEN');
    spec
      .given(posted(1), recalled(2, 1))
      .when(recall(1, { clientMessageId: 'r2' }))
      .thenRefused('MESSAGE_RECALLED');
    const late = { nowMs: sentAtMs + window.ownMs + 1 };
    spec.given(posted(1)).when(recall(1), late).thenRefused('TOO_LATE');
  });
});

describe('changes of messages that have left memory', () => {
  const limits = { ...conversationLimits, tailCountMax: 1, changesMax: 2 };
  const small = decidesAs(createDirectDecider(limits), { address, nowMs });
  const target: LogMessage = {
    conversation: 'd.ann.bob',
    sequence: 1,
    sender: 'ann',
    clientMessageId: 'p1',
    sentAtMs,
    text: '',
  };

  it('go by what the gateway has read, and need it', () => {
    const given = small.given(posted(1), posted(2));
    given.when(edit(1)).thenRefused('MESSAGE_NOT_FOUND');
    given.when(edit(1, { target: { ...target, sequence: 2 } })).thenRefused('MESSAGE_NOT_FOUND');
    given.when(edit(1, { target })).thenEvents(edited(3, 1));
    given.when(edit(1, { target: { ...target, sender: 'bob' } })).thenRefused('FORBIDDEN');
    given.when(recall(1, { target })).thenEvents(recalled(3, 1));
    given.when(recall(1, { target: { ...target, isRecalled: true } })).thenRefused('MESSAGE_RECALLED');
  });

  it('know of recalls the gateway has not read yet', () => {
    small
      .given(posted(1), recalled(2, 1), posted(3))
      .when(edit(1, { target }))
      .thenRefused('MESSAGE_RECALLED');
  });

  it('prefer what is in memory to what the gateway says', () => {
    small
      .given(posted(1, { sender: 'bob' }))
      .when(edit(1, { target }))
      .thenRefused('FORBIDDEN');
  });

  it('remember the newest changes, one for each message, up to a limit', () => {
    const history = [
      posted(1),
      posted(2),
      edited(3, 1),
      edited(4, 2),
      edited(5, 1),
      recalled(6, 2),
      posted(7),
    ];
    const decider = createDirectDecider(limits);
    const state = history.reduce(decider.evolve, decider.initialState(address));
    const changes = (from: number, to: number) => {
      const page = directLogPage(state, { reader: 'ann', from, to });
      return page.ok ? page.value.changes.map(({ target: of, sequence }) => `${of} by ${sequence}`) : [];
    };
    expect(changes(1, 0)).toEqual(['1 by 5', '2 by 6']);
    expect(changes(1, 1)).toEqual(['1 by 5']);
    expect(changes(6, 7)).toEqual(['2 by 6']);
    const more = [edited(8, 7)].reduce(decider.evolve, state);
    expect([...(more.log.changes?.keys() ?? [])]).toEqual([2, 7]);
  });
});

describe('group: changes', () => {
  const tea = decidesAs(groupDecider, { address: { type: 'group', tenant: 'acme', id: 'tea' }, nowMs });
  const policy = { membersMax: 9, largeFrom: 9, smallTo: 1 };
  const created = (more: object = {}): GroupEvent => ({
    type: 'GroupCreated',
    sequence: 1,
    by: 'ann',
    atMs: 0,
    title: 'Tea',
    members: ['ann', 'bob', 'cat'],
    policy: { ...policy, ...more },
  });
  const admin = (member: string): GroupEvent => ({
    type: 'RoleChanged',
    sequence: 2,
    by: 'ann',
    atMs: 0,
    member,
    role: 2,
  });
  const by = (sequence: number, sender: string) => posted(sequence, { sender });
  const late = { nowMs: sentAtMs + window.ownMs + 1 };

  it('are told to all members, or published in a super-large group', () => {
    const small = tea.given(created(), by(2, 'bob')).when(edit(2, { sender: 'bob' }));
    small.thenEvents(edited(3, 2, { sender: 'bob', target: header(2, { sender: 'bob' }) }));
    const switched: GroupEvent = { type: 'DiffusionChanged', sequence: 2, atMs: 0, diffusion: 2 };
    const element = {
      conversation: 'g.tea',
      sequence: 4,
      sender: 'bob',
      clientMessageId: 'r',
      sentAtMs: nowMs,
      recalled: { sequence: 3 },
    };
    tea
      .given(created(), switched, by(3, 'bob'))
      .when(recall(3, { sender: 'bob' }))
      .thenEffects({ kind: 'publish', payload: { type: 'Live', messages: [element], heads: [] } });
  });

  it('owner and admins recall what those wrote whom they stand above, and have more time', () => {
    const given = tea.given(created(), admin('bob'), by(3, 'cat'), by(4, 'ann'), by(5, 'bob'));
    const of = (sequence: number, sender: string) => header(sequence, { sender });
    given
      .when(recall(3, { sender: 'bob' }), late)
      .thenEvents(recalled(6, 3, { sender: 'bob', atMs: late.nowMs, target: of(3, 'cat') }));
    given.when(recall(4, { sender: 'bob' })).thenRefused('FORBIDDEN');
    given.when(recall(5, { sender: 'cat' })).thenRefused('FORBIDDEN');
    given.when(recall(3, { sender: 'cat' }), late).thenRefused('TOO_LATE');
    const latest = { nowMs: sentAtMs + window.managerMs + 1 };
    given.when(recall(3, { sender: 'ann' }), latest).thenRefused('TOO_LATE');
    given.when(edit(3, { sender: 'ann' })).thenRefused('FORBIDDEN');
    given.when(edit(4), late).thenEvents(edited(6, 4, { atMs: late.nowMs }));
  });

  it('the group has its own windows where it wants', () => {
    const own = created({ editWindow: { ownMs: 1, managerMs: 1 } });
    tea
      .given(own, by(2, 'bob'))
      .when(edit(2, { sender: 'bob' }))
      .thenRefused('TOO_LATE');
    const target = header(2, { sender: 'bob' });
    tea
      .given(own, by(2, 'bob'))
      .when(recall(2, { sender: 'bob' }))
      .thenEvents(recalled(3, 2, { sender: 'bob', target }));
  });

  it('are refused to strangers, in dismissed groups, of system messages, and of what was before the sender came', () => {
    const given = tea.given(created(), by(2, 'bob'));
    given.when(recall(2, { sender: 'eve' })).thenRefused('NOT_A_MEMBER');
    given.when(recall(1, { sender: 'ann' })).thenRefused('FORBIDDEN');
    const dismissed: GroupEvent = { type: 'GroupDismissed', sequence: 3, by: 'ann', atMs: 0 };
    tea
      .given(created(), by(2, 'bob'), dismissed)
      .when(recall(2, { sender: 'bob' }))
      .thenRefused('GROUP_DISMISSED');
    const joined: GroupEvent = { type: 'MembersAdded', sequence: 3, by: 'ann', atMs: 0, members: ['dan'] };
    const promoted: GroupEvent = {
      type: 'RoleChanged',
      sequence: 4,
      by: 'ann',
      atMs: 0,
      member: 'dan',
      role: 2,
    };
    tea
      .given(created(), by(2, 'bob'), joined, promoted)
      .when(recall(2, { sender: 'dan' }))
      .thenRefused('MESSAGE_NOT_FOUND');
  });

  it('whoever is muted edits nothing, but may take back what they wrote', () => {
    const muted: GroupEvent = {
      type: 'MemberMuted',
      sequence: 3,
      by: 'ann',
      atMs: 0,
      member: 'bob',
      mutedUntilMs: nowMs + 1,
    };
    const given = tea.given(created(), by(2, 'bob'), muted);
    given.when(edit(2, { sender: 'bob' })).thenRefused('MUTED');
    const target = header(2, { sender: 'bob' });
    given.when(recall(2, { sender: 'bob' })).thenEvents(recalled(4, 2, { sender: 'bob', target }));
  });
});
