// Log messages between domain and wire. Texts have the same shape on both sides and are the hot case: nothing is
// converted on the way out, one object is made on the way in.
import type { LogMessage, SystemChange } from '@parley/domain';
import { type parley, wire } from '../messages.ts';
import { encodeText } from './hot-values.ts';
import { list, oneOf, plain } from './shape.ts';

export type WireMessage = parley.v1.Message.$Properties;

/** What the generated code encodes as parley.v1.Message. */
export const toWireMessage = (message: LogMessage): WireMessage =>
  message.system === undefined
    ? (message as WireMessage)
    : { ...message, system: systemChanges.wrap(message.system) };

export const encodeLogMessage = (message: LogMessage): Uint8Array =>
  message.text === undefined ? wire.Message.encode(toWireMessage(message)).finish() : encodeText(message);

export const decodeLogMessage = (bytes: Uint8Array): LogMessage =>
  fromWireMessage(wire.Message.decode(bytes));

/** A plain object that shares nothing with the decoded message. */
export function fromWireMessage(message: parley.v1.Message): LogMessage {
  const { conversation, sequence, sender, clientMessageId, sentAtMs, system } = message;
  if (system !== null && system !== undefined) {
    const change = systemChanges.unwrap(system);
    return { conversation, sequence, sender, clientMessageId, sentAtMs, system: change };
  }
  return { conversation, sequence, sender, clientMessageId, sentAtMs, text: message.text ?? '' };
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
});
