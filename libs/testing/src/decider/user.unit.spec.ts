// The rules of users: account, inbox, read pointers.
import type { Deliver, UserEvent, UserState } from '@parley/domain';
import { createUserDecider, inboxPage, unreadOf, userDecider, userLimits } from '@parley/domain';
import { userCodec } from '@parley/protocol';
import { describe, expect, it } from 'vitest';
import { decidesAs } from './decides-as.ts';

const address = { type: 'user', tenant: 'acme', id: 'ann' };
const asJournaled = (event: UserEvent) => userCodec.decodeEvent(userCodec.encodeEvent(event));
const spec = decidesAs(userDecider, { address, nowMs: 1_000, asJournaled });
const deliver = (sequence: number, more: Partial<Deliver> = {}, sender = 'bob', conversation = 'd.ann.bob') =>
  ({
    type: 'Deliver',
    message: { conversation, sequence, sender, clientMessageId: 'c', sentAtMs: 5, text: 'hi' },
    membership: 0,
    diffusion: 0,
    title: '',
    ...more,
  }) satisfies Deliver;
const entry = (sequence: number, more: object = {}): UserEvent => ({
  type: 'EntryAppended',
  conversation: 'd.ann.bob',
  sequence,
  sender: 'bob',
  atMs: 5,
  membership: 0,
  diffusion: 0,
  title: '',
  ...more,
});
const inGroup = { conversation: 'g.tea' };
const joined = (sequence: number, diffusion = 1) =>
  entry(sequence, { ...inGroup, membership: 1, diffusion, title: 'Tea' });
const replay = (...events: readonly UserEvent[]): UserState =>
  events.reduce(userDecider.evolve, userDecider.initialState(address));

describe('user: RegisterUser', () => {
  const register = { type: 'RegisterUser', handle: 'ann', displayName: 'Ann', passwordHash: 'h' } as const;
  const registered = { ...register, type: 'UserRegistered', atMs: 1_000 } as const;

  it('registers once; the same request again is accepted, another one refused', () => {
    spec.given().when(register).thenEvents(registered).thenReply({ type: 'Done' }).thenEffects();
    spec.given(registered).when(register).thenNothing();
    spec
      .given(registered)
      .when({ ...register, passwordHash: 'other' })
      .thenRefused('ALREADY_EXISTS');
  });
});

