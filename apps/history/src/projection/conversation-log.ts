// What one journaled event means for history: log elements of conversations and changes of membership. Pure: a replay
// gives the same. Events of users, read pointers and whatever takes no sequence mean nothing here.
import {
  type DirectEvent,
  type GroupEvent,
  type LogMessage,
  changedMessage,
  conversationOfDirect,
  conversationOfGroup,
  directLogMessage,
  groupLogMessage,
  usersOfDirect,
} from '@parley/domain';
import { decodeDirectEvent, decodeGroupEvent } from '@parley/protocol';
import type { CommittedEvent } from '@parley/runtime';

export interface LogElement {
  readonly tenant: string;
  readonly message: LogMessage;
  /** Of an edit or a recall: the earlier message as it is from here on, and the kind it has had from the start. */
  readonly changed?: { readonly message: LogMessage; readonly kind: string };
  readonly memberships: readonly MembershipChange[];
}

export interface MembershipChange {
  readonly user: string;
  readonly isMember: boolean;
  /** From which sequence on, where that is not the element's: who joined sees what was said before. */
  readonly from?: number;
}

/** All others mean nothing here. */
export const conversationEventTypes: ReadonlySet<string> = new Set(['direct', 'group']);

/** Throws on an event this program does not know: the shard's projection stops, it never skips. */
export function logElementsOf(event: CommittedEvent): readonly LogElement[] {
  if (event.type === 'direct') return event.ids.flatMap((id) => directElement(event, id) ?? []);
  if (event.type === 'group') return event.ids.flatMap((id) => groupElement(event, id) ?? []);
  return [];
}

function directElement({ tenant, payload }: CommittedEvent, id: string): LogElement | undefined {
  const event = decodeDirectEvent(payload);
  const message = directLogMessage(event, conversationOfDirect(id));
  if (message === undefined) return undefined;
  // The first message puts the conversation on the list of both.
  const users = message.sequence === 1 ? [...new Set(usersOfDirect(id))] : [];
  const memberships = users.map((user) => ({ user, isMember: true }));
  return { tenant, message, ...changeOf(event, message), memberships };
}

function changeOf(
  event: DirectEvent | GroupEvent,
  { conversation }: LogMessage,
): Pick<LogElement, 'changed'> {
  return event.type === 'MessageEdited' || event.type === 'MessageRecalled'
    ? { changed: changedMessage(event, conversation) }
    : {};
}

function groupElement({ tenant, payload }: CommittedEvent, id: string): LogElement | undefined {
  const event = decodeGroupEvent(payload);
  const message = groupLogMessage(event, conversationOfGroup(id));
  if (message === undefined) return undefined;
  return { tenant, message, ...changeOf(event, message), memberships: membershipsOf(event) };
}

function membershipsOf(event: GroupEvent): readonly MembershipChange[] {
  switch (event.type) {
    case 'GroupCreated':
      return [...new Set([event.by, ...event.members])].map((user) => ({ user, isMember: true }));
    case 'MembersAdded':
      return event.members.flatMap((user, index) => {
        const from = event.firstVisible?.[index] ?? event.sequence;
        const joined = { user, isMember: true };
        return from < event.sequence ? [{ ...joined, from }, joined] : [joined];
      });
    case 'MemberRemoved':
    case 'MemberLeft':
      return [{ user: event.member, isMember: false }];
    default:
      return [];
  }
}
