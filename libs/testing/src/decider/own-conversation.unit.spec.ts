// What a person sets for one of their conversations, and deletes for themself.
import type { ConversationSettings, EntryAppended, NarrowView, SetConversation } from '@parley/domain';
import {
  createUserDecider,
  inboxPage,
  ownViews,
  restoreUser,
  snapshotOfUser,
  unreadOf,
  userDecider,
  userLimits,
} from '@parley/domain';
import { describe, expect, it } from 'vitest';
import { decidesAs } from './decides-as.ts';

const address = { type: 'user', tenant: 'acme', id: 'ann' };
const spec = decidesAs(userDecider, { address });
const conversation = 'd.ann.bob';
const nothingSet: ConversationSettings = {
  doNotDisturbUntilMs: 0,
  pinned: false,
  hidden: false,
  markedUnread: false,
  hiddenThrough: 0,
};

const entry = (sequence: number, more: Partial<EntryAppended> = {}): EntryAppended => ({
  type: 'EntryAppended',
  conversation,
  sequence,
  sender: 'bob',
  atMs: 1,
  membership: 0,
  diffusion: 0,
  title: '',
  ...more,
});
const set = (settings: Partial<ConversationSettings>, ...fields: string[]): SetConversation => ({
  type: 'SetConversation',
  conversation,
  settings: { ...nothingSet, ...settings },
  fields,
  head: 0,
});
const changed = (settings: Partial<ConversationSettings>) =>
  ({ type: 'ConversationSettingsChanged', conversation, settings: { ...nothingSet, ...settings } }) as const;
const narrow = (more: Partial<NarrowView>): NarrowView => ({
  type: 'NarrowView',
  conversation,
  clearedThrough: 0,
  deleted: [],
  head: 0,
  ...more,
});
const narrowed = (clearedThrough: number, ...deleted: number[]) =>
  ({ type: 'ViewNarrowed', conversation, clearedThrough, deleted }) as const;
const knownIn = (state: ReturnType<typeof userDecider.initialState>) =>
  state.conversations.get(conversation)!;

describe('SetConversation', () => {
  it('changes what is named, takes an inbox position and tells the other devices', () => {
    const settings = { ...nothingSet, pinned: true, doNotDisturbUntilMs: 9 };
    const { state } = spec
      .given(entry(1), changed({ doNotDisturbUntilMs: 9 }))
      .when(set({ pinned: true }, 'pinned'))
      .thenEvents(changed(settings))
      .thenReply({ type: 'Done' })
      .thenEffects({
        kind: 'push',
        position: 3,
        payload: { type: 'SettingsChanged', conversation, settings },
      });
    const page = inboxPage(state, { after: 2, limit: 0 });
    expect(page.ok && page.value.entries).toEqual([
      { position: 3, entry: { conversation, sequence: 0, change: { kind: 'settings', settings } } },
    ]);
    expect(unreadOf(knownIn(state))).toBe(1);
    // It survives a snapshot.
    const restored = restoreUser(address, snapshotOfUser(state));
    expect(knownIn(restored).own?.settings).toEqual(settings);
  });

  it('repeats itself safely, and refuses what it does not know', () => {
    spec
      .given(entry(1), changed({ pinned: true }))
      .when(set({ pinned: true }, 'pinned'))
      .thenNothing();
    spec.given(entry(1)).when(set({})).thenRefused('BAD_REQUEST');
    spec.given(entry(1)).when(set({}, 'title')).thenRefused('BAD_REQUEST');
    spec
      .given()
      .when(set({ pinned: true }, 'pinned'))
      .thenRefused('CONVERSATION_NOT_FOUND');
  });

  it('a hidden conversation comes back with the next message, not with an edit or a reaction', () => {
    const hidden = changed({ hidden: true, hiddenThrough: 1 });
    spec
      .given(entry(1))
      .when(set({ hidden: true }, 'hidden'))
      .thenEvents(hidden);
    const after = (...entries: EntryAppended[]) =>
      [entry(1), hidden, ...entries].reduce(userDecider.evolve, userDecider.initialState(address));
    expect(knownIn(after(entry(2, { target: 1 }))).own?.settings.hidden).toBe(true);
    expect(knownIn(after(entry(2, { target: 1 }), entry(3))).own?.settings.hidden).toBe(false);
  });

  it('reading takes the mark away, also when everything was read before', () => {
    const marked = changed({ markedUnread: true });
    const read = { type: 'ReadConversation', conversation, sequence: 1 } as const;
    const { state } = spec
      .given(entry(1), marked)
      .when(read)
      .thenEvents({ type: 'ReadPointerMoved', conversation, sequence: 1 });
    expect(knownIn(state).own?.settings.markedUnread).toBe(false);
    const moved = { type: 'ReadPointerMoved', conversation, sequence: 1 } as const;
    spec.given(entry(1), moved, marked).when(read).thenEvents(changed({}));
  });
});

