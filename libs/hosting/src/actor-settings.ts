// What an actor process is told by its environment: where the engines are, and every limit of the runtime by name
// (`commitBytesMax` is PARLEY_ACTOR_COMMIT_BYTES_MAX). Meanings and defaults: runtime/src/limits.ts.
import { commonSettings, setting } from '@parley/platform';
import { type RuntimeLimits, defaultLimits } from '@parley/runtime';
import { z } from 'zod';

const limitNames = Object.keys(defaultLimits) as (keyof RuntimeLimits)[];
const settingName = (limit: string): string => `actor${limit[0]!.toUpperCase()}${limit.slice(1)}`;

const limitSettings = Object.fromEntries(
  limitNames.map((name) => [
    settingName(name),
    setting.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).default(defaultLimits[name]),
  ]),
);

export const actorSettings = z
  .object({
    ...commonSettings,
    ...limitSettings,
  })
  .refine((config) => limitsOf(config).leaseRenewMs * 3 <= limitsOf(config).leaseTtlMs, {
    path: ['actorLeaseRenewMs'],
    message: 'must be at most a third of PARLEY_ACTOR_LEASE_TTL_MS, or one lost renewal costs the shards',
  })
  .refine((config) => limitsOf(config).leaseMarginMs * 2 < limitsOf(config).leaseTtlMs, {
    path: ['actorLeaseMarginMs'],
    message: 'must be less than half of PARLEY_ACTOR_LEASE_TTL_MS',
  });

export type ActorConfig = Readonly<z.output<typeof actorSettings>>;

/** The runtime's limits out of the configuration. */
export function limitsOf(config: Readonly<Record<string, unknown>>): RuntimeLimits {
  const limits = limitNames.map((name) => [name, config[settingName(name)]]);
  return Object.fromEntries(limits) as unknown as RuntimeLimits;
}
