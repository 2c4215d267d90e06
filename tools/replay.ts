// `npm run -s replay`: plays a window of a conversation's history again on a fresh cluster of its own, with the same people in
// the same order, and compares what comes of it with the original: the proof that the rules of today make the same of it.
//
// Progress on stderr, the report on stdout. Exit status: 0 the same, 1 something differs, 2 it could not be played.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { NatsMessenger, connectNats } from '@parley/adapters';
import type { LogMessage } from '@parley/domain';
import { parseConversation, tenantPattern } from '@parley/protocol';
import { operatorName } from './past/admin-questions.ts';
import { timeOf } from './past/command-line.ts';
import { type Difference, compareLogs, compareStates } from './replay/compare.ts';
import { isAutomatic, peopleOf } from './replay/elements.ts';
import { PastReader, type PastState } from './replay/past-reader.ts';
import { play, setTheStage } from './replay/play.ts';
import { Stage } from './replay/stage.ts';
import { natsUrlOf } from './verify/nats-sources.ts';
import { Unreachable, isOurMistake } from './verify/sources.ts';

const help = `Plays a window of a conversation again on a cluster of its own, and compares.

  npm run -s replay -- --conversation g.team [options]

  --conversation ID   what to play
  --tenant TENANT     of this tenant (default: default)
  --from N, --to N    sequences, both included (default: from 1 to the newest); what happened by itself because of
                      an element (a hand-over, a switch of diffusion) is played with it
  --from-time T       instead: what was committed after T (a date, or milliseconds since 1970) …
  --to-time T         … and until T
  --nats URL          NATS of the original's cluster (default PARLEY_NATS_URL, else what npm start has started)
  --data FOLDER       data folder of npm start (default ./parley-data)
  --json              one JSON line
  --help

The original's history is read through its history service, which notes it in its audit; nothing else happens there.
Exit status: 0 the replay is the same, 1 something differs, 2 usage, or something could not be read or played.
`;

/** Elements of a window; more are refused. */
const elementsMax = 100_000;
const historyWaitMs = 60_000;
/** Differences told; more are only counted. */
const toldMax = 100;
const startedMs = performance.now();

try {
  process.exitCode = await main();
} catch (error) {
  const { message, stack = '' } = error as Error;
  process.stderr.write(`replay: ${isOurMistake(error) ? stack : message.replaceAll('\n', ' ')}\n`);
  process.exitCode = 2;
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options === undefined) return 0;
  const link = await connectNats(await natsUrlOf(options), { name: 'replay', startTimeoutMs: 3_000 });
  try {
    const { conversation, tenant } = options;
    const by = operatorName();
    const original = new PastReader({ messenger: new NatsMessenger(link), tenant, conversation, by });
    return await replay(options, original);
  } finally {
    await link.close();
  }
}

type Options = NonNullable<ReturnType<typeof readOptions>>;

async function replay(options: Options, original: PastReader): Promise<number> {
  const { conversation, tenant } = options;
  const elements = await windowOf(options, original);
  const [from, to] = [elements[0]!.sequence, elements.at(-1)!.sequence];
  const before = from === 1 ? undefined : await original.asOf({ sequence: from - 1 });
  const after = await original.asOf({ sequence: to });
  const people = peopleOf(elements);
  for (const { user } of before?.members ?? []) people.add(user);
  const parsed = parseConversation(conversation);
  if (parsed?.type === 'direct') for (const user of [parsed.first, parsed.second]) people.add(user);
  say(`starting a cluster for ${people.size} people and ${elements.length} elements`);
  const stage = await Stage.open(tenant, (before ?? after)?.policy, (line) => say(`  ${line}`));
  try {
    await stage.letIn(people);
    const base = await setTheStage(stage, conversation, before);
    const { automatic, refused } = await play(stage, elements, say);
    const made = elements.length - refused.length;
    const replayed = await readCopy(stage, options, { base, count: made });
    const lost = new Set(refused.map(({ sequence }) => sequence));
    const expected = elements.filter(({ sequence }) => !lost.has(sequence));
    const differences = [...refused, ...compareLogs(expected, replayed.log)];
    if (parsed?.type === 'group' && after !== undefined && replayed.state !== undefined)
      differences.push(...compareStates(after, replayed.state));
    report(options, { from, to, played: made - automatic, automatic, differences });
    return differences.length > 0 ? 1 : 0;
  } finally {
    await stage.close();
  }
}