describe('user: Deliver', () => {
  it('appends an entry and pushes the body with its position', () => {
    const command = deliver(1);
    const payload = { type: 'Entry', message: command.message, diffusion: 0, left: false, title: '' };
    spec.given().when(command).thenEvents(entry(1)).thenEffects({ kind: 'push', position: 1, payload });
  });

  it('appends nothing when repeated or older', () => {
    spec.given(entry(1), entry(2)).when(deliver(2)).thenNothing().thenEffects();
    spec.given(entry(1), entry(2)).when(deliver(1)).thenNothing();
  });

  it('ignores what comes after leaving, until joining again', () => {
    const left = entry(3, { ...inGroup, membership: 2 });
    spec
      .given(joined(2), left)
      .when(deliver(4, {}, 'bob', 'g.tea'))
      .thenNothing();
    const again = deliver(9, { membership: 1, diffusion: 2, title: 'Tea' }, 'bob', 'g.tea');
    const { state } = spec.given(joined(2), left).when(again).thenEvents(joined(9, 2));
    expect(state.conversations.get('g.tea')).toMatchObject({
      left: 0,
      firstVisible: 9,
      diffusion: 2,
      diffusionSince: 9,
    });
  });

  it('gives all recipients of one command the same event and the same push', () => {
    const command = deliver(1);
    const decisions = ['ann', 'cat', 'dan'].map((id) =>
      userDecider.decide(userDecider.initialState({ ...address, id }), command, { nowMs: 1 }),
    );
    const events = decisions.map((decision) => (decision.accepted ? decision.events[0] : undefined));
    expect(events[0]).toBeDefined();
    expect(events[1]).toBe(events[0]);
    expect(events[2]).toBe(events[0]);
    const states = ['ann', 'cat'].map((id) => userDecider.initialState({ ...address, id }));
    const payloads = states.map((state) => {
      const event = events[0] as UserEvent;
      const [effect] = userDecider.effectsOf(event, userDecider.evolve(state, event));
      return effect?.kind === 'push' ? effect.payload : undefined;
    });
    expect(payloads[1]).toBe(payloads[0]);
  });

  it('moves the own read pointer with an own message, and the peer’s with one of theirs', () => {
    const state = replay(entry(1), entry(2, { sender: 'ann' }), entry(3));
    expect(state.conversations.get('d.ann.bob')).toMatchObject({ head: 3, read: 2, peerRead: 3 });
    const conversation = state.conversations.get('d.ann.bob');
    expect(conversation && unreadOf(conversation)).toBe(1);
  });

  it('notes leaving, joining and a change of diffusion', () => {
    const state = replay(
      joined(4),
      entry(5, { ...inGroup, diffusion: 2 }),
      entry(8, { ...inGroup, membership: 2 }),
    );
    expect(state.conversations.get('g.tea')).toEqual({
      conversation: 'g.tea',
      head: 8,
      read: 3,
      firstVisible: 4,
      left: 8,
      diffusion: 2,
      diffusionSince: 5,
      title: 'Tea',
      peerRead: 0,
      peerDelivered: 0,
      uncounted: [],
      mentioned: [],
    });
  });

  it('forgets the conversation left longest ago when too many are', () => {
    const decider = createUserDecider({ ...userLimits, leftConversationsMax: 2 });
    const leave = (conversation: string) => entry(2, { conversation, membership: 2 });
    const events = ['g.a', 'g.b', 'g.c'].map((conversation) => entry(1, { conversation, membership: 1 }));
    const state = [...events, leave('g.c'), leave('g.a'), leave('g.b')].reduce(
      decider.evolve,
      decider.initialState(address),
    );
    expect([...state.conversations.keys()]).toEqual(['g.a', 'g.b']);
  });
});

describe('user: ReadConversation', () => {
  const read = (sequence: number, conversation = 'd.ann.bob') =>
    ({ type: 'ReadConversation', conversation, sequence }) as const;

  it('moves the pointer, tells the own devices and the direct conversation', () => {
    spec
      .given(entry(1), entry(2))
      .when(read(1))
      .thenEvents({ type: 'ReadPointerMoved', conversation: 'd.ann.bob', sequence: 1 })
      .thenReply({ type: 'ReadDone', conversation: 'd.ann.bob', sequence: 1, unread: 1, unreadMentions: 0 })
      .thenEffects(
        {
          kind: 'push',
          position: 3,
          payload: {
            type: 'ReadMoved',
            conversation: 'd.ann.bob',
            sequence: 1,
            unread: 1,
            unreadMentions: 0,
          },
        },
        {
          kind: 'tell',
          type: 'direct',
          ids: ['ann.bob'],
          command: { type: 'MarkRead', reader: 'ann', sequence: 1 },
        },
      );
  });

  it('does nothing when repeated or going back', () => {
    const moved: UserEvent = { type: 'ReadPointerMoved', conversation: 'd.ann.bob', sequence: 2 };
    const reply = {
      type: 'ReadDone',
      conversation: 'd.ann.bob',
      sequence: 2,
      unread: 0,
      unreadMentions: 0,
    } as const;
    spec.given(entry(1), entry(2), moved).when(read(2)).thenNothing().thenReply(reply);
    spec.given(entry(1), entry(2), moved).when(read(1)).thenNothing().thenReply(reply);
  });

  it('refuses the future and unknown conversations', () => {
    spec.given(entry(1)).when(read(2)).thenRefused('SEQUENCE_FROM_FUTURE');
    spec.given().when(read(1)).thenRefused('CONVERSATION_NOT_FOUND');
  });

  it('lets the gateway check the head of a read-diffusion group, and still takes entries that come late', () => {
    const moved: UserEvent = { type: 'ReadPointerMoved', conversation: 'g.tea', sequence: 50 };
    spec.given(joined(1, 2)).when(read(50, 'g.tea')).thenEvents(moved);
    const { state } = spec
      .given(joined(1, 2), moved)
      .when(deliver(49, { diffusion: 1 }, 'bob', 'g.tea'))
      .thenEvents(entry(49, { ...inGroup, diffusion: 1 }));
    expect(state.conversations.get('g.tea')).toMatchObject({ head: 49, read: 50 });
    expect([...state.conversations.values()].map(unreadOf)).toEqual([0]);
    const left = entry(60, { ...inGroup, membership: 2 });
    spec.given(joined(1, 2), left).when(read(61, 'g.tea')).thenRefused('SEQUENCE_FROM_FUTURE');
  });
});

