// Asks the history service of a cluster as its operator. Every question is in the tenant's audit, under `operator:<name>`.
import os from 'node:os';
import { internal, type parley, subjects } from '@parley/protocol';
import type { Messenger } from '@parley/runtime';
import { Unreachable } from '../verify/sources.ts';

export type AdminBody = Omit<parley.internal.v1.IAdminRequest, 'tenant' | 'by'>;

const limitMs = 60_000;

/** What the audit says of whoever runs this tool. */
export const operatorName = (): string =>
  `operator:${
    os
      .userInfo()
      .username.replaceAll(/[^A-Za-z0-9_-]/g, '_')
      .slice(0, 64) || 'unknown'
  }`;

/** The answer may be an error of history. Throws Unreachable when there is none. */
export async function askAdmin(
  messenger: Messenger,
  asker: { readonly tenant: string; readonly by: string },
  body: AdminBody,
): Promise<parley.internal.v1.AdminAnswer> {
  const request = new internal.AdminRequest({ ...asker, ...body });
  const bytes = internal.AdminRequest.encode(request as parley.internal.v1.AdminRequest.$Shape).finish();
  const result = await messenger.request(subjects.history('admin'), bytes, limitMs);
  if (result.outcome !== 'answered') throw new Unreachable(`history does not answer (${result.outcome})`);
  return internal.AdminAnswer.decode(result.bytes);
}
