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

export const listQuery = memberPageQuery;
export const banList = z.object({
  bans: z.array(z.object({ user: z.string(), by: z.string(), atMs: z.int() })),
  next: z.string().nullable().describe('`after` for the next page'),
});

export const groupAnswer = z.object({
  id: z.string(),
  conversation: z.string(),
  title: z.string(),
  avatar: z.string(),
  announcement: z.object({ text: z.string(), by: z.string(), atMs: z.int() }).nullable(),
  settings: z.object({ muteAll: z.boolean(), slowModeMs: z.int() }),
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
