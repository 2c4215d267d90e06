// What requests and answers of the HTTP API look like: checked on the way in, documented on the OpenAPI page.
import {
  idPattern,
  parseConversation,
  searchKinds,
  searchSorts,
  tenantPattern,
  timeMsMax,
} from '@parley/protocol';
import { parseMoment } from '@parley/std';
import { z } from 'zod';
import { httpLimits } from './http-limits.ts';

const idRule = 'must be 1 to 64 of letters, digits, _ and -';
// Control characters, the marks that turn the direction of text, and half surrogate pairs have no place in a name.
export const printable = /^[^\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]*$/u;

export const userId = z.string().regex(idPattern, idRule);
export const groupId = z.string().regex(idPattern, idRule);
export const tenantId = z.string().regex(tenantPattern, 'must be 1 to 32 of letters, digits, _ and -');
export const conversationId = z
  .string()
  .refine((text) => parseConversation(text) !== undefined, 'must be d.<user>.<user> or g.<group>');

// Passwords are compared as NFKC, so that the same keys on another keyboard give the same password.
const password = z.string().max(256).normalize('NFKC').min(8);
export const displayName = z
  .string()
  .trim()
  .min(1)
  .max(128)
  .regex(printable, 'must not have control characters');
export const title = z.string().trim().min(1).max(256).regex(printable, 'must not have control characters');
const members = z.array(userId).max(httpLimits.membersPerRequestMax);

export const registerBody = z.strictObject({
  tenant: tenantId.optional(),
  handle: userId,
  password,
  displayName: displayName.optional(),
  deviceId: userId.optional().describe('the token is for this device only'),
});

export const logInBody = z.strictObject({
  tenant: tenantId.optional(),
  handle: userId,
  // Not checked as for a new one: whatever it is, it is right or wrong.
  password: z.string().max(256).normalize('NFKC'),
  deviceId: userId.optional().describe('the token is for this device only'),
});

export const createGroupBody = z.strictObject({
  id: groupId.optional(),
  title,
  members: members.default([]),
});
export const addMembersBody = z.strictObject({ members: members.min(1) });
export const roleBody = z.strictObject({ role: z.enum(['member', 'admin', 'owner']) });
export const muteBody = z.strictObject({ untilMs: z.int().min(0).describe('0 lifts the mute') });

export const count = (fallback: number, max: number) =>
  z.coerce
    .number()
    .int()
    .min(1)
    .default(fallback)
    .transform((wish) => Math.min(wish, max));
/** In the path. */
export const sequenceNumber = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const sequence = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0);

export const memberPageQuery = z.strictObject({
  after: userId.or(z.literal('')).default(''),
  limit: count(100, httpLimits.pageMax),
});

export const messagePageQuery = z
  .strictObject({
    before: sequence,
    after: sequence,
    around: sequence.describe('this message in the middle of the page'),
    atMs: sequence.describe('the first message sent at or after this time in the middle of the page'),
    limit: count(50, httpLimits.pageMax),
  })
  .refine(
    ({ before, after, around, atMs }) => [before, after, around, atMs].filter((one) => one > 0).length <= 1,
    'give one of before, after, around and atMs, or none',
  );

export const exportQuery = z
  .strictObject({
    format: z.enum(['jsonl', 'csv', 'parquet']).default('jsonl'),
    fromMs: sequence.describe('only messages sent at or after this time'),
    toMs: sequence.describe('only messages sent before this time; 0: no end'),
  })
  .refine(({ fromMs, toMs }) => Math.max(fromMs, toMs) <= timeMsMax, 'times end with the year 2298')
  .refine(({ fromMs, toMs }) => toMs === 0 || fromMs < toMs, 'fromMs must be before toMs');

/** Given once or several times in a query. */
const several = <T extends z.ZodType>(one: T, max: number) =>
  z
    .union([one.transform((value) => [value]), z.array(one).max(max)])
    .default([])
    .describe('may be repeated');
const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');
const moment = z
  .string()
  .transform((text) => (/^\d{1,15}$/.test(text) ? Number(text) : (parseMoment(text) ?? -1)))
  .refine((ms) => ms >= 0 && ms <= timeMsMax, 'must be 2026-01-31, 2026-01-31T13:45:00Z or milliseconds')
  .default(0);

export const searchQuery = z
  .strictObject({
    q: z
      .string()
      .trim()
      .max(httpLimits.searchTextCharactersMax)
      .default('')
      .describe('words, "phrases", beginnings*, -excluded, filters; may be left out where a filter is given'),
    conversation: several(conversationId, httpLimits.conversationsPerSearchMax),
    sender: userId.optional(),
    kind: several(z.enum(searchKinds), searchKinds.length),
    hasAttachment: flag,
    mentionsMe: flag.describe('the caller, or everybody'),
    sentAfter: moment.describe('sent at this moment or later'),
    sentBefore: moment.describe('sent before this moment'),
    sort: z.enum(searchSorts).default('newest'),
    limit: count(20, 100),
    before: z.string().max(512).default('').describe('`next` of the page before, in the same order'),
  })
  .refine(
    ({ q, conversation, sender, kind, hasAttachment, mentionsMe, sentAfter, sentBefore }) =>
      q !== '' ||
      conversation.length + kind.length + sentAfter + sentBefore > 0 ||
      sender !== undefined ||
      hasAttachment ||
      mentionsMe,
    'say what to search for: q, or a filter',
  );

export const analyticsName = z.string().regex(/^[a-z-]{1,64}$/, 'must be the name of a question');
export const analyticsQuery = z
  .record(z.string().max(64), z.string().max(256))
  .refine((query) => Object.keys(query).length <= 16, 'too many parameters');

