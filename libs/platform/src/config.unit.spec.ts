import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigError, commonSettings, parseConfig, redactedConfig, setting, variableName } from './config.ts';

const schema = z
  .object({
    leaseRenewMs: setting.integer({ min: 100, max: 60_000 }).default(4_000),
    leaseExpiryMs: setting.integer({ min: 100, max: 60_000 }).default(20_000),
    natsUrl: setting.list(),
    isVerbose: setting.flag().default(false),
    adminToken: setting.secret().optional(),
  })
  .refine((config) => config.leaseRenewMs < config.leaseExpiryMs / 3, {
    path: ['leaseRenewMs'],
    message: 'must be less than a third of PARLEY_LEASE_EXPIRY_MS',
  });

describe('parseConfig', () => {
  it('reads fields from their variables, fills in defaults and freezes the result', () => {
    const config = parseConfig(schema, {
      PARLEY_NATS_URL: 'nats://a:1, nats://b:2',
      PARLEY_LEASE_RENEW_MS: '1000',
      PARLEY_IS_VERBOSE: 'true',
    });
    expect(config).toEqual({
      leaseRenewMs: 1000,
      leaseExpiryMs: 20_000,
      natsUrl: ['nats://a:1', 'nats://b:2'],
      isVerbose: true,
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('lists all problems at once, by the names the operator typed', () => {
    const environment = {
      PARLEY_LEASE_RENEW_MS: 'soon',
      PARLEY_LEASE_EXPIRY_MS: '5',
      PARLEY_IS_VERBOSE: 'maybe',
    };
    const problems = problemsOf(environment);
    expect(problems).toHaveLength(4);
    expect(problems.map((problem) => problem.split(':')[0]).sort()).toEqual([
      'PARLEY_IS_VERBOSE',
      'PARLEY_LEASE_EXPIRY_MS',
      'PARLEY_LEASE_RENEW_MS',
      'PARLEY_NATS_URL',
    ]);
    expect(problems).toContain('PARLEY_NATS_URL: is not set, and has no default');
  });

  it('checks relations between values', () => {
    const environment = { PARLEY_NATS_URL: 'nats://a', PARLEY_LEASE_RENEW_MS: '10000' };
    expect(problemsOf(environment)).toEqual([
      'PARLEY_LEASE_RENEW_MS: must be less than a third of PARLEY_LEASE_EXPIRY_MS',
    ]);
  });

  it('takes an empty variable for an absent one', () => {
    const config = parseConfig(schema, { PARLEY_NATS_URL: 'nats://a', PARLEY_LEASE_EXPIRY_MS: ' ' });
    expect(config.leaseExpiryMs).toBe(20_000);
  });

  it('accepts what the supervisor gives every app', () => {
    const config = parseConfig(z.object(commonSettings), {
      PARLEY_NATS_URL: 'nats://127.0.0.1:4222',
      PARLEY_REDIS_URL: 'redis://127.0.0.1:6379',
      PARLEY_NODE_ID: 'gateway-1-abc',
    });
    expect(config.operationsPort).toBe(0);
  });
});

describe('redactedConfig', () => {
  it('shows neither secrets nor passwords in addresses', () => {
    const config = parseConfig(z.object({ ...schema.shape, redisUrl: setting.text() }), {
      PARLEY_NATS_URL: 'nats://user:hush@a:1,hush@b:2,nats://c:3',
      PARLEY_ADMIN_TOKEN: 'hush',
      PARLEY_REDIS_URL: 'redis://user:hush@host:1',
    });
    const shown = redactedConfig(z.object({ ...schema.shape, redisUrl: setting.text() }), config);
    expect(JSON.stringify(shown)).not.toContain('hush');
    expect(shown['redisUrl']).toBe('redis://(secret)@host:1');
    expect(shown['natsUrl']).toEqual(['nats://(secret)@a:1', '(secret)@b:2', 'nats://c:3']);
  });
});

it('derives variable names from field names', () => {
  expect(variableName('gatewayWsPort')).toBe('PARLEY_GATEWAY_WS_PORT');
});

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    parseConfig(schema, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('the configuration was accepted');
}
