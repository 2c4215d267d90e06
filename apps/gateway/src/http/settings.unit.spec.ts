// What operators may set of authentication and of the HTTP API's limits.
import { ConfigError, parseConfig } from '@parley/platform';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { authLimits } from '../auth/auth-limits.ts';
import { authFields, authLimitsOf, ownTokensOf } from '../auth/auth-settings.ts';
import { ownTokens } from '../auth/token-issuer.ts';
import { httpLimits } from './http-limits.ts';
import { httpFields, httpLimitsOf } from './http-settings.ts';

const schema = z.object({ ...authFields, ...httpFields });
const parse = (environment: Record<string, string>) => parseConfig(schema, environment);

describe('the settings', () => {
  it('are the named limits when nothing is set', () => {
    const config = parse({});
    expect(httpLimitsOf(config)).toEqual(httpLimits);
    expect(authLimitsOf(config)).toEqual(authLimits);
    expect(ownTokensOf(config)).toEqual(ownTokens);
  });

  it('come from the environment', () => {
    const config = parse({
      PARLEY_HTTP_REGISTRATIONS_PER_MINUTE: '5000',
      PARLEY_AUTH_TOKEN_LIFE_MS: '3600000',
      PARLEY_AUTH_ISSUER: 'https://chat.example',
    });
    expect(httpLimitsOf(config).registrationsPerAddress).toEqual({
      name: 'http-register',
      max: 5_000,
      windowMs: 60_000,
    });
    expect(authLimitsOf(config).tokenLifeMs).toBe(3_600_000);
    expect(ownTokensOf(config).issuer).toBe('https://chat.example');
  });

  it.each([
    [{ PARLEY_AUTH_TOKEN_LIFE_MS: '5' }, /PARLEY_AUTH_TOKEN_LIFE_MS/],
    [{ PARLEY_AUTH_ADMINS: 'acme/ann,ben' }, /PARLEY_AUTH_ADMINS/],
    [{ PARLEY_HTTP_LOGINS_PER_MINUTE: 'many' }, /PARLEY_HTTP_LOGINS_PER_MINUTE/],
  ])('say what is wrong with %o', (environment, line) => {
    expect(() => parse(environment)).toThrow(ConfigError);
    expect(() => parse(environment)).toThrow(line);
  });
});
