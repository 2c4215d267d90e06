// The rules of a user: account, inbox, read pointers.
import { type Accepted, type DecideContext, type Decider, type Decision, type Effect } from '@parley/std';
import { accepted, assertNever, refused } from '@parley/std';
import { directIdOf, isDirectConversation, peerOfDirect } from '../conversation/conversation-id.ts';
import { Diffusion } from '../conversation/diffusion.ts';
import { type Done, done, nothingToDo } from '../conversation/done.ts';
import { markedBy } from '../conversation/mark-message.ts';
import { changeIn } from '../conversation/message-change.ts';
import { mentioningIn } from '../conversation/mentioning.ts';
import type { MarkRead } from '../direct/direct-command.ts';
import { type ConversationSettingsChanged, decideNarrow, decideSet, isGone } from './own-conversation.ts';
import { withoutContent } from '../conversation/message-change.ts';
import { decideClaim, decideLogOut } from './device.ts';
import { decideAcknowledge, decidePeerDelivered, effectsOfDelivered } from './delivered.ts';
import { Membership } from './membership.ts';
import { type PersonalEvent, personalChangeOf } from './personal.ts';
import { decideProfile, decideWriteRule } from './profile-rules.ts';
import { effectsOfRelation, effectsOfUnwanted, effectsOfWriteRule } from './relation-effects.ts';
import { decidePeerRelation, decideRelation } from './relation-rules.ts';
import type { Deliver, NotePeerRead, ReadConversation, ReadDone } from './user-command.ts';
import type { RegisterUser, UserCommand, UserReply } from './user-command.ts';
import type { EntryAppended, ReadPointerMoved, UserEvent } from './user-event.ts';
import { evolveUser } from './user-evolve.ts';
import { type UserLimits, userLimits } from './user-limits.ts';
import type { PersonalPush, NarrowedPush, ReadMovedPush, ReceiptPush, SettingsPush } from './user-push.ts';
import { type UserConversation, type UserState, initialUser, unreadOf } from './user-state.ts';

type UserDecision = Decision<UserEvent, UserReply>;

export const createUserDecider = (
  limits: UserLimits = userLimits,
): Decider<UserState, UserCommand, UserEvent, UserReply> => ({
  initialState: (address) => initialUser(address, limits),
  decide: decideUser,
  evolve: evolveUser,
  effectsOf: effectsOfUser,
});

export const userDecider = createUserDecider();

function decideUser(state: UserState, command: UserCommand, context: DecideContext): UserDecision {
  switch (command.type) {
    case 'Deliver':
      return decideDeliver(state, command);
    case 'ReadConversation':
      return decideRead(state, command);
    case 'NotePeerRead':
      return decidePeerRead(state, command);
    case 'SetConversation':
      return decideSet(state, command);
    case 'NarrowView':
      return decideNarrow(state, command);
    case 'AcknowledgeInbox':
      return decideAcknowledge(state, command);
    case 'NotePeerDelivered':
      return decidePeerDelivered(state, command);
    case 'RegisterUser':
      return decideRegister(state, command, context.nowMs);
    case 'ChangeRelation':
      return decideRelation(state, command, context.nowMs);
    case 'NotePeerRelation':
      return decidePeerRelation(state, command, context.nowMs);
    case 'SetWriteRule':
      return decideWriteRule(state, command);
    case 'SetProfile':
      return decideProfile(state, command);
    case 'LogOutDevice':
      return decideLogOut(command, context.nowMs);
    case 'ClaimDevice':
      return decideClaim(state, command, context.nowMs);
    default:
      return assertNever(command, 'decideUser');
  }
}

/** The same registration again (the same salted hash, so the same request) is accepted once more. */
function decideRegister(state: UserState, command: RegisterUser, nowMs: number): UserDecision {
  const { handle, displayName, passwordHash } = command;
  if (state.account !== undefined) {
    const isSame = state.account.handle === handle && state.account.passwordHash === passwordHash;
    return isSame && passwordHash !== '' ? nothingToDo : refused('ALREADY_EXISTS');
  }
  return accepted([{ type: 'UserRegistered', handle, displayName, passwordHash, atMs: nowMs }], done);
}