export const presenceQuery = z.strictObject({
  users: z
    .string()
    .transform((list) => list.split(',').filter((user) => user !== ''))
    .pipe(z.array(userId).min(1).max(httpLimits.presenceUsersMax)),
});

// ---------- answers ----------

export const user = z.object({ tenant: z.string(), id: z.string(), displayName: z.string() });
export const sessionAnswer = z.object({ token: z.string(), expiresAtMs: z.int(), user });

export const diffusion = z.enum(['write', 'read']);
export const role = z.enum(['member', 'admin', 'owner']);
export const createdGroupAnswer = z.object({ id: z.string(), conversation: z.string() });
export const memberPage = z.object({
  members: z.array(
    z.object({
      user: z.string(),
      role,
      joined: z.int(),
      mutedUntilMs: z.int().describe('0: not muted'),
      nickname: z.string(),
    }),
  ),
  count: z.int(),
  next: z.string().nullable().describe('`after` for the next page'),
});
export const readersAnswer = z.object({
  sequence: z.int(),
  count: z.int().describe('members who have read it; whoever wrote it, too'),
  memberCount: z.int().describe('members who were there when it was written'),
  users: z.array(z.string()).describe('empty in groups that are too large to list them'),
  next: z.string().nullable().describe('`after` for the next page'),
});
export const conversationList = z.object({
  inboxPosition: z.int(),
  conversations: z.array(
    z.object({
      conversation: z.string(),
      title: z.string(),
      head: z.int(),
      read: z.int(),
      unread: z.int(),
      unreadMentions: z.int().describe('unread messages that mention you or everybody'),
      firstVisible: z.int(),
      diffusion,
      peerRead: z.int(),
      peerDelivered: z.int().describe('directs: how far a device of the other one has got it'),
      left: z.int().describe('sequence at which you left; 0 while a member'),
      settings: z
        .object({
          doNotDisturbUntilMs: z.int(),
          pinned: z.boolean(),
          hidden: z.boolean(),
          markedUnread: z.boolean(),
        })
        .optional()
        .describe('your own; absent while all are as they were from the start'),
      clearedThrough: z.int().optional().describe('you have cleared the history up to here'),
    }),
  ),
});
const message = z.object({
  conversation: z.string(),
  sequence: z.int(),
  sender: z.string(),
  clientMessageId: z.string(),
  sentAtMs: z.int(),
  text: z.string().optional(),
  system: z.looseObject({}).optional(),
  rich: z
    .looseObject({})
    .optional()
    .describe('attachment, mentions, answer, forward: RichContent of the protocol'),
  edited: z.looseObject({ sequence: z.int() }).optional().describe('the edit of an earlier message'),
  recalled: z.looseObject({ sequence: z.int() }).optional().describe('the recall of an earlier message'),
  revision: z.int().optional().describe('sequence of the change that made the message what it is'),
  changedAtMs: z.int().optional(),
  isRecalled: z.boolean().optional(),
  isErased: z.boolean().optional().describe('its key was destroyed: nobody can read it any more'),
  reactions: z
    .array(
      z.object({
        emoji: z.string(),
        count: z.int(),
        own: z.boolean().describe('you are among them'),
        users: z.array(z.string()).describe('the first 20'),
      }),
    )
    .optional(),
});
export const pinnedMessages = z.object({
  messages: z.array(message).describe('the newest pin last'),
});
export const messagePage = z.object({
  conversation: z.string(),
  messages: z.array(message),
  head: z.int(),
  more: z.boolean(),
  firstVisible: z.int(),
  around: z.int().optional().describe('with around or atMs: the first readable sequence there'),
  pinned: z.array(z.int()).describe('sequences of the messages that are pinned now, the newest pin last'),
  moreBefore: z.boolean().optional().describe('with around or atMs'),
  moreAfter: z.boolean().optional().describe('with around or atMs'),
});
export const searchAnswer = z.object({
  hits: z.array(
    z.object({
      message,
      snippet: z.string(),
      highlights: z
        .array(z.object({ start: z.int(), end: z.int() }))
        .describe('in UTF-16 units, end excluded'),
    }),
  ),
  next: z.string().nullable().describe('`before` for the next page'),
  completeThrough: z.array(z.object({ conversation: z.string(), sequence: z.int() })),
  completeThroughMs: z.int().describe('everything sent before this time was searched'),
});
export const exportDocument = z.string().describe('the document, as it is made');
export const endpointsAnswer = z.object({ endpoints: z.array(z.object({ url: z.string() })) });
export const presenceAnswer = z.object({
  users: z.array(z.object({ user: z.string(), online: z.boolean(), lastSeenMs: z.int() })),
});
export const problemAnswer = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string().optional(),
  retryable: z.boolean(),
  retryAfterMs: z.int().optional(),
});

export const analyticsCatalogue = z.object({
  questions: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      description: z.string(),
      parameters: z.array(
        z.object({
          name: z.string(),
          type: z.enum(['time', 'integer', 'choice', 'conversation']),
          description: z.string(),
          byDefault: z.union([z.number(), z.string()]).optional(),
          choices: z.array(z.string()).optional(),
          min: z.number().optional(),
          max: z.number().optional(),
        }),
      ),
      columns: z.array(z.string()),
      plot: z.enum(['lines', 'bars', 'grid', 'table']),
    }),
  ),
});

export const analyticsAnswer = z.object({
  columns: z.array(z.string()),
  rows: z.array(z.array(z.union([z.string(), z.number()]))),
  rowsRead: z.int(),
  completeThroughMs: z.int().describe('every message sent before is in the store'),
  countedThroughMs: z.int().describe('roll-ups count everything before; 0: not known'),
});
