// The rules of a one-to-one conversation.
import { type DecideContext, type Decider, type Decision, type Effect } from '@parley/std';
import { accepted, assertNever, refused } from '@parley/std';
import {
  type ChangeRights,
  type ChangeWindow,
  type EditMessage,
  type MessageEdited,
  type MessageRecalled,
  type RecallMessage,
  decideEdit,
  decideRecall,
  elementOfChange,
} from '../conversation/change-message.ts';
import { type ConversationLimits, conversationLimits } from '../conversation/conversation-limits.ts';
import { appendToLog, newestAt } from '../conversation/conversation-log.ts';
import { Diffusion } from '../conversation/diffusion.ts';
import { done, nothingToDo } from '../conversation/done.ts';
import {
  type MarkEvent,
  type PinMessage,
  type ReactToMessage,
  applyMark,
  decidePin,
  decideReact,
  elementOfMark,
} from '../conversation/mark-message.ts';
import type { MessagePosted, PostMessage } from '../conversation/post-message.ts';
import { decideNewPost, messageOfPost, repeatedPost } from '../conversation/post-message.ts';
import { Membership } from '../user/membership.ts';
import type { Deliver, NotePeerRead } from '../user/user-command.ts';
import type { DirectCommand, DirectReply, MarkRead } from './direct-command.ts';
import { type DirectEvent, type ReadAdvanced, directLogMessage } from './direct-event.ts';
import { type DirectState, initialDirect } from './direct-state.ts';
import { Refusal, type SetRefusal, noRefusals, refusalCode, refusalsOf } from './refusal.ts';

type DirectDecision = Decision<DirectEvent, DirectReply>;

export const createDirectDecider = (
  limits: ConversationLimits = conversationLimits,
): Decider<DirectState, DirectCommand, DirectEvent, DirectReply> => ({
  initialState: (address) => initialDirect(address, limits),
  decide: decideDirect,
  evolve: evolveDirect,
  effectsOf: effectsOfDirect,
});

export const directDecider = createDirectDecider();

function decideDirect(state: DirectState, command: DirectCommand, context: DecideContext): DirectDecision {
  switch (command.type) {
    case 'PostMessage':
      return decidePost(state, command, context.nowMs);
    case 'EditMessage':
    case 'RecallMessage':
      return decideChange(state, command, context.nowMs);
    case 'ReactToMessage':
    case 'PinMessage':
      return decideMark(state, command, context.nowMs);
    case 'MarkRead':
      return decideMarkRead(state, command);
    case 'SetRefusal':
      return decideRefusal(state, command);
    default:
      return assertNever(command, 'decideDirect');
  }
}

function decidePost(state: DirectState, command: PostMessage, nowMs: number): DirectDecision {
  if (!state.users.includes(command.sender)) return refused('NOT_A_MEMBER');
  const repeated = repeatedPost(state.log, command);
  if (repeated !== undefined) return repeated;
  const refusal = refusalOfPeer(state, command.sender);
  if (refusal !== Refusal.NONE) return refused(refusalCode(refusal));
  return decideNewPost(state.log, command, nowMs, canReadAll);
}

/** Whether the other one takes what `sender` writes. Nobody refuses themself. */
function refusalOfPeer({ refusals, first }: DirectState, sender: string): Refusal {
  if (refusals === noRefusals) return Refusal.NONE;
  return sender === first ? refusals.second : refusals.first;
}

function decideRefusal(state: DirectState, { user, refusal }: SetRefusal): DirectDecision {
  if (!state.users.includes(user) || state.users.length < 2) return refused('NOT_A_MEMBER');
  const known = user === state.first ? state.refusals.first : state.refusals.second;
  return refusal === known ? nothingToDo : accepted([{ type: 'RefusalSet', user, refusal }], done);
}

/** Each changes what is their own; nobody stands above the other. */
function decideChange(
  state: DirectState,
  command: EditMessage | RecallMessage,
  nowMs: number,
): DirectDecision {
  if (!state.users.includes(command.sender)) return refused('NOT_A_MEMBER');
  const repeated = repeatedPost(state.log, command);
  if (repeated !== undefined) return repeated;
  // A new text is news for the other one; taking something back never is refused.
  const refusal = command.type === 'EditMessage' ? refusalOfPeer(state, command.sender) : Refusal.NONE;
  if (refusal !== Refusal.NONE) return refused(refusalCode(refusal));
  const rights = ownRights(command.window);
  return command.type === 'EditMessage'
    ? decideEdit(state.log, command, { nowMs, rights })
    : decideRecall(state.log, command, { nowMs, rights });
}

