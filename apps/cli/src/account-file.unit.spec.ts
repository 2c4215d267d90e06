import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { AccountFile } from './account-file.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'parley-accounts-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('accounts are remembered by server, tenant and handle, for the user alone', () => {
  const file = new AccountFile({ XDG_CONFIG_HOME: folder });
  const key = { url: 'http://one', tenant: 'default', handle: 'alice' };
  expect(file.find(key)).toBeUndefined();
  file.save(key, { password: 'p', token: 't', expiresAtMs: 1 });
  expect(file.find(key)).toEqual({ password: 'p', token: 't', expiresAtMs: 1 });
  expect(file.find({ ...key, url: 'http://two' })).toBeUndefined();
  expect(file.find({ ...key, tenant: 'other' })).toBeUndefined();
  expect(statSync(file.path).mode & 0o777).toBe(0o600);
});
