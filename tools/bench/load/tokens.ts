// Tokens in bulk, signed with the key the gateways were given: what the cluster itself would hand out, without a thousand
// password hashes before each run.
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';

const lifeSeconds = 6 * 3_600;

export const newTokenKey = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

export function tokenMaker(keyPem: string, tenant: string): (user: string) => string {
  const key = createPrivateKey(keyPem);
  const head = base64({ alg: 'EdDSA', typ: 'JWT' });
  return (user) => {
    const issuedAt = Math.floor(Date.now() / 1_000);
    const claims = {
      tenant,
      iss: 'parley',
      aud: 'parley',
      sub: user,
      iat: issuedAt,
      exp: issuedAt + lifeSeconds,
    };
    const signed = `${head}.${base64(claims)}`;
    return `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}`;
  };
}

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
