// What operators may say about our own tokens: fields of the gateway's configuration (spread `authFields` into it), and
// what is made of them.
import { setting } from '@parley/platform';
import { idPattern, tenantPattern } from '@parley/protocol';
import type { z } from 'zod';
import type { AuthLimits } from './auth-limits.ts';
import { authLimits } from './auth-limits.ts';
import type { OwnTokens } from './token-issuer.ts';
import { ownTokens } from './token-issuer.ts';

function isTenantUser(text: string): boolean {
  const [tenant = '', user = '', ...rest] = text.split('/');
  return tenantPattern.test(tenant) && idPattern.test(user) && rest.length === 0;
}

/** People, as `tenant/user`, separated by commas. */
export const tenantUsers = setting
  .list()
  .refine((all) => all.every(isTenantUser), 'each must be tenant/user')
  .optional();

export const authFields = {
  /** What our own tokens carry as `iss` and `aud`. */
  authIssuer: setting.text().default(ownTokens.issuer),
  authAudience: setting.text().default(ownTokens.audience),
  /** Life of a token; then TOKEN_EXPIRED. */
  authTokenLifeMs: setting
    .integer({ min: 60_000, max: 365 * 24 * 60 * 60_000 })
    .default(authLimits.tokenLifeMs),
  /** How far the clocks of issuer and gateway may differ. */
  authClockSkewMs: setting.integer({ min: 0, max: 5 * 60_000 }).default(authLimits.clockSkewMs),
  /** Who may look into the past of a tenant, and says how long it keeps it: `tenant/user`. Nobody when it is not set. */
  authAdmins: tenantUsers,
};

export type AuthConfig = z.output<z.ZodObject<typeof authFields>>;

export const ownTokensOf = (config: AuthConfig): OwnTokens => ({
  issuer: config.authIssuer,
  audience: config.authAudience,
});

export const authLimitsOf = (config: AuthConfig): AuthLimits => ({
  ...authLimits,
  tokenLifeMs: config.authTokenLifeMs,
  clockSkewMs: config.authClockSkewMs,
});