describe('NarrowView', () => {
  it('takes an inbox position; what is deleted is nothing to be read', () => {
    const { state } = spec
      .given(entry(1), entry(2), entry(3))
      .when(narrow({ deleted: [3, 2, 3] }))
      .thenEvents(narrowed(0, 2, 3))
      .thenEffects({ kind: 'push', position: 4, payload: narrowed(0, 2, 3) });
    expect(unreadOf(knownIn(state))).toBe(1);
    expect(ownViews(state)).toEqual([{ conversation, clearedThrough: 0, deleted: [2, 3] }]);
  });

  it('what is deleted mentions nobody any more', () => {
    const mentions = [{ sequence: 2, users: ['ann'], all: false }];
    const given = spec.given(entry(1), entry(2, { mentions }));
    expect(knownIn(given.when(narrow({ deleted: [1] })).state).mentioned).toEqual([2]);
    expect(knownIn(given.when(narrow({ deleted: [2] })).state).mentioned).toEqual([]);
  });

  it('clearing takes the single ones with it, and moves the pointer', () => {
    const { state } = spec
      .given(entry(1), entry(2), entry(3), narrowed(0, 2))
      .when(narrow({ clearedThrough: 2 }))
      .thenEvents(narrowed(2));
    expect(ownViews(state)).toEqual([{ conversation, clearedThrough: 2, deleted: [] }]);
    expect(knownIn(state).read).toBe(2);
    expect(unreadOf(knownIn(state))).toBe(1);
    spec
      .given(entry(1), entry(2), narrowed(2))
      .when(narrow({ deleted: [1], clearedThrough: 1 }))
      .thenNothing();
  });

  it('is refused beyond the head and the limit', () => {
    spec
      .given(entry(1))
      .when(narrow({ deleted: [2] }))
      .thenRefused('SEQUENCE_FROM_FUTURE');
    spec
      .given(entry(1))
      .when(narrow({ clearedThrough: 2 }))
      .thenRefused('SEQUENCE_FROM_FUTURE');
    const few = decidesAs(createUserDecider({ ...userLimits, deletedMax: 1 }), { address });
    few
      .given(entry(1), entry(2), narrowed(0, 1))
      .when(narrow({ deleted: [2] }))
      .thenRefused('DELETED_FULL');
  });

  it('the edit of a deleted message says nothing to this user', () => {
    const message = {
      conversation,
      sequence: 2,
      sender: 'bob',
      clientMessageId: 'e',
      sentAtMs: 1,
      edited: { sequence: 1, text: 'secret' },
    };
    const deliver = { type: 'Deliver', message, membership: 0, diffusion: 0, title: '' } as const;
    const { state } = spec
      .given(entry(1), narrowed(0, 1))
      .when(deliver)
      .thenEffects({
        kind: 'push',
        position: 3,
        payload: {
          type: 'Entry',
          message: { ...message, edited: { sequence: 1, text: '' } },
          diffusion: 0,
          left: false,
          title: '',
        },
      });
    expect(knownIn(state).head).toBe(2);
  });
});
