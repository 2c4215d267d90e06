import { err } from '@parley/std';
import { beforeEach, describe, expect, it } from 'vitest';
import { EntitiesDouble } from '../http/http-app.double.ts';
import { Registration } from './registration.ts';

let entities: EntitiesDouble;
let registration: Registration;
beforeEach(() => {
  entities = new EntitiesDouble();
  registration = new Registration(entities, ['acme']);
});

describe('Registration', () => {
  it('registers somebody of an external issuer without a password, once', async () => {
    for (let i = 0; i < 3; i++)
      expect((await registration.ensureRegistered({ tenant: 'acme', user: 'carol' })).ok).toBe(true);
    expect(entities.sent).toHaveLength(1);
    expect(entities.accounts.get('acme/carol')).toMatchObject({ exists: true, handle: 'carol' });
    expect(entities.accounts.get('acme/carol')?.passwordHash ?? '').toBe('');
  });

  it('is content with somebody who is registered already', async () => {
    entities.accounts.set('acme/carol', { exists: true });
    expect((await registration.ensureRegistered({ tenant: 'acme', user: 'carol' })).ok).toBe(true);
  });

  it('makes nobody in tenants whose users register here', async () => {
    expect((await registration.ensureRegistered({ tenant: 'default', user: 'alice' })).ok).toBe(true);
    expect(entities.sent).toEqual([]);
  });

  it('tries again after a failure', async () => {
    entities.refusal = 'UNAVAILABLE';
    expect(await registration.ensureRegistered({ tenant: 'acme', user: 'carol' })).toEqual(
      err('UNAVAILABLE'),
    );
    entities.refusal = undefined;
    expect((await registration.ensureRegistered({ tenant: 'acme', user: 'carol' })).ok).toBe(true);
  });
});
