// `npm run -s erasure`: the report of an erasure, which anybody can make again: are the keys gone, and is any of the given phrases
// anywhere in the clear? Changes nothing, but that the question (not the phrases) is in the tenant's audit.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import {
  MasterKeys,
  type NatsLink,
  NatsKeyVault,
  NatsMessenger,
  SealingKeys,
  connectNats,
} from '@parley/adapters';
import { buckets, idPattern, internal, parseConversation, tenantPattern } from '@parley/protocol';
import { type Looked, lookIntoFiles, lookIntoRedis, lookIntoStreams } from './erasure/places.ts';
import { Phrases } from './erasure/phrases.ts';
import { askAdmin, operatorName } from './past/admin-questions.ts';
import { natsUrlOf } from './verify/nats-sources.ts';
import { Unreachable, isOurMistake } from './verify/sources.ts';

const help = `Shows whether what a person wrote can still be read, by its keys and by looking for it everywhere.

  npm run -s erasure -- --tenant acme --user ann --phrases FILE [options]

  --tenant TENANT   (default: default)
  --user USER       whose keys and messages
  --conversation C  only in this one
  --phrases FILE    one a line, 6 bytes at least: what must not stand anywhere. Without it only keys and rows are looked at
  --files FOLDER    look into all files below, too; may be given again: data of NATS, of ClickHouse, logs, dumps
  --redis URL       (default PARLEY_REDIS_URL; without one Redis is not looked into, and the report says so)
  --rewrap          instead: wraps all keys of the tenant with the newest master key of --keys, after which older ones can go
  --keys FILE       what PARLEY_SEALING_KEYS_FILE names, with the newest master key first
  --nats URL        NATS of the cluster (default PARLEY_NATS_URL, else what npm start has started)
  --data FOLDER     data folder of npm start (default ./parley-data)
  --help

One JSON document. Exit status: 0 no key and no copy is left, 1 some is, 2 usage, or something could not be looked at.
`;

try {
  process.exitCode = await main();
} catch (error) {
  const { message, stack = '' } = error as Error;
  process.stderr.write(`erasure: ${isOurMistake(error) ? stack : message.replaceAll('\n', ' ')}\n`);
  process.exitCode = 2;
}

interface Asked {
  readonly tenant: string;
  readonly user: string;
  readonly conversation: string;
  readonly phrases: Phrases;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      tenant: { type: 'string', default: 'default' },
      user: { type: 'string' },
      conversation: { type: 'string', default: '' },
      phrases: { type: 'string' },
      files: { type: 'string', multiple: true, default: [] },
      redis: { type: 'string' },
      rewrap: { type: 'boolean', default: false },
      keys: { type: 'string' },
      nats: { type: 'string' },
      data: { type: 'string', default: './parley-data' },
      help: { type: 'boolean', default: false, short: 'h' },
    },
  });
  const { tenant, user = '', conversation } = values;
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  if (!tenantPattern.test(tenant)) throw new Unreachable(`--tenant ${tenant} is no tenant`);
  if (!values.rewrap && !idPattern.test(user)) throw new Unreachable('--user must name a user');
  if (values.rewrap && values.keys === undefined) throw new Unreachable('--rewrap needs --keys');
  if (conversation !== '' && parseConversation(conversation) === undefined)
    throw new Unreachable(`--conversation ${conversation} is no conversation`);
  const lines = values.phrases === undefined ? '' : await readFile(values.phrases, 'utf8');
  const phrases = new Phrases(
    lines
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  );
  const asked = { tenant, user, conversation, phrases };
  const url = await natsUrlOf({ nats: values.nats, data: path.resolve(values.data) });
  const link = await connectNats(url, { name: 'erasure', startTimeoutMs: 3_000 });
  try {
    if (values.rewrap) return await rewrap(link, tenant, values.keys!);
    const redis = values.redis ?? process.env['PARLEY_REDIS_URL'];
    const report = await reportOf(link, asked, { redis, folders: values.files });
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return report.isClean ? 0 : 1;
  } finally {
    await link.close();
  }
}

async function rewrap(link: NatsLink, tenant: string, file: string): Promise<number> {
  const masters = MasterKeys.parse(await readFile(file, 'utf8'));
  const vault = await NatsKeyVault.find(link, buckets.sealingKeys);
  if (!masters.covers(tenant)) throw new Unreachable(`--keys has no master key of ${tenant}`);
  const wrapped = vault === undefined ? 0 : await new SealingKeys(vault, masters).rewrap(tenant);
  process.stdout.write(`${JSON.stringify({ tenant, wrapped })}\n`);
  return 0;
}

async function reportOf(
  link: NatsLink,
  asked: Asked,
  { redis, folders }: { readonly redis: string | undefined; readonly folders: readonly string[] },
) {
  const { tenant, user, conversation, phrases } = asked;
  const keys = await keysOf(link, asked);
  const answer = await askAdmin(
    new NatsMessenger(link),
    { tenant, by: operatorName() },
    { erasureReport: { user, conversation, phrases: [...phrases.texts] } },
  );
  if (answer.error) throw new Unreachable(`${answer.error.code ?? ''}: ${answer.error.message ?? ''}`);
  const history = new internal.ErasureReport(answer.erasureReport ?? {});
  const isLooking = phrases.texts.length > 0;
  const streams = isLooking ? await lookIntoStreams(link, phrases) : nothing;
  const tails = isLooking && redis !== undefined ? await lookIntoRedis(redis, phrases) : nothing;
  const files = isLooking ? await Promise.all(folders.map((folder) => lookIntoFiles(folder, phrases))) : [];
  const found = [
    ...history.places.map(({ place, count }) => ({ place: place ?? '', count: count ?? 0 })),
    ...[streams, tails, ...files].flatMap((one) => one.found),
  ];
  return {
    isClean: found.length === 0 && keys.live === 0 && keys.olderValues === 0 && history.plain === 0,
    keys,
    messages: { sealed: history.sealed, neverSealed: history.plain },
    found,
    looked: {
      phrases: phrases.texts.length,
      streamMessages: streams.looked,
      redisValues: tails.looked,
      files: files.reduce((sum, { looked }) => sum + looked, 0),
    },
    notLooked: [
      ...(isLooking ? [] : ['any place for phrases: none were given']),
      ...(redis === undefined ? ['Redis: no --redis'] : []),
      ...(folders.length === 0 ? ['files: no --files'] : []),
      ...(history.partsLeft > 0 ? [`${history.partsLeft} replaced or detached parts of ClickHouse`] : []),
      'backups, devices, exports, and the memory of gateways for as long as PARLEY_SEALING_KEY_AGE_MAX_MS',
    ],
  };
}

const nothing: Looked = { looked: 0, found: [] };

/** Records of the person: with a key in use, and with values that an interrupted erasure has left behind. */
async function keysOf(link: NatsLink, { tenant, user, conversation }: Asked) {
  const vault = await NatsKeyVault.find(link, buckets.sealingKeys);
  const keys = { records: 0, live: 0, destroyed: 0, olderValues: 0 };
  if (vault === undefined) return keys;
  for (const name of await vault.names(`${tenant}.${user}`)) {
    if (conversation !== '' && name !== `${tenant}.${user}.${conversation}`) continue;
    const entry = await vault.get(name);
    const { id, destroyed } = internal.KeyRecord.decode(entry?.value ?? new Uint8Array());
    keys.records++;
    if (id.length > 0) keys.live++;
    keys.destroyed += destroyed.length;
    keys.olderValues += await vault.olderValues(name);
  }
  return keys;
}
