import { describe, expect, it } from 'vitest';
import { argon2Parameters } from './auth-limits.ts';
import { PasswordHasher } from './password-hasher.ts';

const cheap = { argon2MemoryKib: 64, argon2Passes: 1, argon2Lanes: 1 };
const limits = { hashesAtOnceMax: 1, hashesWaitingMax: 2 };

describe('PasswordHasher', () => {
  it('makes argon2id hashes with the named parameters', async () => {
    const hashed = await new PasswordHasher().hash('correct horse');
    const { argon2MemoryKib, argon2Passes, argon2Lanes } = argon2Parameters;
    const head = `$argon2id$v=19$m=${argon2MemoryKib},t=${argon2Passes},p=${argon2Lanes}$`;
    expect(hashed.ok && hashed.value.startsWith(head)).toBe(true);
  });

  it('knows the right password from a wrong one, whatever parameters the hash was made with', async () => {
    const hashed = await new PasswordHasher(limits, { ...cheap, argon2Passes: 3 }).hash('correct horse');
    const hasher = new PasswordHasher(limits, cheap);
    const passwordHash = hashed.ok ? hashed.value : '';
    expect(await hasher.verify(passwordHash, 'correct horse')).toEqual({ ok: true, value: true });
    expect(await hasher.verify(passwordHash, 'wrong horse')).toEqual({ ok: true, value: false });
  });

  it('never lets anybody in who has no password', async () => {
    const hasher = new PasswordHasher(limits, cheap);
    for (const password of ['', 'x', 'nobody has this password']) {
      expect(await hasher.verify('', password)).toEqual({ ok: true, value: false });
    }
  });

  it('works about as long for a user who does not exist as for a wrong password', async () => {
    const hasher = new PasswordHasher();
    const hashed = await hasher.hash('correct horse');
    await hasher.verify('', 'x');
    const timeOf = async (passwordHash: string) => {
      const startMs = performance.now();
      await hasher.verify(passwordHash, 'wrong horse');
      return performance.now() - startMs;
    };
    const times = { known: [] as number[], unknown: [] as number[] };
    for (let i = 0; i < 5; i++) {
      times.known.push(await timeOf(hashed.ok ? hashed.value : ''));
      times.unknown.push(await timeOf(''));
    }
    // The quickest of each: the machine may be busy, but never helps. An early answer would be a thousand times quicker.
    expect(Math.min(...times.unknown)).toBeGreaterThan(Math.min(...times.known) / 3);
  });

  it('computes a few at once, lets some wait, and is BUSY for the rest', async () => {
    const hasher = new PasswordHasher(limits, cheap);
    const results = await Promise.all(Array.from({ length: 5 }, () => hasher.hash('x')));
    expect(results.map((result) => (result.ok ? 'hashed' : result.error))).toEqual([
      'hashed',
      'hashed',
      'hashed',
      'BUSY',
      'BUSY',
    ]);
    expect((await hasher.hash('x')).ok).toBe(true);
  });
});