/** Safe against repetition: what is not newer than the conversation's head in this inbox is here already. */
function decideDeliver(state: UserState, command: Deliver): UserDecision {
  const known = state.conversations.get(command.message.conversation);
  if (known !== undefined) {
    if (command.message.sequence <= known.head) return nothingToDo;
    if (known.left > 0 && command.membership !== Membership.JOINED) return nothingToDo;
    if (known.own !== undefined && command.message.edited !== undefined)
      return entryOf(withoutGone(known, command));
  }
  return entryOf(command);
}

/** The edit of a message this user has deleted says nothing to them. */
function withoutGone({ own }: UserConversation, command: Deliver): Deliver {
  const { message } = command;
  return isGone(own, message.edited?.sequence ?? 0)
    ? { ...command, message: withoutContent(message) }
    : command;
}

/**
 * One Deliver is told to many users, one right after another, and the event does not depend on who gets it, so all of them
 * share one event object (and one push object in it): the runtime commits equal neighbours once and encodes a payload
 * once by identity. Only the last one is kept: an entry in a WeakMap for each message cost the collector more than all the
 * rest.
 */
let last: { readonly command: Deliver; readonly decision: Accepted<EntryAppended, Done> } | undefined;

function entryOf(command: Deliver): Accepted<EntryAppended, Done> {
  if (last?.command !== command) last = { command, decision: accepted([entryAppended(command)], done) };
  return last.decision;
}

function entryAppended(command: Deliver): EntryAppended {
  const { message, membership, diffusion, title, firstVisible } = command;
  const first = firstVisible === undefined ? {} : { firstVisible };
  const entry: EntryAppended = {
    type: 'EntryAppended',
    conversation: message.conversation,
    sequence: message.sequence,
    sender: message.sender,
    atMs: message.sentAtMs,
    membership,
    diffusion,
    title,
    push: { type: 'Entry', message, diffusion, left: membership === Membership.LEFT, title, ...first },
    ...first,
  };
  // Most entries are plain texts.
  if (message.text !== undefined && message.rich === undefined) return entry;
  const mentioning = mentioningIn(message);
  const mentions = mentioning === undefined ? command.mentions : [mentioning];
  const told = mentions === undefined ? entry : { ...entry, mentions };
  if (message.text !== undefined) return told;
  const marked = markedBy(message);
  if (marked !== undefined) return { ...told, target: marked, isMark: true };
  const change = changeIn(message);
  if (change === undefined) return told;
  const { target, isRecall } = change;
  return isRecall ? { ...told, target, isRecall } : { ...told, target };
}

function decideRead(state: UserState, command: ReadConversation): UserDecision {
  const known = state.conversations.get(command.conversation);
  if (known === undefined) return refused('CONVERSATION_NOT_FOUND');
  if (command.sequence > readMax(known)) return refused('SEQUENCE_FROM_FUTURE');
  if (command.sequence <= known.read) return accepted(readAgain(known), readDone(known, known.read));
  const { conversation, sequence } = command;
  return accepted([{ type: 'ReadPointerMoved', conversation, sequence }], readDone(known, sequence));
}

/** Who has read all of it, and marked it unread, looks at it again: the mark goes. */
function readAgain({ conversation, own }: UserConversation): readonly ConversationSettingsChanged[] {
  if (own === undefined || !own.settings.markedUnread) return [];
  const settings = { ...own.settings, markedUnread: false };
  return [{ type: 'ConversationSettingsChanged', conversation, settings }];
}

