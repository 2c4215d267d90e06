import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError, parseConfig, variableName } from '@parley/platform';
import { expect, test } from 'vitest';
import { changeWindows } from './dispatch/changing.ts';
import { changeWindowsOf, gatewaySettings, socketLimitsOf } from './gateway.config.ts';

const needed = {
  PARLEY_NATS_URL: 'nats://localhost:4222',
  PARLEY_REDIS_URL: 'redis://localhost',
  PARLEY_NODE_ID: 'gw',
};

test('the defaults hold together', () => {
  const config = parseConfig(gatewaySettings, needed);
  expect(config).toMatchObject({
    gatewayWsPort: 8080,
    groupLargeFrom: 500,
    groupSmallTo: 400,
    authIssuers: [],
  });
  expect(changeWindowsOf(config)).toEqual(changeWindows);
  expect(socketLimitsOf(config)).toMatchObject({ frameBytesMax: 131_072, keepAliveMs: 20_000 });
});

test('relations between values are checked at start', () => {
  const parse = (variables: Record<string, string>) => () =>
    parseConfig(gatewaySettings, { ...needed, ...variables });
  expect(parse({ PARLEY_GATEWAY_KEEP_ALIVE_MS: '50000' })).toThrow(ConfigError);
  expect(parse({ PARLEY_GATEWAY_TLS_KEY_FILE: 'key.pem' })).toThrow('go together');
  expect(parse({ PARLEY_GROUP_SMALL_TO: '600' })).toThrow('PARLEY_GROUP_SMALL_TO');
  expect(parse({ PARLEY_AUTH_ISSUERS: 'nonsense' })).toThrow('is no JSON');
});

test('docs/operations.md has every setting of the gateway, and none that does not exist', () => {
  const page = readFileSync(path.join(import.meta.dirname, '../../../docs/operations.md'), 'utf8');
  const names = Object.keys(gatewaySettings.shape).map(variableName);
  expect(names.filter((name) => !page.includes(`| \`${name}\``))).toEqual([]);
  const told = page.match(/PARLEY_(GATEWAY|AUTH|HTTP|GROUP|MESSAGE)_[A-Z_]*[A-Z]/g) ?? [];
  expect(told.filter((name) => !names.includes(name))).toEqual([]);
});