/** Both may, on any message. */
function decideMark(state: DirectState, command: ReactToMessage | PinMessage, nowMs: number): DirectDecision {
  if (!state.users.includes(command.sender)) return refused('NOT_A_MEMBER');
  const place = { nowMs, canRead: canReadAll };
  return command.type === 'PinMessage'
    ? decidePin(state.log, command, place)
    : decideReact(state.log, command, { ...place, isQuiet: false });
}

const canReadAll = (): boolean => true;

const ownRights = ({ ownMs }: ChangeWindow): ChangeRights => ({
  ownMs,
  othersMs: () => undefined,
  canRead: canReadAll,
});

/** The pointer only rises, and never beyond the head. */
function decideMarkRead(state: DirectState, command: MarkRead): DirectDecision {
  const { reader } = command;
  if (!state.users.includes(reader)) return refused('NOT_A_MEMBER');
  const sequence = Math.min(command.sequence, state.log.head);
  if (sequence <= readBy(state, reader)) return nothingToDo;
  return accepted([{ type: 'ReadAdvanced', reader, sequence }], done);
}

function evolveDirect(state: DirectState, event: DirectEvent): DirectState {
  switch (event.type) {
    case 'MessagePosted':
      appendToLog(state.log, messageOfPost(event, state.log.conversation));
      // Whoever writes has read up to there; the user entities conclude the same from the message.
      advanceRead(state, event.sender, event.sequence);
      return state;
    case 'MessageEdited':
    case 'MessageRecalled':
      appendToLog(state.log, elementOfChange(event, state.log.conversation));
      return state;
    case 'MessageReacted':
    case 'MessagePinned':
    case 'MessageUnpinned':
      appendToLog(state.log, elementOfMark(event, state.log.conversation)!);
      applyMark(state.log, event);
      return state;
    case 'ReadAdvanced':
      advanceRead(state, event.reader, event.sequence);
      return state;
    case 'RefusalSet': {
      const { first, second } = state.refusals;
      const isFirst = event.user === state.first;
      state.refusals = refusalsOf(isFirst ? event.refusal : first, isFirst ? second : event.refusal);
      return state;
    }
    default:
      return assertNever(event, 'evolveDirect');
  }
}

function effectsOfDirect(event: DirectEvent, state: DirectState): readonly Effect[] {
  switch (event.type) {
    case 'MessagePosted':
    case 'MessageEdited':
    case 'MessageRecalled':
    case 'MessageReacted':
    case 'MessagePinned':
    case 'MessageUnpinned':
      return [tellUsers(event, state)];
    case 'ReadAdvanced':
      return tellPeer(event, state);
    case 'RefusalSet':
      return [];
    default:
      return assertNever(event, 'effectsOfDirect');
  }
}

type Element = MessagePosted | MessageEdited | MessageRecalled | MarkEvent;

function tellUsers(event: Element, state: DirectState): Effect {
  const { conversation } = state.log;
  const message = newestAt(state.log, event.sequence) ?? directLogMessage(event, conversation)!;
  const command: Deliver = {
    type: 'Deliver',
    message,
    membership: Membership.UNCHANGED,
    diffusion: Diffusion.UNSPECIFIED,
    title: '',
  };
  return { kind: 'tell', type: 'user', ids: state.users, command };
}

function tellPeer(event: ReadAdvanced, state: DirectState): readonly Effect[] {
  if (state.first === state.second) return [];
  const peer = event.reader;
  const { conversation } = state.log;
  const command: NotePeerRead = { type: 'NotePeerRead', conversation, peer, sequence: event.sequence };
  return [{ kind: 'tell', type: 'user', ids: [peer === state.first ? state.second : state.first], command }];
}

const readBy = (state: DirectState, user: string): number =>
  user === state.first ? state.readByFirst : state.readBySecond;

function advanceRead(state: DirectState, user: string, sequence: number): void {
  if (user === state.first) state.readByFirst = Math.max(state.readByFirst, sequence);
  if (user === state.second) state.readBySecond = Math.max(state.readBySecond, sequence);
}