describe('user: NotePeerRead', () => {
  const note = (sequence: number) =>
    ({ type: 'NotePeerRead', conversation: 'd.ann.bob', peer: 'bob', sequence }) as const;

  it('notes the pointer of the other one and pushes a receipt', () => {
    spec
      .given(entry(1, { sender: 'ann' }))
      .when(note(1))
      .thenEvents({ type: 'PeerReadNoted', conversation: 'd.ann.bob', sequence: 1 })
      .thenEffects({
        kind: 'push',
        position: 0,
        payload: { type: 'Receipt', conversation: 'd.ann.bob', user: 'bob', sequence: 1 },
      });
  });

  it('does nothing when repeated, older or of an unknown conversation', () => {
    const noted: UserEvent = { type: 'PeerReadNoted', conversation: 'd.ann.bob', sequence: 1 };
    spec
      .given(entry(1, { sender: 'ann' }), noted)
      .when(note(1))
      .thenNothing();
    spec.given().when(note(1)).thenNothing();
  });
});

describe('user: inbox window', () => {
  const decider = createUserDecider({ ...userLimits, inboxCountMax: 5, inboxPageMax: 2 });
  const filled = (count: number): UserState => {
    let state = decider.initialState(address);
    for (let sequence = 1; sequence <= count; sequence++) state = decider.evolve(state, entry(sequence));
    return state;
  };
  const positions = (state: UserState, after: number, limit = 0) => {
    const page = inboxPage(state, { after, limit });
    return page.ok
      ? page.value.limited
        ? 'limited'
        : page.value.entries.map((each) => each.position)
      : page.error;
  };

  it('pages after a position', () => {
    expect(positions(filled(4), 0)).toEqual([1, 2]);
    expect(positions(filled(4), 2, 1)).toEqual([3]);
    expect(positions(filled(4), 4)).toEqual([]);
    expect(positions(filled(4), 5)).toBe('SEQUENCE_FROM_FUTURE');
    expect(positions(filled(0), 0)).toEqual([]);
  });

  it('is limited exactly when an entry after the position has fallen out', () => {
    const state = filled(12);
    expect(positions(state, 6)).toBe('limited');
    expect(positions(state, 7)).toEqual([8, 9]);
    const page = inboxPage(state, { after: 10, limit: 0 });
    expect(page.ok && page.value.entries.map(({ entry: each }) => each.sequence)).toEqual([11, 12]);
  });
});

