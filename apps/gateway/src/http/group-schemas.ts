// What requests and answers about the care of a group look like: profile, settings, bans, nicknames.
import { z } from 'zod';
import { diffusion, memberPageQuery, printable, role, title } from './schemas.ts';

const avatar = z.string().max(1_024).regex(printable, 'must not have control characters');
const atLeastOne = (body: object): boolean => Object.values(body).some((value) => value !== undefined);

export const profileBody = z
  .strictObject({ title: title.optional(), avatar: avatar.optional().describe('reference; empty: none') })
  .refine(atLeastOne, 'give title, avatar or both');

// Lines may be broken: it is a text and no name.
export const announcementBody = z.strictObject({
  text: z.string().max(4_096).describe('empty takes it away'),
});

export const settingsBody = z
  .strictObject({
    muteAll: z.boolean().optional().describe('only owner and admins may write'),
    joining: z
      .enum(['invite', 'request', 'open'])
      .optional()
      .describe('how people become members who are not added'),
    historyVisible: z.boolean().optional().describe('newcomers see what was said before'),
    slowModeMs: z
      .int()
      .min(0)
      .max(86_400_000)
      .optional()
      .describe('a member may write once in this time; 0: no limit'),
  })
  .refine(atLeastOne, 'give at least one setting');

const changeWindow = z.strictObject({
  ownMs: z.int().min(0).describe('for own messages'),
  managerMs: z.int().min(0).describe('for owner and admins'),
});
/** Null: as the tenant has it. */
export const windowsBody = z.strictObject({
  edit: changeWindow.nullable(),
  recall: changeWindow.nullable(),
});

export const nicknameBody = z.strictObject({
  nickname: z
    .string()
    .trim()
    .max(64)
    .regex(printable, 'must not have control characters')
    .describe('empty takes it away'),
});

const next = z.string().nullable().describe('`after` for the next page');
export const listQuery = memberPageQuery;
export const banList = z.object({
  bans: z.array(z.object({ user: z.string(), by: z.string(), atMs: z.int() })),
  next,
});

export const groupAnswer = z.object({
  id: z.string(),
  conversation: z.string(),
  title: z.string(),
  avatar: z.string(),
  announcement: z.object({ text: z.string(), by: z.string(), atMs: z.int() }).nullable(),
  settings: z.object({
    muteAll: z.boolean(),
    slowModeMs: z.int(),
    joining: z.enum(['invite', 'request', 'open']),
    historyVisible: z.boolean(),
  }),
  windows: z
    .object({ edit: changeWindow.nullable(), recall: changeWindow.nullable() })
    .describe('null: as the tenant has it'),
  head: z.int(),
  count: z.int(),
  diffusion,
  role: role.describe('of the caller'),
  nickname: z.string().describe('of the caller'),
  isDismissed: z.boolean(),
});

export const createInviteBody = z.strictObject({
  expiresAtMs: z.int().min(0).default(0).describe('0: never'),
  usesMax: z.int().min(0).max(4_294_967_295).default(0).describe('0: any number'),
});
export const createdInviteAnswer = z.object({ id: z.string(), code: z.string() });
export const inviteList = z.object({
  invites: z.array(
    z.object({
      id: z.string(),
      code: z.string(),
      by: z.string(),
      atMs: z.int(),
      expiresAtMs: z.int(),
      usesMax: z.int(),
      uses: z.int(),
    }),
  ),
  next,
});
export const joinBody = z.strictObject({
  code: z.string().max(64).default('').describe('of an invite'),
  message: z.string().trim().max(200).regex(printable).default('').describe('to owner and admins'),
});
export const joinAnswer = z.object({ status: z.enum(['joined', 'requested']) });
export const requestList = z.object({
  requests: z.array(z.object({ user: z.string(), message: z.string(), atMs: z.int() })),
  next,
});
export const requestAnswerBody = z.strictObject({ isApproved: z.boolean() });
