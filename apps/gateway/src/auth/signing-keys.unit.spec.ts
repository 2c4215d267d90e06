import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { MemoryCluster, MemoryKeyValueStore } from '@parley/adapters';
import { buckets } from '@parley/protocol';
import { systemClock } from '@parley/std';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileSigningKeys, sharedSigningKeys, signingKeyName } from './signing-keys.ts';
import { JwtTokenVerifier } from './jwt-token-verifier.ts';
import { TokenIssuer } from './token-issuer.ts';

describe('keys shared by the gateways of a cluster', () => {
  const bucketOf = (cluster: MemoryCluster, gateway: string) =>
    new MemoryKeyValueStore(cluster.node(gateway)).bucket(buckets.config);

  it('are created once, also when gateways start together', async () => {
    const cluster = new MemoryCluster({ clock: systemClock });
    const all = await Promise.all(
      Array.from({ length: 5 }, async (_, i) => sharedSigningKeys(await bucketOf(cluster, `g${i}`))),
    );
    expect(new Set(all.map(([key]) => key.kid)).size).toBe(1);
    const later = await sharedSigningKeys(await bucketOf(cluster, 'later'));
    expect(later[0].kid).toBe(all[0]![0].kid);
  });

  it('let one gateway check what another one issued', async () => {
    const cluster = new MemoryCluster({ clock: systemClock });
    const issuer = new TokenIssuer(await sharedSigningKeys(await bucketOf(cluster, 'a')), systemClock);
    const keys = await sharedSigningKeys(await bucketOf(cluster, 'b'));
    const { token, expiresAtMs } = await issuer.issue({ tenant: 'acme', user: 'alice' });
    const verified = await new JwtTokenVerifier({ keys, clock: systemClock }).verify(token);
    expect(verified).toMatchObject({ ok: true, value: { tenant: 'acme', user: 'alice', expiresAtMs } });
  });

  it('sign with the first and check with all, so that a key can be replaced', async () => {
    const [older, newer] = [
      new MemoryCluster({ clock: systemClock }),
      new MemoryCluster({ clock: systemClock }),
    ];
    const stored = async (cluster: MemoryCluster) => {
      const bucket = await bucketOf(cluster, 'a');
      const keys = await sharedSigningKeys(bucket);
      const entry = await bucket.get(signingKeyName);
      return {
        bucket,
        keys,
        entry: entry!,
        jwks: JSON.parse(new TextDecoder().decode(entry!.value)) as { keys: object[] },
      };
    };
    const [one, other] = [await stored(older), await stored(newer)];
    const both = new TextEncoder().encode(JSON.stringify({ keys: [...other.jwks.keys, ...one.jwks.keys] }));
    await one.bucket.write(signingKeyName, both, one.entry.revision);
    const keys = await sharedSigningKeys(one.bucket);
    expect(keys.map((key) => key.kid)).toEqual([other.keys[0].kid, one.keys[0].kid]);
    const old = await new TokenIssuer(one.keys, systemClock).issue({ tenant: 'acme', user: 'alice' });
    expect((await new JwtTokenVerifier({ keys, clock: systemClock }).verify(old.token)).ok).toBe(true);
  });

  it('fail with a clear line when something else lies there, and do not print it', async () => {
    const bucket = await bucketOf(new MemoryCluster({ clock: systemClock }), 'a');
    await bucket.write(signingKeyName, new TextEncoder().encode('{"keys":[{"kty":"RSA","d":"secret"}]}'), 0);
    await expect(sharedSigningKeys(bucket)).rejects.toThrow(/signing-key.*not a set of Ed25519 keys/);
    await expect(sharedSigningKeys(bucket)).rejects.not.toThrow(/secret/);
  });
});

describe('a key from a file', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'parley-keys-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const write = async (text: string) => {
    const file = path.join(folder, 'key');
    await writeFile(file, text);
    return file;
  };

  it('is the same as PEM and as JWK', async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const pem = await fileSigningKeys(
      await write(privateKey.export({ format: 'pem', type: 'pkcs8' }) as string),
    );
    const jwk = await fileSigningKeys(await write(JSON.stringify(privateKey.export({ format: 'jwk' }))));
    expect(jwk[0].kid).toBe(pem[0].kid);
    expect(jwk[0].publicJwk).not.toHaveProperty('d');
  });

  it.each([
    [
      'a public key',
      () => generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' }) as string,
    ],
    [
      'a key of another kind',
      () =>
        generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
          format: 'pem',
          type: 'pkcs8',
        }) as string,
    ],
    ['nonsense', () => 'nonsense'],
  ])('is refused when it is %s', async (_name, text) => {
    await expect(fileSigningKeys(await write(text()))).rejects.toThrow(/holds no Ed25519 private key/);
  });
});