describe('user: what does not count as unread', () => {
  const change = (sequence: number, target: number, isRecall = false): UserEvent =>
    entry(sequence, { target, ...(isRecall && { isRecall }) });
  const unreadAfter = (...events: readonly UserEvent[]) =>
    unreadOf(replay(...events).conversations.get('d.ann.bob')!);

  it('a reaction or a pin, and the message they are on goes on to mention the user; an edit without the mention ends it', () => {
    const mention = entry(4, { mentions: [{ sequence: 4, users: ['ann'], all: false }] });
    const mentioned = (...events: readonly UserEvent[]) =>
      replay(...events).conversations.get('d.ann.bob')!.mentioned;
    expect(mentioned(mention, entry(5, { target: 4, isMark: true }))).toEqual([4]);
    expect(unreadAfter(mention, entry(5, { target: 4, isMark: true }))).toBe(1);
    expect(mentioned(mention, change(5, 4))).toEqual([]);
  });

  it('an edit, and a recall with the message it takes back', () => {
    expect(unreadAfter(entry(4), entry(5), entry(6))).toBe(3);
    expect(unreadAfter(entry(4), entry(5), change(6, 4))).toBe(2);
    expect(unreadAfter(entry(4), entry(5), change(6, 4, true))).toBe(1);
    expect(unreadAfter(entry(4), change(5, 4), change(6, 4, true), entry(7))).toBe(1);
  });

  it('a recalled message that was read was not unread before', () => {
    const read: UserEvent = { type: 'ReadPointerMoved', conversation: 'd.ann.bob', sequence: 4 };
    expect(unreadAfter(entry(4), entry(5), read, change(6, 4, true))).toBe(1);
    expect(unreadAfter(entry(4), entry(5), change(6, 5, true), read)).toBe(0);
  });

  it('an own change moves no read pointer, as an own message does', () => {
    expect(unreadAfter(entry(4), { ...change(5, 4), sender: 'ann' } as UserEvent)).toBe(1);
    expect(unreadAfter(entry(4), { ...entry(5), sender: 'ann' } as UserEvent)).toBe(0);
  });

  it('is remembered up to a limit; the oldest count again', () => {
    const { evolve, initialState } = createUserDecider({ ...userLimits, uncountedMax: 2 });
    const events = [entry(4), change(5, 1), change(6, 1), change(7, 1)];
    const state = events.reduce(evolve, initialState(address));
    const conversation = state.conversations.get('d.ann.bob')!;
    expect(conversation.uncounted).toEqual([6, 7]);
    expect(unreadOf(conversation)).toBe(2);
  });

  it('is told apart in the fact of the entry', () => {
    const { text: _, ...head } = deliver(5).message;
    const edited = { ...head, edited: { sequence: 4, text: 'new' } };
    const recalled = { ...head, recalled: { sequence: 4 } };
    spec
      .given(entry(4))
      .when(deliver(5, { message: edited }))
      .thenEvents(change(5, 4));
    spec
      .given(entry(4))
      .when(deliver(5, { message: recalled }))
      .thenEvents(change(5, 4, true));
  });
});

describe('user: unread mentions', () => {
  const mention = (sequence: number, users: readonly string[], all = false, fields = {}): UserEvent =>
    entry(sequence, { mentions: [{ sequence, users, all }], ...fields });
  const mentionedAfter = (...events: readonly UserEvent[]) =>
    replay(...events).conversations.get('d.ann.bob')!.mentioned;
  const read = (sequence: number): UserEvent =>
    ({ type: 'ReadPointerMoved', conversation: 'd.ann.bob', sequence }) as const;

  it('are the messages that name the user or everybody, until they are read', () => {
    const events = [mention(4, ['ann']), mention(5, ['bob']), mention(6, [], true), entry(7)];
    expect(mentionedAfter(...events)).toEqual([4, 6]);
    expect(mentionedAfter(...events, read(4))).toEqual([6]);
    expect(mentionedAfter(...events, read(6))).toEqual([]);
  });

  it('come and go with edits, and go with recalls', () => {
    const edit = (sequence: number, target: number, users: readonly string[]): UserEvent =>
      entry(sequence, {
        target,
        ...(users.length > 0 && { mentions: [{ sequence: target, users, all: false }] }),
      });
    const recall = (sequence: number, target: number): UserEvent =>
      entry(sequence, { target, isRecall: true });
    expect(mentionedAfter(entry(4), edit(5, 4, ['ann']))).toEqual([4]);
    expect(mentionedAfter(mention(4, ['ann']), edit(5, 4, ['bob']))).toEqual([]);
    expect(mentionedAfter(mention(4, ['ann']), edit(5, 4, []))).toEqual([]);
    expect(mentionedAfter(mention(4, ['ann']), mention(5, [], true), recall(6, 4))).toEqual([5]);
    expect(mentionedAfter(entry(4), read(4), edit(5, 4, ['ann']))).toEqual([]);
  });

  it('are told anew by a group that turns to write-diffusion', () => {
    const told = [{ sequence: 6, users: ['ann'], all: false }];
    const events = [mention(4, ['ann']), entry(8, { diffusion: 1, mentions: told })];
    expect(mentionedAfter(...events)).toEqual([6]);
  });

  it('are remembered up to a limit; the oldest are not counted', () => {
    const { evolve, initialState } = createUserDecider({ ...userLimits, mentionedMax: 2 });
    const state = [4, 5, 6].map((at) => mention(at, ['ann'])).reduce(evolve, initialState(address));
    expect(state.conversations.get('d.ann.bob')!.mentioned).toEqual([5, 6]);
  });

  it('are told apart in the fact of the entry, and counted with every move of the pointer', () => {
    const rich = { mentions: ['ann'], mentionsAll: false };
    spec
      .given()
      .when(deliver(4, { message: { ...deliver(4).message, rich } }))
      .thenEvents(mention(4, ['ann']));
    spec
      .given(mention(4, ['ann']), mention(5, ['ann']))
      .when({ type: 'ReadConversation', conversation: 'd.ann.bob', sequence: 4 })
      .thenReply({
        type: 'ReadDone',
        conversation: 'd.ann.bob',
        sequence: 4,
        unread: 1,
        unreadMentions: 1,
      });
  });
});

