// Log messages between domain and wire. Plain texts have the same shape on both sides and are the hot case: nothing is
// converted on the way out, one object is made on the way in.
import type { EmojiCount, LogMessage, SystemChange } from '@parley/domain';
import { type parley, wire } from '../messages.ts';
import { encodeText, isPlainText } from './hot-values.ts';
import { readSettings } from './group-parts-codec.ts';
import { readRich } from './rich-content-codec.ts';
import { list, listOf, oneOf, plain } from './shape.ts';

export type WireMessage = parley.v1.Message.$Properties;

/** What the generated code encodes as parley.v1.Message. */
export const toWireMessage = (message: LogMessage): WireMessage =>
  message.system === undefined
    ? (message as WireMessage)
    : { ...(message as WireMessage), system: systemChanges.wrap(message.system) };

export const encodeLogMessage = (message: LogMessage): Uint8Array =>
  isPlainText(message) ? encodeText(message) : wire.Message.encode(toWireMessage(message)).finish();

export const decodeLogMessage = (bytes: Uint8Array): LogMessage =>
  fromWireMessage(wire.Message.decode(bytes));

/** A plain object that shares nothing with the decoded message. */
export function fromWireMessage(message: parley.v1.Message): LogMessage {
  const { conversation, sequence, sender, clientMessageId, sentAtMs, system, edited, recalled } = message;
  const head = { conversation, sequence, sender, clientMessageId, sentAtMs };
  if (system != null) return { ...head, system: systemChanges.unwrap(system) };
  if (edited != null) {
    const rich = readRich(edited.rich);
    const content = { sequence: edited.sequence ?? 0, text: edited.text ?? '' };
    return { ...head, edited: rich === undefined ? content : { ...content, rich } };
  }
  if (recalled != null) return { ...head, recalled: { sequence: recalled.sequence ?? 0 } };
  const text = message.text ?? '';
  if (message.rich == null && message.revision === 0)
    return { conversation, sequence, sender, clientMessageId, sentAtMs, text };
  return { ...head, text, ...changesOf(message) };
}

/** What a text has only when it is more than one, or was changed. */
function changesOf({ rich: content, revision, changedAtMs, isRecalled }: parley.v1.Message) {
  const rich = readRich(content);
  return {
    ...(rich && { rich }),
    ...(revision > 0 && { revision, changedAtMs }),
    ...(isRecalled && { isRecalled }),
  };
}

/** For a field: absent is an error, a log message always is there. */
export function logMessageField(message: parley.v1.Message | null | undefined): LogMessage {
  if (message === null || message === undefined) throw new RangeError('a log message is absent');
  return fromWireMessage(message);
}

const systemChanges = oneOf<SystemChange>('System', {
  GroupCreated: { title: plain, members: list },
  MembersAdded: { members: list },
  MemberRemoved: { member: plain },
  MemberLeft: { member: plain },
  GroupDismissed: {},
  DiffusionChanged: { diffusion: plain },
  RoleChanged: { member: plain, role: plain },
  MemberMuted: { member: plain, mutedUntilMs: plain },
  MessageReacted: {
    sequence: plain,
    emoji: plain,
    isRemoved: plain,
    reactions: listOf<EmojiCount>({ emoji: plain, count: plain }),
  },
  MessagePinned: { sequence: plain },
  MessageUnpinned: { sequence: plain },
  ProfileChanged: { title: plain, avatar: plain },
  AnnouncementChanged: { text: plain },
  SettingsChanged: { settings: readSettings },
  BanChanged: { member: plain, isBanned: plain },
  WindowsChanged: {},
  JoinRequested: { user: plain },
  NicknameChanged: { member: plain, nickname: plain },
});