/** What the replay made: `count` elements behind `base`, and whatever else it made. */
async function readCopy(
  stage: Stage,
  { tenant, conversation }: Options,
  { base, count }: { readonly base: number; readonly count: number },
) {
  say('waiting for the history of the replay');
  const link = await connectNats(stage.cluster.natsUrl, { name: 'replay' });
  try {
    const messenger = new NatsMessenger(link);
    const copy = new PastReader({ messenger, tenant, conversation, by: operatorName() });
    // A replay that made fewer is found by what is missing, not by waiting for it.
    await copy.log(base + count, base + count, historyWaitMs).catch(() => undefined);
    const state = await copy.asOf({});
    const head = state?.head ?? 0;
    return { log: head > base ? await copy.log(base + 1, head, historyWaitMs) : [], state };
  } finally {
    await link.close();
  }
}

/** Never empty. What happened by itself is in it with what made it happen, and the other way round. */
async function windowOf(options: Options, original: PastReader): Promise<LogMessage[]> {
  const headAt = async (atMs: number) => (await original.asOf({ atMs }))?.head ?? 0;
  const from = options.fromMs === 0 ? options.from : (await headAt(options.fromMs)) + 1;
  const newest: PastState | undefined = await original.asOf({});
  if (newest === undefined) throw new Unreachable('history does not know this conversation');
  const to = options.toMs === 0 ? (options.to ?? newest.head) : await headAt(options.toMs);
  if (to < from) throw new Unreachable(`nothing was said from ${from} to ${to}`);
  if (to - from >= elementsMax)
    throw new Unreachable(`more than ${elementsMax} elements: choose a smaller window`);
  say(`reading ${options.conversation} from ${from} to ${to}`);
  const one = (sequence: number) => original.log(sequence, sequence, historyWaitMs);
  const elements = await original.log(from, to, historyWaitMs);
  for (let sequence = from - 1; sequence >= 1; sequence -= 1) {
    const [before] = await one(sequence);
    if (!isAutomatic(elements[0]!, before)) break;
    elements.unshift(before!);
  }
  for (let sequence = to + 1; sequence <= newest.head; sequence += 1) {
    const [next] = await one(sequence);
    if (!isAutomatic(next!, elements.at(-1))) break;
    elements.push(next!);
  }
  return elements;
}

interface Outcome {
  readonly from: number;
  readonly to: number;
  readonly played: number;
  readonly automatic: number;
  readonly differences: readonly Difference[];
}

function report({ conversation, tenant, json }: Options, outcome: Outcome): void {
  const { differences, ...counts } = outcome;
  if (json) {
    const found = differences.slice(0, toldMax);
    const line = {
      conversation,
      tenant,
      ...counts,
      differences: differences.length,
      found,
      seconds: seconds(),
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    return;
  }
  for (const { code, sequence, what } of differences.slice(0, toldMax))
    process.stdout.write(`${code} ${sequence === 0 ? '' : `#${sequence} `}${what}\n`);
  const { from, to, played, automatic } = counts;
  process.stdout.write(
    `${conversation} #${from} to #${to}: ${played} played, ${automatic} came by themselves, ${differences.length} differences, ${seconds()} s\n`,
  );
}

function readOptions() {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: {
      conversation: text,
      tenant: { ...text, default: 'default' },
      from: text,
      to: text,
      'from-time': text,
      'to-time': text,
      nats: text,
      data: { ...text, default: 'parley-data' },
      json: flag,
      help: { ...flag, short: 'h' },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return undefined;
  }
  const { conversation = '', tenant } = values;
  if (parseConversation(conversation) === undefined)
    throw new Unreachable(`--conversation ${conversation}: it is d.<smaller id>.<greater id>, or g.<group>`);
  if (!tenantPattern.test(tenant)) throw new Unreachable(`--tenant ${tenant} is no tenant`);
  return {
    conversation,
    tenant,
    from: sequenceOf('--from', values.from) ?? 1,
    to: sequenceOf('--to', values.to),
    fromMs: timeOf(values['from-time'], '--from-time'),
    toMs: timeOf(values['to-time'], '--to-time'),
    nats: values.nats,
    data: path.resolve(values.data),
    json: values.json,
  };
}

function sequenceOf(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^[1-9]\d{0,14}$/.test(value)) throw new Unreachable(`${name} ${value} is no sequence`);
  return Number(value);
}

function say(line: string): void {
  process.stderr.write(`[${seconds().toFixed(1).padStart(6)}] ${line}\n`);
}

function seconds(): number {
  return Math.round((performance.now() - startedMs) / 100) / 10;
}
