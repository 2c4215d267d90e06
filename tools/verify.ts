// `npm run -s verify`: the proof for operators. Recomputes from journals and snapshots what every conversation and inbox
// must be, and compares it with live actors, ClickHouse and devices. Reads only; for a running cluster with people on it.
//
//   npm run -s verify                                      everything
//   npm run -s verify -- --user alice                      one inbox, and the conversations on its list
//   npm run -s verify -- --conversation d.alice.bob --json
//   npm run -s verify -- --url ws://… --token …            and a new device of somebody
//
// Progress on stderr, the report on stdout. Exit status: 0 all is the same, 1 something differs, 2 it could not be asked.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { internal, parseConversation, idPattern, tenantPattern } from '@parley/protocol';
import { type DeviceCopy, readDeviceFile, syncDevice } from './verify/device-copy.ts';
import type { Findings } from './verify/findings.ts';
import { connectSources, natsUrlOf } from './verify/nats-sources.ts';
import { type Figures, figuresOf, tellFindings } from './verify/report.ts';
import { Scope } from './verify/scope.ts';
import { type Sources, Unreachable, isOurMistake } from './verify/sources.ts';
import { type Part, journalEnds, parts, verifyCluster } from './verify/verify-cluster.ts';

const help = `Compares journals and snapshots with live actors, ClickHouse and devices.

  npm run -s verify -- [options]

  --conversation ID   only this conversation and its members' entries of it; may be repeated
  --user ID           only this user's inbox and the conversations on its list; may be repeated
  --tenant TENANT     only this tenant (default with --user and --conversation: default; else all)
  --device FILE       a device's copy: JSON lines of conversation, sequence and digest; may be repeated
  --url URL --token T sync a new device of the token's user (ws:// or wss://), and compare what it has
  --skip PARTS        leave out: ${parts.join(', ')} (separated by commas)
  --digests           print the digest of every conversation and inbox, a JSON line each
  --nats URL          NATS of the cluster (default PARLEY_NATS_URL, else what npm start has started)
  --data FOLDER       data folder of npm start (default ./parley-data)
  --json              one JSON line
  --help

Exit status: 0 everything is the same, 1 something differs, 2 usage, or something did not answer.
`;

class Usage extends Error {}

const startedMs = performance.now();
/** Of the tools and the clients that name none. */
const defaultTenant = 'default';

try {
  process.exitCode = await main();
} catch (error) {
  const { message, stack = '' } = error as Error;
  process.stderr.write(`verify: ${isOurMistake(error) ? stack : message.replaceAll('\n', ' ')}\n`);
  process.exitCode = 2;
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options === undefined) return 0;
  const sources = await connectSources(await natsUrlOf(options));
  try {
    const { findings, figures } = await verify(options, sources);
    if (options.json) process.stdout.write(`${JSON.stringify(figures)}\n`);
    else process.stdout.write(tellFindings(findings, figures));
    if (figures.differences > 0) return 1;
    return figures.unverified.length > 0 ? 2 : 0;
  } finally {
    await sources.close();
  }
}

type Options = NonNullable<ReturnType<typeof readOptions>>;

async function verify(
  options: Options,
  sources: Sources,
): Promise<{ readonly findings: Findings; readonly figures: Figures }> {
  // Before devices sync: what was there then, they must have.
  const start = await journalEnds(sources, Scope.all(sources.shardCounts).shards());
  const devices = await devicesOf(options);
  const scope = await scopeOf(options, sources, devices);
  const findings = await verifyCluster({
    sources,
    scope,
    devices,
    start,
    parts: options.parts,
    progress: (line) => process.stderr.write(`[${seconds().toFixed(1).padStart(6)}] ${line}\n`),
    onDigest: options.digests ? (line) => void process.stdout.write(`${JSON.stringify(line)}\n`) : undefined,
  });
  return { findings, figures: figuresOf(findings, seconds()) };
}

async function devicesOf({ device: files, url, token, tenant }: Options): Promise<DeviceCopy[]> {
  const devices = await Promise.all(files.map((file) => readDeviceFile(file, tenant ?? defaultTenant)));
  if (url !== undefined && token !== undefined) devices.push(await syncDevice({ url, token }));
  return devices;
}

async function scopeOf(
  { conversation, user, tenant }: Options,
  sources: Sources,
  devices: readonly DeviceCopy[],
): Promise<Scope> {
  const { shardCounts } = sources;
  if (conversation.length === 0 && user.length === 0) return Scope.all(shardCounts, tenant);
  const ofTenant = tenant ?? defaultTenant;
  const conversations = new Set(conversation);
  for (const { conversations: copies, tenant: ofDevice } of devices)
    if (ofDevice === ofTenant) for (const id of copies.keys()) conversations.add(id);
  const all = Scope.all(shardCounts);
  for (const id of user) {
    const query = internal.Query.encode({ type: 'user', tenant: ofTenant, id, conversations: {} }).finish();
    const shard = all.shardOf({ type: 'user', tenant: ofTenant, id });
    const result = await sources.ask(shard, query);
    if (result.outcome !== 'answered')
      throw new Unreachable(
        `the owner of ${shard.kind}.${shard.index} does not answer (${result.outcome}): is a session-actor running?`,
      );
    const answer = internal.QueryAnswer.decode(result.bytes);
    for (const one of answer.conversations?.conversations ?? [])
      if (one.conversation) conversations.add(one.conversation);
  }
  return Scope.of(shardCounts, ofTenant, { conversations: [...conversations], users: user });
}

function readOptions() {
  const text = { type: 'string' } as const;
  const list = { type: 'string', multiple: true, default: [] as string[] } as const;
  const flag = { type: 'boolean', default: false } as const;
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        conversation: list,
        user: list,
        tenant: text,
        device: list,
        url: text,
        token: text,
        skip: text,
        digests: flag,
        nats: text,
        data: { ...text, default: 'parley-data' },
        json: flag,
        help: { ...flag, short: 'h' },
      },
    }));
  } catch (cause) {
    throw new Usage(`${(cause as Error).message} (--help lists the options)`, { cause });
  }
  if (values.help) {
    process.stdout.write(help);
    return undefined;
  }
  const { conversation, user, tenant, url, token } = values;
  for (const one of conversation)
    if (parseConversation(one) === undefined)
      throw new Usage(`--conversation ${one}: it is d.<smaller id>.<greater id>, or g.<group>`);
  for (const one of user) if (!idPattern.test(one)) throw new Usage(`--user ${one} is no user id`);
  if (tenant !== undefined && !tenantPattern.test(tenant)) throw new Usage(`--tenant ${tenant} is no tenant`);
  if ((url === undefined) !== (token === undefined)) throw new Usage('--url and --token belong together');
  if (url !== undefined && !/^wss?:\/\//.test(url))
    throw new Usage(`--url ${url}: it begins with ws:// or wss://`);
  const skipped = (values.skip ?? '').split(',').filter((part) => part !== '');
  for (const part of skipped)
    if (!parts.includes(part as Part)) throw new Usage(`--skip ${part}: there are ${parts.join(', ')}`);
  return {
    ...values,
    data: path.resolve(values.data),
    parts: new Set(parts.filter((part) => !skipped.includes(part))),
  };
}

function seconds(): number {
  return Math.round((performance.now() - startedMs) / 100) / 10;
}
