// How the facts of a user change its state.
import { assertNever } from '@parley/std';
import { isDirectConversation } from '../conversation/conversation-id.ts';
import { Diffusion } from '../conversation/diffusion.ts';
import { isMentioned } from '../conversation/mentioning.ts';
import { evolveDelivered } from './delivered.ts';
import { type EntryChange, appendToInbox } from './inbox-window.ts';
import {
  type ConversationSettingsChanged,
  type ViewNarrowed,
  narrowed,
  withSettings,
} from './own-conversation.ts';
import { Membership } from './membership.ts';
import { applyDevice } from './device.ts';
import { applyPersonal, ownPersonal, personalChangeOf } from './personal.ts';
import type { EntryAppended, ReadPointerMoved, UserEvent } from './user-event.ts';
import {
  type UserConversation,
  type UserState,
  nothingMentioned,
  nothingUncounted,
  ownConversations,
  unreadOf,
} from './user-state.ts';

export function evolveUser(state: UserState, event: UserEvent): UserState {
  switch (event.type) {
    case 'EntryAppended':
      appendEntry(state, event);
      return state;
    case 'ReadPointerMoved':
      moveReadPointer(state, event);
      return state;
    case 'ConversationSettingsChanged':
      changeSettings(state, event);
      return state;
    case 'ViewNarrowed':
      narrowView(state, event);
      return state;
    case 'PeerReadNoted': {
      const conversation = state.conversations.get(event.conversation);
      if (conversation !== undefined) conversation.peerRead = Math.max(conversation.peerRead, event.sequence);
      return state;
    }
    case 'InboxDelivered':
    case 'PeerDeliveredNoted':
      evolveDelivered(state, event);
      return state;
    case 'UserRegistered': {
      const { handle, displayName, passwordHash, atMs } = event;
      state.account = { handle, displayName, passwordHash, atMs };
      return state;
    }
    case 'RelationChanged':
    case 'WriteRuleChanged':
    case 'UserProfileChanged':
    case 'DeviceLoggedOut':
      applyPersonal(state, event);
      appendToInbox(state.inbox, '', 0, { kind: 'personal', change: personalChangeOf(event) });
      return state;
    case 'DeviceClaimed':
      applyDevice(ownPersonal(state).devices, event, state.limits.devicesLoggedOutMax);
      return state;
    default:
      return assertNever(event, 'evolveUser');
  }
}

function appendEntry(state: UserState, event: EntryAppended): void {
  const conversation = state.conversations.get(event.conversation) ?? newConversation(state, event);
  conversation.head = Math.max(conversation.head, event.sequence);
  if (event.membership !== Membership.UNCHANGED) applyMembership(state, conversation, event);
  if (event.diffusion !== Diffusion.UNSPECIFIED) {
    conversation.diffusion = event.diffusion;
    conversation.diffusionSince = event.sequence;
  }
  if (event.title !== '') conversation.title = event.title;
  if (event.target === undefined) applySender(state, conversation, event);
  else if (event.isRecall === true) discount(state, conversation, [event.target, event.sequence]);
  else discount(state, conversation, [event.sequence]);
  if (event.mentions !== undefined) noteMentions(state, conversation, event);
  else if (event.target !== undefined && event.isMark !== true) unmention(conversation, event.target);
  if (conversation.own !== undefined && event.target === undefined) comeBack(conversation, event);
  forgetRead(conversation);
  // The conversation's own string is kept, so that thousands of entries share one.
  appendToInbox(state.inbox, conversation.conversation, event.sequence, changeOf(event));
}

/** A hidden conversation is in the list again with the next message, which no edit or reaction is. */
function comeBack(conversation: UserConversation, { sequence }: EntryAppended): void {
  const settings = conversation.own?.settings;
  if (settings?.hidden !== true || sequence <= settings.hiddenThrough) return;
  conversation.own = withSettings(conversation.own, { ...settings, hidden: false, hiddenThrough: 0 });
}

function changeSettings(state: UserState, { conversation, settings }: ConversationSettingsChanged): void {
  const known = state.conversations.get(conversation);
  if (known !== undefined) known.own = withSettings(known.own, settings);
  appendToInbox(state.inbox, known?.conversation ?? conversation, 0, { kind: 'settings', settings });
}

/** What is deleted is nothing to be read any more. */
function narrowView(state: UserState, event: ViewNarrowed): void {
  const { conversation, clearedThrough, deleted } = event;
  const known = state.conversations.get(conversation);
  if (known !== undefined) {
    known.own = narrowed(known.own, event);
    known.read = Math.max(known.read, clearedThrough);
    discount(
      state,
      known,
      deleted.filter((sequence) => sequence <= known.head),
    );
    for (const sequence of deleted) unmention(known, sequence);
    forgetRead(known);
  }
  const change = { kind: 'narrowed', clearedThrough, deleted } as const;
  appendToInbox(state.inbox, known?.conversation ?? conversation, 0, change);
}