/** How far the pointer may go. Under read-diffusion the head is the group's; the gateway has compared with it. */
function readMax(known: UserConversation): number {
  if (known.left > 0) return known.left;
  return known.diffusion === Diffusion.READ ? Number.MAX_SAFE_INTEGER : Math.max(known.head, known.read);
}

const readDone = (known: UserConversation, read: number): ReadDone => ({
  type: 'ReadDone',
  conversation: known.conversation,
  sequence: read,
  unread: Math.max(0, known.head - read - countAfter(known.uncounted, read)),
  unreadMentions: countAfter(known.mentioned, read),
});

const countAfter = (sequences: readonly number[], read: number): number =>
  sequences.reduce((count, sequence) => (sequence > read ? count + 1 : count), 0);

function decidePeerRead(state: UserState, command: NotePeerRead): UserDecision {
  const { conversation, sequence } = command;
  const known = state.conversations.get(conversation);
  if (known === undefined || sequence <= known.peerRead) return nothingToDo;
  return accepted([{ type: 'PeerReadNoted', conversation, sequence }], done);
}

function effectsOfUser(event: UserEvent, state: UserState): readonly Effect[] {
  switch (event.type) {
    case 'EntryAppended':
      return effectsOfEntry(event, state);
    case 'ReadPointerMoved':
      return effectsOfRead(event, state);
    case 'PeerReadNoted': {
      const { conversation, sequence } = event;
      const user = peerOfDirect(conversation, state.user);
      const payload: ReceiptPush = { type: 'Receipt', conversation, user, sequence };
      return [{ kind: 'push', position: 0, payload }];
    }
    case 'ConversationSettingsChanged': {
      const { conversation, settings } = event;
      const payload: SettingsPush = { type: 'SettingsChanged', conversation, settings };
      return [{ kind: 'push', position: state.inbox.last, payload }];
    }
    case 'ViewNarrowed': {
      const payload: NarrowedPush = event;
      return [{ kind: 'push', position: state.inbox.last, payload }];
    }
    case 'InboxDelivered':
    case 'PeerDeliveredNoted':
      return effectsOfDelivered(event, state);
    case 'UserRegistered':
      return [];
    case 'RelationChanged':
      return [personalPush(event, state), ...effectsOfRelation(event, state)];
    case 'WriteRuleChanged':
      return [personalPush(event, state), ...effectsOfWriteRule(state)];
    case 'UserProfileChanged':
    case 'DeviceLoggedOut':
      return [personalPush(event, state)];
    case 'DeviceClaimed':
      return [];
    default:
      return assertNever(event, 'effectsOfUser');
  }
}

function effectsOfEntry(event: EntryAppended, state: UserState): readonly Effect[] {
  if (event.push === undefined) return [];
  const push: Effect = { kind: 'push', position: state.inbox.last, payload: event.push };
  const unwanted = effectsOfUnwanted(event, state);
  return unwanted.length === 0 ? [push] : [push, ...unwanted];
}

function personalPush(event: PersonalEvent, state: UserState): Effect {
  const payload: PersonalPush = { type: 'Personal', change: personalChangeOf(event) };
  return { kind: 'push', position: state.inbox.last, payload };
}

/** The user's devices learn of the pointer; in a direct conversation the peer does too, by way of the direct entity. */
function effectsOfRead(event: ReadPointerMoved, state: UserState): readonly Effect[] {
  const { conversation, sequence } = event;
  const known = state.conversations.get(conversation);
  const unread = known === undefined ? 0 : unreadOf(known);
  const unreadMentions = known?.mentioned.length ?? 0;
  const payload: ReadMovedPush = { type: 'ReadMoved', conversation, sequence, unread, unreadMentions };
  const push: Effect = { kind: 'push', position: state.inbox.last, payload };
  if (!isDirectConversation(conversation)) return [push];
  const command: MarkRead = { type: 'MarkRead', reader: state.user, sequence };
  return [push, { kind: 'tell', type: 'direct', ids: [directIdOf(conversation)], command }];
}
