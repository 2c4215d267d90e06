// Direct conversations: domain values ↔ bytes. What is read from journals and snapshots was written by any earlier
// version: an upcast of old events belongs into decodeDirectEvent, before the value leaves this file.
import {
  type ConversationLimits,
  type DirectCommand,
  type DirectEvent,
  type DirectState,
  conversationLimits,
  restoreDirect,
  snapshotOfDirect,
} from '@parley/domain';
import type { EntityAddress } from '@parley/std';
import { internal } from '../messages.ts';
import { encodeRefusal, encodeReply } from './answer-codec.ts';
import { readConversationSnapshot, toConversationSnapshot } from './conversation-snapshot-codec.ts';
import { encodePosted, isPlainPost, readPost, readPosted } from './hot-values.ts';
import {
  type PostFields,
  conversationCommands,
  conversationEvents,
  withWireTarget,
} from './conversation-shapes.ts';
import { oneOf, plain } from './shape.ts';

export const createDirectCodec = (limits: ConversationLimits = conversationLimits) => ({
  encodeCommand: encodeDirectCommand,
  decodeCommand: decodeDirectCommand,
  encodeEvent: encodeDirectEvent,
  decodeEvent: decodeDirectEvent,
  encodeSnapshot: encodeDirectSnapshot,
  decodeSnapshot: (bytes: Uint8Array, address: EntityAddress) => decodeDirectSnapshot(bytes, address, limits),
  encodeReply,
  encodeRefusal,
  encodePayload: (): Uint8Array => {
    throw new RangeError('a direct conversation pushes nothing itself');
  },
});

export const directCodec = createDirectCodec();

export function encodeDirectCommand(command: DirectCommand): Uint8Array {
  if (command.type === 'PostMessage')
    return internal.DirectCommand.encode({ postMessage: command as PostFields }).finish();
  return internal.DirectCommand.encode(commands.wrap(withWireTarget(command))).finish();
}

/** Throws on bytes that are no command. */
export function decodeDirectCommand(bytes: Uint8Array): DirectCommand {
  return readPost(bytes) ?? commands.unwrap(internal.DirectCommand.decode(bytes));
}

export function encodeDirectEvent(event: DirectEvent): Uint8Array {
  if (event.type === 'MessagePosted' && isPlainPost(event)) return encodePosted(event);
  return internal.DirectEvent.encode(events.wrap(event)).finish();
}

export function decodeDirectEvent(bytes: Uint8Array): DirectEvent {
  return readPosted(bytes) ?? events.unwrap(internal.DirectEvent.decode(bytes));
}

export function encodeDirectSnapshot(state: DirectState): Uint8Array {
  const { conversation, ...others } = snapshotOfDirect(state);
  return internal.DirectSnapshot.encode({
    conversation: toConversationSnapshot(conversation),
    ...others,
  }).finish();
}

function decodeDirectSnapshot(
  bytes: Uint8Array,
  address: EntityAddress,
  limits: ConversationLimits,
): DirectState {
  const message = internal.DirectSnapshot.decode(bytes);
  const { readByFirst, readBySecond, refusedByFirst, refusedBySecond } = message;
  const conversation = readConversationSnapshot(message.conversation);
  const others = { readByFirst, readBySecond, refusedByFirst, refusedBySecond };
  return restoreDirect(address, { conversation, ...others }, limits);
}

const commands = oneOf<DirectCommand>('DirectCommand', {
  ...conversationCommands,
  MarkRead: { reader: plain, sequence: plain },
  SetRefusal: { user: plain, refusal: plain },
});

const events = oneOf<DirectEvent>('DirectEvent', {
  ...conversationEvents,
  ReadAdvanced: { reader: plain, sequence: plain },
  RefusalSet: { user: plain, refusal: plain },
});
