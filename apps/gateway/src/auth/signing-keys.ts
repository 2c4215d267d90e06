// The Ed25519 keys our own tokens are signed with. All gateways share them: from a file, or from the config bucket,
// where the first gateway of a cluster puts one by compare-and-set. The first key signs, all of them verify.
import type { JsonWebKey } from 'node:crypto';
import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { KeyValue } from '@parley/runtime';
import { assert } from '@parley/std';
import type { CryptoKey, JWK } from 'jose';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from 'jose';
import { z } from 'zod';

export interface SigningKey {
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

/** In the config bucket. The value is `{"keys": [private JWK, …]}`. */
export const signingKeyName = 'signing-key';

/** At least one; the first signs. */
export type SigningKeys = readonly [SigningKey, ...SigningKey[]];

const storedKeys = z.object({
  keys: z
    .array(z.looseObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string(), d: z.string() }))
    .min(1),
});

/** The cluster's keys; creates one when there is none. Gateways that start together all end with the same. */
export async function sharedSigningKeys(config: KeyValue): Promise<SigningKeys> {
  for (;;) {
    const entry = await config.get(signingKeyName);
    if (entry !== undefined) return parseStored(entry.value);
    const value = new TextEncoder().encode(JSON.stringify({ keys: [await newPrivateJwk()] }));
    // On a conflict another gateway was first, and the next turn reads its key.
    await config.write(signingKeyName, value, 0);
  }
}

/** A key from a file: PEM (PKCS #8) or a private JWK, Ed25519. Throws with the file's name when it is none. */
export async function fileSigningKeys(file: string): Promise<SigningKeys> {
  const text = await readFile(file, 'utf8');
  try {
    const isJwk = text.trimStart().startsWith('{');
    const key = isJwk
      ? createPrivateKey({ key: JSON.parse(text) as JsonWebKey, format: 'jwk' })
      : createPrivateKey(text);
    assert(key.asymmetricKeyType === 'ed25519', `the key is ${key.asymmetricKeyType}, not ed25519`);
    return [await signingKeyOf(key.export({ format: 'jwk' }) as JWK)];
  } catch (cause) {
    throw new Error(`${file} holds no Ed25519 private key (PEM PKCS #8 or JWK)`, { cause });
  }
}

/** A fresh key that nobody else knows: for tests, and for a gateway that stands alone. */
export const generateSigningKeys = async (): Promise<SigningKeys> => [
  await signingKeyOf(await newPrivateJwk()),
];

async function newPrivateJwk(): Promise<JWK> {
  return exportJWK((await generateKeyPair('EdDSA', { extractable: true })).privateKey);
}

async function parseStored(value: Uint8Array): Promise<SigningKeys> {
  const parsed = storedKeys.safeParse(JSON.parse(new TextDecoder().decode(value)));
  // Never print the cause: it would show a private key.
  if (!parsed.success)
    throw new Error(`the key ${signingKeyName} of the config bucket is not a set of Ed25519 keys`);
  const [first, ...others] = await Promise.all(parsed.data.keys.map((jwk) => signingKeyOf(jwk)));
  assert(first !== undefined, 'a set of keys has a first one');
  return [first, ...others];
}

async function signingKeyOf(jwk: JWK): Promise<SigningKey> {
  const { kty, crv, x } = jwk;
  const publicJwk = { kty, crv, x } as JWK;
  const kid = await calculateJwkThumbprint(publicJwk);
  const privateKey = await importJWK({ ...publicJwk, d: jwk.d } as JWK, 'EdDSA');
  assert(!(privateKey instanceof Uint8Array), 'an Ed25519 key is no byte string');
  return { kid, privateKey, publicJwk: { ...publicJwk, kid, alg: 'EdDSA', use: 'sig' } };
}
