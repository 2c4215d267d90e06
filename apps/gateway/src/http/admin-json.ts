// The past as the HTTP API shows it to admins.
import { type parley, internal } from '@parley/protocol';
import type { z } from 'zod';
import type {
  auditAnswer,
  conversationAsOfAnswer,
  holdsAnswer,
  inboxAsOfAnswer,
  retentionAnswer,
  versionsAnswer,
} from './admin-schemas.ts';
import { diffusionWord, messageJson, roleWord } from './wire-json.ts';

type Wire = parley.internal.v1.AdminAnswer;
const orNull = (text: string | null | undefined): string | null => text || null;

export function conversationAsOfJson(answer: Wire): z.infer<typeof conversationAsOfAnswer> {
  const one = filled(internal.ConversationAsOf, answer.conversationAsOf);
  const { conversation, head, headAtMs, title, isDismissed, diffusionSince, memberCount } = one;
  const { completeThrough, firstKept } = one;
  const policy = one.policy ?? undefined;
  return {
    ...{ conversation, head, headAtMs, title, isDismissed },
    diffusion: one.diffusion ? diffusionWord(one.diffusion) : null,
    diffusionSince,
    policy:
      policy === undefined
        ? null
        : {
            membersMax: policy.membersMax ?? 0,
            largeFrom: policy.largeFrom ?? 0,
            smallTo: policy.smallTo ?? 0,
          },
    memberCount,
    members: one.members.map(({ user, role, joined, mutedUntilMs }) => ({
      user: user ?? '',
      role: roleWord(role),
      joined: joined ?? 0,
      mutedUntilMs: mutedUntilMs ?? 0,
    })),
    nextMembers: orNull(one.nextMembers),
    readPointers: one.readPointers.map(({ user, sequence }) => ({
      user: user ?? '',
      sequence: sequence ?? 0,
    })),
    ...{ completeThrough, firstKept },
    completeThroughMs: answer.completeThroughMs,
  };
}

export function versionsJson(answer: Wire): z.infer<typeof versionsAnswer> {
  const { conversation, sequence, versions, more, completeThrough, firstKept } = filled(
    internal.MessageVersions,
    answer.messageVersions,
  );
  return {
    ...{ conversation, sequence },
    versions: versions.map(({ sequence: own, atMs, element }) => ({
      sequence: own ?? 0,
      atMs: atMs ?? 0,
      element: messageJson(element ?? {}),
    })),
    ...{ more, completeThrough, firstKept },
    completeThroughMs: answer.completeThroughMs,
  };
}

export function inboxAsOfJson(answer: Wire): z.infer<typeof inboxAsOfAnswer> {
  const one = filled(internal.InboxAsOf, answer.inboxAsOf);
  const { user, handle, displayName, registeredAtMs, position, first, more } = one;
  return {
    ...{ user, handle, displayName, registeredAtMs, position, first },
    entries: one.entries.map((entry) => ({
      position: entry.position ?? 0,
      conversation: entry.conversation ?? '',
      sequence: entry.sequence ?? 0,
      change: changeWord(entry),
    })),
    more,
    conversations: one.conversations.map((each) => ({
      conversation: each.conversation ?? '',
      title: each.title ?? '',
      head: each.head ?? 0,
      read: each.read ?? 0,
      unread: each.unread ?? 0,
      firstVisible: each.firstVisible ?? 0,
      peerRead: each.peerRead ?? 0,
      left: each.left ?? 0,
    })),
    nextConversations: orNull(one.nextConversations),
    completeThroughMs: answer.completeThroughMs,
  };
}

export function retentionJson(answer: Wire): z.infer<typeof retentionAnswer> {
  const { days, by, atMs, deletedBeforeMs } = filled(internal.Retention, answer.retention);
  return { days, by, atMs, deletedBeforeMs };
}

export function holdsJson(answer: Wire): z.infer<typeof holdsAnswer> {
  const { holds, more } = filled(internal.Holds, answer.holds);
  return {
    holds: holds.map(({ kind, id, by, atMs, reason }) => ({
      ...{ kind: kind ?? '', id: id ?? '', by: by ?? '', atMs: atMs ?? 0, reason: reason ?? '' },
    })),
    more,
  };
}

export function auditJson(answer: Wire): z.infer<typeof auditAnswer> {
  const { entries, next } = filled(internal.Audit, answer.audit);
  return {
    entries: entries.map(({ atMs, id, by, action, subject, details }) => ({
      ...{ atMs: atMs ?? 0, id: id ?? '', by: by ?? '', action: action ?? '' },
      ...{ subject: subject ?? '', details: details ?? '' },
    })),
    next: orNull(next),
  };
}

/** With defaults in the place of what was not sent. */
function filled<Properties, Filled>(
  type: new (properties?: Properties) => Filled,
  message: Properties | null | undefined,
): Filled {
  return new type(message ?? undefined);
}

function changeWord({
  isReadMoved,
  settings,
  narrowed,
  membership,
  personal,
}: parley.internal.v1.InboxEntry.$Properties) {
  if (personal != null) return 'personal';
  if (isReadMoved) return 'read';
  if (settings != null) return 'settings';
  if (narrowed != null) return 'deleted';
  if (membership === internal.Membership.MEMBERSHIP_JOINED) return 'joined';
  return membership === internal.Membership.MEMBERSHIP_LEFT ? 'left' : 'message';
}
