// What requests and answers about people look like; see schemas.ts.
import { z } from 'zod';
import { httpLimits } from './http-limits.ts';
import { count, displayName, printable, user, userId } from './schemas.ts';

const noControls = 'must not have control characters';
const tag = z.string().trim().min(1).max(64).regex(printable, noControls);

export const requestBody = z.strictObject({
  message: z.string().trim().max(256).regex(printable, noControls).default(''),
});
export const describeBody = z.strictObject({
  remark: z
    .string()
    .trim()
    .max(128)
    .regex(printable, noControls)
    .default('')
    .describe('own name; empty: none'),
  tags: z
    .array(tag)
    .max(httpLimits.tagsPerContactMax)
    .default([])
    .transform((tags) => [...new Set(tags)]),
});
export const relationPageQuery = z.strictObject({
  kind: z.enum(['contacts', 'requested', 'asked', 'blocked', 'all']).default('contacts'),
  after: userId.or(z.literal('')).default(''),
  limit: count(100, httpLimits.pageMax),
});
export const relationPage = z.object({
  relations: z.array(
    z.object({
      user: z.string(),
      contact: z
        .enum(['none', 'requested', 'asked', 'accepted'])
        .describe('requested: you wait; asked: they wait'),
      isBlocked: z.boolean().describe('by you'),
      message: z.string().describe('of a request that waits'),
      remark: z.string(),
      tags: z.array(z.string()),
      sinceMs: z.int(),
    }),
  ),
  next: z.string().nullable().describe('`after` for the next page'),
  inboxPosition: z.int().describe('changes after it come by the inbox'),
});

const profileField = z.strictObject({
  name: z.string().trim().min(1).max(64).regex(printable, noControls),
  value: z.string().trim().max(256).regex(printable, noControls),
});
export const profileBody = z.strictObject({
  displayName,
  avatar: z.string().max(512).regex(printable, noControls).default('').describe('id or address of a picture'),
  fields: z
    .array(profileField)
    .max(httpLimits.profileFieldsMax)
    .default([])
    .refine(
      (fields) => new Set(fields.map(({ name }) => name)).size === fields.length,
      'a name stands twice',
    ),
});
const whoMayWrite = z.enum(['everyone', 'contacts', 'shared-group']);
export const writeRuleBody = z.strictObject({ whoMayWrite });

const shown = {
  avatar: z.string(),
  fields: z.array(z.object({ name: z.string(), value: z.string() })),
};

export const meAnswer = z.object({ ...user.shape, ...shown, whoMayWrite, tokenExpiresAtMs: z.int() });
export const userAnswer = z.object({
  id: z.string(),
  exists: z.boolean(),
  displayName: z.string(),
  ...shown,
});

export const userSearchQuery = z.strictObject({
  prefix: userId.min(2).describe('upper or lower case'),
  after: userId.or(z.literal('')).default(''),
  limit: count(20, httpLimits.usersPerSearchMax),
});
export const userSearchAnswer = z.object({
  users: z.array(z.object({ id: z.string(), displayName: z.string(), avatar: z.string() })),
  next: z.string().nullable().describe('`after` for the next page'),
});

export const deviceList = z.object({
  devices: z.array(
    z.object({
      deviceId: z.string(),
      deviceClass: z.enum(['unknown', 'phone', 'desktop']),
      lastSeenMs: z.int().describe('when it came or went last'),
      isOnline: z.boolean(),
    }),
  ),
});
