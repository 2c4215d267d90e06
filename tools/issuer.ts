// A token issuer for the demo and the fault runs, with its public key on a loopback port: the way a company lets its own
// people in. So a thousand users need no thousand password hashes.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';

export interface Issuer {
  /** For PARLEY_AUTH_ISSUERS. */
  readonly setting: string;
  tokenOf(user: string): Promise<string>;
  stop(): void;
}

const audience = 'parley-tools';
const keyId = 'tools';

export async function startIssuer(tenant: string): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA');
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: keyId, alg: 'EdDSA', use: 'sig' }] };
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(keys));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    setting: JSON.stringify([{ issuer, jwksUrl: `${issuer}/jwks.json`, audience, tenant }]),
    tokenOf: (user) =>
      new SignJWT({})
        .setProtectedHeader({ alg: 'EdDSA', kid: keyId })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(user)
        .setIssuedAt()
        .setExpirationTime('2h')
        .sign(privateKey),
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