function newConversation(state: UserState, event: EntryAppended): UserConversation {
  const conversation: UserConversation = {
    conversation: event.conversation,
    head: event.sequence,
    read: event.sequence - 1,
    firstVisible: event.sequence,
    left: 0,
    diffusion: Diffusion.WRITE,
    diffusionSince: event.sequence,
    title: '',
    peerRead: 0,
    peerDelivered: 0,
    uncounted: nothingUncounted,
    mentioned: nothingMentioned,
  };
  ownConversations(state).set(event.conversation, conversation);
  return conversation;
}

function applyMembership(state: UserState, conversation: UserConversation, event: EntryAppended): void {
  if (event.membership === Membership.LEFT) {
    conversation.left = event.sequence;
    forgetLongestLeft(state, conversation);
    return;
  }
  conversation.left = 0;
  conversation.firstVisible = event.firstVisible ?? event.sequence;
  conversation.read = Math.max(conversation.read, event.sequence - 1);
}

/** Whoever writes has read up to there: the own pointer moves with an own message, the peer's with one of theirs. */
function applySender(state: UserState, conversation: UserConversation, event: EntryAppended): void {
  if (event.sender === state.user) conversation.read = Math.max(conversation.read, event.sequence);
  else if (isDirectConversation(event.conversation)) {
    conversation.peerRead = Math.max(conversation.peerRead, event.sequence);
  }
}

/** Edits and recalls are news, but no messages to be read; neither is what was recalled before it was read. */
function discount(state: UserState, conversation: UserConversation, sequences: readonly number[]): void {
  const all = new Set([...conversation.uncounted, ...sequences.filter((each) => each > conversation.read)]);
  conversation.uncounted = [...all].sort((one, other) => one - other).slice(-state.limits.uncountedMax);
}

/** An edit can take mentions away, and give others; a group that turns to write-diffusion tells anew what it remembers. */
function noteMentions(state: UserState, conversation: UserConversation, event: EntryAppended): void {
  const { mentions = [], diffusion } = event;
  const mentioned = new Set(diffusion === Diffusion.WRITE ? [] : conversation.mentioned);
  for (const each of mentions) {
    if (isMentioned(each, state.user) && each.sequence > conversation.read) mentioned.add(each.sequence);
    else mentioned.delete(each.sequence);
  }
  const rising = [...mentioned].sort((one, other) => one - other).slice(-state.limits.mentionedMax);
  conversation.mentioned = rising.length === 0 ? nothingMentioned : rising;
}

function unmention(conversation: UserConversation, sequence: number): void {
  const { mentioned } = conversation;
  if (!mentioned.includes(sequence)) return;
  const left = mentioned.filter((each) => each !== sequence);
  conversation.mentioned = left.length === 0 ? nothingMentioned : left;
}

function forgetRead(conversation: UserConversation): void {
  const { uncounted, mentioned, read } = conversation;
  if (uncounted.length > 0 && uncounted[0]! <= read) {
    const left = uncounted.filter((sequence) => sequence > read);
    conversation.uncounted = left.length === 0 ? nothingUncounted : left;
  }
  if (mentioned.length > 0 && mentioned[0]! <= read) {
    const left = mentioned.filter((sequence) => sequence > read);
    conversation.mentioned = left.length === 0 ? nothingMentioned : left;
  }
}

function changeOf(event: EntryAppended): EntryChange | undefined {
  const { membership, diffusion, title, firstVisible } = event;
  const isPlain = membership === Membership.UNCHANGED && diffusion === Diffusion.UNSPECIFIED && title === '';
  if (isPlain) return undefined;
  const change = { kind: 'membership', membership, diffusion, title } as const;
  return firstVisible === undefined ? change : { ...change, firstVisible };
}

function moveReadPointer(state: UserState, event: ReadPointerMoved): void {
  const conversation = state.conversations.get(event.conversation);
  let unread = 0;
  let unreadMentions = 0;
  if (conversation !== undefined) {
    conversation.read = Math.max(conversation.read, event.sequence);
    forgetRead(conversation);
    const settings = conversation.own?.settings;
    if (settings?.markedUnread === true)
      conversation.own = withSettings(conversation.own, { ...settings, markedUnread: false });
    unread = unreadOf(conversation);
    unreadMentions = conversation.mentioned.length;
  }
  const change = { kind: 'read-moved', unread, unreadMentions } as const;
  appendToInbox(state.inbox, conversation?.conversation ?? event.conversation, event.sequence, change);
}

/** The conversation moves to the end of the list, so that left ones stand in the order of leaving. Leaving is rare. */
function forgetLongestLeft(state: UserState, conversation: UserConversation): void {
  ownConversations(state).delete(conversation.conversation);
  ownConversations(state).set(conversation.conversation, conversation);
  const left = [...state.conversations.values()].filter((each) => each.left > 0);
  const oldest = left[0];
  if (oldest !== undefined && left.length > state.limits.leftConversationsMax) {
    ownConversations(state).delete(oldest.conversation);
  }
}
