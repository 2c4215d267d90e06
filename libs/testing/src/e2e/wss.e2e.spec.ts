// A gateway with certificate files speaks TLS: frames over wss, for programs and as browsers have to do it.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cluster, startCluster } from '../servers/index.ts';
import { type CertificateFiles, selfSignedCertificate } from '../servers/self-signed-certificate.ts';
import { People, direct, manyUsersFromOneAddress, textsOf, untilTail } from './people.ts';
import { RawSocket } from './raw-socket.ts';

let certificate: CertificateFiles;
let cluster: Cluster;
let people: People;
let ca: string;

beforeAll(async () => {
  certificate = selfSignedCertificate();
  ca = readFileSync(certificate.certificateFile, 'utf8');
  cluster = await startCluster({
    env: {
      ...manyUsersFromOneAddress,
      PARLEY_GATEWAY_TLS_CERTIFICATE_FILE: certificate.certificateFile,
      PARLEY_GATEWAY_TLS_KEY_FILE: certificate.keyFile,
    },
  });
  people = new People(cluster);
});

afterAll(async () => {
  people?.closeAll();
  await cluster?.stop();
  certificate?.remove();
});

it('carries a conversation over wss, in both encodings', async () => {
  const [alice, bob] = await people.registerAll('alice', 'bob');
  const conversation = direct(alice, bob);
  const [atAlice, atBob] = await Promise.all([
    alice.connect({ ca, encoding: 'protobuf' }),
    bob.connect({ ca, encoding: 'json' }),
  ]);
  const text = '长'.repeat(21_000);
  await atAlice.send(conversation, text);
  await atBob.send(conversation, 'got it');
  await untilTail(atAlice, conversation, 2);
  await untilTail(atBob, conversation, 2);
  for (const client of [atAlice, atBob]) expect(textsOf(client, conversation)).toEqual([text, 'got it']);
});

it('names the wss address to those who ask where to connect', async () => {
  const alice = await people.register('alice');
  expect(await alice.api.webSocketUrl()).toMatch(new RegExp(`^${cluster.gateways[0]!.wsUrl}/?$`));
});

it('takes the token from Sec-WebSocket-Protocol, where browsers can put it, and answers with the subprotocol alone', async () => {
  const alice = await people.register('alice');
  const { wsUrl } = cluster.gateways[0]!;
  const offers = [`bearer.${alice.token}`];
  const socket = await RawSocket.open(wsUrl, { ca, offers, headers: { origin: 'https://chat.example' } });
  expect(socket.subprotocol).toBe('parley.v1.json');
  const { welcome } = await socket.ask({ hello: { deviceId: 'browser', protocolVersion: 1 } });
  expect(welcome).toMatchObject({ tenant: 'default', user: alice.id });
  socket.close();
});

it('refuses a client that does not trust the certificate, and one that speaks no TLS', async () => {
  const { wsUrl } = cluster.gateways[0]!;
  await expect(RawSocket.open(wsUrl)).rejects.toThrow(/self-signed/);
  await expect(RawSocket.open(wsUrl.replace('wss:', 'ws:'))).rejects.toThrow();
});
