// The vault of keys on a real JetStream: what is erased is not in its files any more.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { NatsKeyVault, connectNats } from '@parley/adapters';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type NatsHandle, startNats } from '../servers/nats-server.ts';
import { removeTemporaryFolder, temporaryFolder } from '../servers/server-process.ts';
import { describeKeyVault } from './key-vault.contract.ts';
import { bytesOf } from './port-bench.ts';

let folder = '';
let server: NatsHandle;
let link: Awaited<ReturnType<typeof connectNats>>;
let buckets = 0;

beforeAll(async () => {
  folder = await temporaryFolder('vault');
  server = await startNats({ dataFolder: folder });
  link = await connectNats(server.url, { name: 'vault' });
});
afterAll(async () => {
  await link?.close();
  await server?.stop();
  removeTemporaryFolder(folder);
});

describeKeyVault('NATS', () => NatsKeyVault.open(link, `vault_${++buckets}`));

const isOnDisk = (text: string): boolean =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .some((entry) => readFileSync(path.join(entry.parentPath, entry.name)).includes(text));

test('bytes of an erased value are overwritten in the files of the server at once', async () => {
  const vault = await NatsKeyVault.open(link, 'keys');
  await vault.write('acme.ann.g.tea', bytesOf('first-value-of-the-key'), 0);
  const { revision } = (await vault.get('acme.ann.g.tea'))!;
  await vault.write('acme.ann.g.tea', bytesOf('second-value-of-the-key'), revision);
  await link.control.connection.flush();
  expect([isOnDisk('first-value-of-the-key'), isOnDisk('second-value-of-the-key')]).toEqual([true, true]);
  await vault.eraseOlder('acme.ann.g.tea');
  expect([isOnDisk('first-value-of-the-key'), isOnDisk('second-value-of-the-key')]).toEqual([false, true]);
});

test('is found only where somebody has made it', async () => {
  expect(await NatsKeyVault.find(link, 'nobody_made_it')).toBeUndefined();
  await NatsKeyVault.open(link, 'made');
  expect(await NatsKeyVault.find(link, 'made')).toBeDefined();
});
