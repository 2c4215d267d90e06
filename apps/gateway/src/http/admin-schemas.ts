// What requests and answers of the admin routes look like.
import { z } from 'zod';
import { conversationId, userId } from './schemas.ts';

const number = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0);
const atMs = number.describe('as it was then, milliseconds since 1970; 0: without bound');
const limit = z.coerce.number().int().min(1).max(1_000).default(100);

export const conversationAsOfQuery = z.strictObject({
  atMs,
  sequence: number.describe('as it was when this was the newest sequence; 0: without bound'),
  membersAfter: userId.or(z.literal('')).default('').describe('`nextMembers` of the page before'),
  limit,
});
export const versionsQuery = z.strictObject({
  atMs,
  through: number.describe('only versions made at most at this sequence; 0: without bound'),
  after: number.describe('sequence of the last version of the page before'),
});
export const inboxAsOfQuery = z.strictObject({
  atMs,
  position: number.describe('as it was when this was the newest position; 0: without bound'),
  after: number.describe('entries after this position'),
  limit,
  conversationsAfter: conversationId
    .or(z.literal(''))
    .default('')
    .describe('`nextConversations` of the page before'),
});
export const retentionBody = z.strictObject({
  days: z.int().min(0).max(36_500).describe('messages older than this are deleted; 0: never'),
});
export const holdBody = z.strictObject({ reason: z.string().trim().min(1).max(1_000) });
export const erasureBody = z
  .strictObject({
    user: userId.optional().describe('everything a person wrote, in `conversation` or everywhere'),
    conversation: conversationId.optional(),
    sequence: z.int().min(1).optional().describe('one message of `conversation`; without a user'),
    reason: z.string().trim().min(1).max(1_000),
  })
  .refine(
    ({ user, conversation, sequence }) =>
      (user === undefined) === (sequence !== undefined) && (user !== undefined || conversation !== undefined),
    {
      message: 'Give a user, a user and a conversation, or a conversation and a sequence.',
    },
  );
export const erasureAnswer = z.object({
  keys: z.int().describe('keys destroyed now; 0: they were gone already, or there was never one'),
});
export const holdsQuery = z.strictObject({
  afterKind: z.enum(['user', 'conversation']).or(z.literal('')).default(''),
  afterId: z.string().max(140).default(''),
});
export const auditQuery = z.strictObject({
  before: z.string().max(64).default('').describe('`next` of the page before'),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});

const role = z.enum(['member', 'admin', 'owner']);
const diffusion = z.enum(['write', 'read']);
const completeThroughMs = z.int().describe('everything committed before this time is in the answer');
const firstKept = z
  .int()
  .describe('messages with a smaller sequence have been deleted by retention; 0: none');
const completeThrough = z.int().describe('newest sequence of the conversation in the history store');

export const conversationAsOfAnswer = z.object({
  conversation: z.string(),
  head: z.int(),
  headAtMs: z.int(),
  title: z.string(),
  isDismissed: z.boolean(),
  diffusion: diffusion.nullable().describe('null: a direct conversation'),
  diffusionSince: z.int(),
  policy: z.object({ membersMax: z.int(), largeFrom: z.int(), smallTo: z.int() }).nullable(),
  memberCount: z.int(),
  members: z.array(z.object({ user: z.string(), role, joined: z.int(), mutedUntilMs: z.int() })),
  nextMembers: z.string().nullable(),
  readPointers: z.array(z.object({ user: z.string(), sequence: z.int() })),
  completeThrough,
  firstKept,
  completeThroughMs,
});
export const versionsAnswer = z.object({
  conversation: z.string(),
  sequence: z.int(),
  versions: z.array(z.object({ sequence: z.int(), atMs: z.int(), element: z.looseObject({}) })),
  more: z.boolean(),
  completeThrough,
  firstKept,
  completeThroughMs,
});
export const inboxAsOfAnswer = z.object({
  user: z.string(),
  handle: z.string(),
  displayName: z.string(),
  registeredAtMs: z.int(),
  position: z.int(),
  first: z.int().describe('oldest position the inbox still kept'),
  entries: z.array(
    z.object({
      position: z.int(),
      conversation: z.string(),
      sequence: z.int(),
      change: z.enum(['message', 'read', 'joined', 'left', 'personal', 'settings', 'deleted']),
    }),
  ),
  more: z.boolean(),
  conversations: z.array(
    z.object({
      conversation: z.string(),
      title: z.string(),
      head: z.int(),
      read: z.int(),
      unread: z.int(),
      firstVisible: z.int(),
      peerRead: z.int(),
      left: z.int(),
    }),
  ),
  nextConversations: z.string().nullable(),
  completeThroughMs,
});
export const retentionAnswer = z.object({
  days: z.int(),
  by: z.string(),
  atMs: z.int(),
  deletedBeforeMs: z
    .int()
    .describe('everything older has been deleted, but what was on hold; 0: nothing yet'),
});
const hold = z.object({
  kind: z.string(),
  id: z.string(),
  by: z.string(),
  atMs: z.int(),
  reason: z.string(),
});
export const holdsAnswer = z.object({ holds: z.array(hold), more: z.boolean() });
const auditEntry = z.object({
  atMs: z.int(),
  id: z.string(),
  by: z.string(),
  action: z.string(),
  subject: z.string(),
  details: z.string().describe('the request, as JSON'),
});
export const auditAnswer = z.object({ entries: z.array(auditEntry), next: z.string().nullable() });