describe('user: delivered', () => {
  const acknowledge = (position: number) => ({ type: 'AcknowledgeInbox', position }) as const;
  const delivered = (position: number, sequence: number): UserEvent => ({
    type: 'InboxDelivered',
    position,
    directs: [{ conversation: 'd.ann.bob', sequence }],
  });
  const told = (sequence: number) =>
    ({ type: 'NotePeerDelivered', conversation: 'd.ann.bob', sequence }) as const;

  it('an acknowledged position tells whoever wrote directly how far it has come, once', () => {
    spec
      .given(entry(4), entry(5), entry(1, inGroup), entry(6))
      .when(acknowledge(3))
      .thenEvents(delivered(3, 5))
      .thenEffects({ kind: 'tell', type: 'user', ids: ['bob'], command: told(5) });
    spec.given(entry(4), entry(5), delivered(2, 5)).when(acknowledge(2)).thenNothing();
    spec.given(entry(4), delivered(1, 4), entry(5)).when(acknowledge(2)).thenEvents(delivered(2, 5));
  });

  it('what was read is known to be delivered, and groups do not ask', () => {
    spec
      .given(entry(4, { sender: 'ann' }))
      .when(acknowledge(1))
      .thenNothing();
    spec.given(joined(4), entry(5, inGroup)).when(acknowledge(2)).thenNothing();
    const read: UserEvent = { type: 'ReadPointerMoved', conversation: 'd.ann.bob', sequence: 4 };
    spec.given(entry(4), read).when(acknowledge(2)).thenNothing();
  });

  it('a position that is still to come counts as the newest there is', () => {
    spec.given(entry(4)).when(acknowledge(9)).thenEvents(delivered(1, 4));
  });

  it('the sender notes it and is pushed it, never backwards, and not behind what was read', () => {
    const noted: UserEvent = { type: 'PeerDeliveredNoted', conversation: 'd.ann.bob', sequence: 5 };
    const payload = { type: 'Delivered', conversation: 'd.ann.bob', user: 'bob', delivered: 5 };
    const sent = [4, 5].map((at) => entry(at, { sender: 'ann' }));
    spec
      .given(...sent)
      .when(told(5))
      .thenEvents(noted)
      .thenEffects({ kind: 'push', position: 0, payload });
    spec
      .given(...sent, noted)
      .when(told(4))
      .thenNothing();
    const read: UserEvent = { type: 'PeerReadNoted', conversation: 'd.ann.bob', sequence: 5 };
    spec
      .given(...sent, read)
      .when(told(5))
      .thenNothing();
    spec.given().when(told(1)).thenNothing();
  });
});
