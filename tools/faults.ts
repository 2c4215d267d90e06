// `npm run faults`: a real cluster on this machine, people who send all the time, and faults by a schedule that follows from
// the seed. Then everything is healed and compared: ledgers of all devices, journals, a fresh sync of every user, history.
// Exit status 1 unless nothing was lost, doubled, out of order, hidden or miscounted.
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type NatsLink, connectNats } from '@parley/adapters';
import { inParallel, seededRandom } from '@parley/std';
import { waitUntil } from '@parley/testing/servers';
import { Command } from 'commander';
import { AckWatch } from './faults/ack-watch.ts';
import {
  Verdict,
  checkDevice,
  checkHistory,
  checkInboxes,
  checkLedger,
  checkReads,
  untilQuiet,
} from './faults/checks.ts';
import { Injector } from './faults/injector.ts';
import { JournalWitness } from './faults/journal-witness.ts';
import { OwnerWatch } from './faults/owner-watch.ts';
import { type Device, People, type User } from './faults/people.ts';
import { figuresOf } from './faults/report.ts';
import { type FaultKind, type Fleet, faultKinds, planFaults } from './faults/schedule.ts';
import { Stage } from './faults/stage.ts';
import { Talk, meet } from './faults/talk.ts';
import { type Issuer, startIssuer } from './issuer.ts';

interface Options {
  readonly seconds: string;
  readonly seed: string;
  readonly nats: string;
  readonly users: string;
  readonly rate: string;
  readonly only?: string;
  readonly json?: boolean;
  readonly keep?: boolean;
  readonly verbose?: boolean;
}

const tenant = 'faults';
/** The faults are over: so long for the last answers, and so long for the last pushes. */
const answersLimitMs = 90_000;
const quietLimitMs = 90_000;
const readsLimitMs = 30_000;
const historyLimitMs = 60_000;
const freshLimitMs = 60_000;
/** Beyond the seconds asked for, the whole run takes at most this long. */
const overtimeLimitMs = 420_000;
const freshAtOnceMax = 12;

const options = new Command('faults')
  .description('Breaks a cluster on purpose while people talk, and checks that nothing is lost.')
  .option('--seconds <n>', 'how long people talk and things break', '60')
  .option('--seed <n>', 'what is broken when', '1')
  .option('--nats <n>', 'NATS servers: 1, or 3 with three copies of everything', '1')
  .option('--users <n>', 'users', '120')
  .option('--rate <n>', 'messages a second, of all together', '60')
  .option('--only <kinds>', `only these faults, separated by commas: ${faultKinds.join(', ')}`)
  .option('--json', 'print the result as one JSON line, last')
  .option('--keep', 'keep the data folder of the cluster, with its logs')
  .option('--verbose', 'tell the warnings of the processes too, not only their errors')
  .parse()
  .opts<Options>();

const startedMs = performance.now();
const seconds = numberOf('seconds', 5, 3_600);
const seed = numberOf('seed', 0, 2 ** 32 - 1);
const natsServers = numberOf('nats', 1, 3);
const kinds = kindsOf(options.only);
const fleet: Fleet = { gateways: 2, sessionActors: 3, groupActors: 2, natsServers };
const dataFolder = await mkdtemp(path.join(tmpdir(), 'parley-faults-'));

let isStopping = false;
let issuer: Issuer | undefined;
let stage: Stage | undefined;
let link: NatsLink | undefined;
let people: People | undefined;
let injector: Injector | undefined;
let witness: JournalWitness | undefined;
let cleaning: Promise<void> | undefined;

// Sockets that are reconnecting do not keep a process alive; the run ends when it says so.
const alive = setInterval(() => undefined, 60_000);
const limit = setTimeout(
  () => {
    say(`not done after ${overtimeLimitMs / 1_000} s of overtime: giving up`);
    void cleanUp('kill').then(() => process.exit(1));
  },
  seconds * 1_000 + overtimeLimitMs,
);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (isStopping) return;
    isStopping = true;
    say('stopping');
    void cleanUp('kill').then(() => process.exit(130));
  });
}

try {
  const isGood = await run();
  await cleanUp('stop');
  process.exitCode = isGood ? 0 : 1;
} catch (error) {
  if (!isStopping) say(`failed: ${(error as Error).stack ?? String(error)}`);
  await cleanUp('kill');
  process.exitCode = isStopping ? 130 : 1;
}

async function run(): Promise<boolean> {
  const random = seededRandom(seed + 1);
  const faults = planFaults({ seed, seconds, fleet, kinds });
  issuer = await startIssuer(tenant);
  stage = await Stage.start({ fleet, dataFolder, env: environment(issuer), log: tell });
  link = await connectNats(stage.nats.url, { name: 'faults' });
  const owners = new OwnerWatch(link);
  const acks = new AckWatch();
  witness = await JournalWitness.start(link);
  const { cluster } = stage;
  people = new People({
    issuer,
    random,
    gateways: () => cluster.gateways,
    onAcked: (post) => acks.acked(post.sentMs, `${post.clientMessageId} in ${post.conversation}`),
  });
  const all = people;
  const users = numberOf('users', 20, 2_000);
  await meet(all, { users, largeMembers: Math.floor(users / 2), random });
  await waitUntil(() => owners.size >= witness!.shardCount, {
    what: 'all shards are served',
    limitMs: 30_000,
  });
  say(`${users} users are in, after ${elapsed()} s; ${faults.length} faults are planned for seed ${seed}`);

  const stalls = monitorEventLoopDelay();
  stalls.enable();
  injector = new Injector({ stage, owners, link, say });
  const talk = new Talk({ people: all, random, rate: numberOf('rate', 1, 5_000) });
  const ticker = setInterval(() => say(`  ${all.ledger.sent} sent, ${all.ledger.acked} acked`), 5_000);
  talk.begin();
  acks.begin();
  await Promise.all([injector.run(faults), sleep(seconds * 1_000)]);
  acks.end();
  await talk.end();
  clearInterval(ticker);
  stalls.disable();

  say(`people fall silent after ${elapsed()} s; healing`);
  await injector.settle();
  await injector.healAll();
  const verdict = new Verdict();
  await answered(all);
  await witness.catchUp(quietLimitMs);
  const unquiet = await untilQuiet(all, witness.truth, quietLimitMs);
  if (unquiet !== undefined) say(unquiet);
  say(`comparing after ${elapsed()} s`);
  await settleReads(all);
  await witness.catchUp(quietLimitMs);
  const { truth } = witness;
  checkLedger(all, truth, verdict);
  checkInboxes(truth, verdict);
  for (const device of all.users.flatMap((user) => user.devices)) checkDevice(device, truth, verdict);
  await checkFresh(all, verdict);
  await checkHistory(link, tenant, truth, verdict, historyLimitMs);
  const compared = await witness.readAgain(quietLimitMs);
  say(`${compared} of ${truth.commits} commits are still in the journals, and were read again`);
  owners.stop();
  return report({ verdict, owners, acks, stallMs: stalls.max / 1e6, injector, all, unquiet });
}

function environment(from: Issuer): Record<string, string> {
  const large = Math.floor(numberOf('users', 20, 2_000) / 3);
  return {
    PARLEY_AUTH_ISSUERS: from.setting,
    PARLEY_HTTP_REQUESTS_PER_MINUTE: '100000',
    PARLEY_NATS_REPLICAS: String(natsServers),
    PARLEY_GROUP_LARGE_FROM: String(large),
    PARLEY_GROUP_SMALL_TO: String(large - 5),
    // Takeovers begin from snapshots, and journals are trimmed, within the run.
    PARLEY_ACTOR_CHECKPOINT_EVERY_MS: '3000',
  };
}

/** Waits for the answers to all sends; those without one are counted by the report. */
async function answered(all: People): Promise<void> {
  const devices = all.users.flatMap((user) => user.devices);
  try {
    await waitUntil(
      () => devices.every((device) => device.unanswered === 0 && device.client?.outboxSize === 0),
      {
        what: 'every send is answered',
        limitMs: answersLimitMs,
        everyMs: 100,
      },
    );
  } catch {
    say(`${all.ledger.sent - all.ledger.acked} sends have no answer after ${answersLimitMs / 1_000} s`);
  }
}

/** Every third user reads everything; and what was read without an answer is read again. Then devices must agree. */
async function settleReads(all: People): Promise<void> {
  await inParallel(all.users, freshAtOnceMax, async (user) => {
    const device = user.devices[0]!;
    for (const conversation of user.conversations) {
      const isUnsure = user.reads.get(conversation) === -1;
      if (!isUnsure && all.users.indexOf(user) % 3 !== 0) continue;
      const tail = device.client?.conversation(conversation).tail ?? 0;
      if (tail === 0) continue;
      user.reads.delete(conversation);
      await all.markRead(user, device, conversation, tail);
    }
  });
  const agree = (user: User) => {
    const clients = user.devices.map((device) => device.client!);
    return user.conversations.every(
      (id) =>
        new Set(
          clients.map((client) => {
            const { unread, unreadMentions } = client.conversation(id);
            return `${unread} ${unreadMentions}`;
          }),
        ).size === 1,
    );
  };
  await waitUntil(() => all.users.every(agree), {
    what: 'devices agree on what is read',
    limitMs: readsLimitMs,
  }).catch((error: unknown) => say((error as Error).message));
}

/** A device that knows nothing, for every user: what the server would tell it is what everybody has. */
async function checkFresh(all: People, verdict: Verdict): Promise<void> {
  const { truth } = witness!;
  await inParallel(all.users, freshAtOnceMax, async (user) => {
    const fresh: Device = all.newDevice(user.id, 'fresh');
    try {
      // It connects for ever: what has not become of it by then is for the checks to find.
      const connecting = all.connect(fresh);
      connecting.catch((error: unknown) => say(`a new device of ${user.id}: ${(error as Error).message}`));
      await waitUntil(() => fresh.client?.isCaughtUp === true, {
        what: 'it has synced',
        limitMs: freshLimitMs,
      });
    } catch (error) {
      verdict.find('lost', `a new device of ${user.id}: ${(error as Error).message}`);
    }
    checkDevice(fresh, truth, verdict, 'fresh');
    checkReads(user, [...user.devices, fresh], { people: all, truth, verdict });
    all.disconnect(fresh);
  });
}

function report(
  outcome: Parameters<typeof figuresOf>[0] & { readonly unquiet: string | undefined },
): boolean {
  const { verdict, all, injector: done } = outcome;
  const { truth, flaws } = witness!;
  for (const flaw of [...truth.flaws, ...flaws]) verdict.told.push(`journal: ${flaw}`);
  // A journal that contradicts itself has lost something or has it twice: nobody can say which.
  verdict.counts.out_of_order += truth.flawCount + flaws.length;
  const figures = figuresOf(outcome, { seconds, natsServers, truth });
  tellSlowest(outcome.acks, outcome.owners);
  for (const line of [...verdict.told, ...all.ledger.flaws, ...all.ledger.refused.slice(0, 20)])
    say(`  ${line}`);
  if (options.json) process.stdout.write(`${JSON.stringify(figures)}\n`);
  else
    for (const [name, value] of Object.entries(figures))
      process.stdout.write(
        `${name.padEnd(26)} ${typeof value === 'object' ? JSON.stringify(value) : value}\n`,
      );
  say(`done after ${elapsed()} s`);
  const isClean = Object.values(verdict.counts).every((count) => count === 0);
  return (
    isClean &&
    all.ledger.sent === all.ledger.acked &&
    all.ledger.refused.length === 0 &&
    done.failures.length === 0 &&
    outcome.unquiet === undefined
  );
}

/** Where to look when times are long. */
function tellSlowest(acks: AckWatch, owners: OwnerWatch): void {
  const at = (ms: number) => ((ms - startedMs) / 1_000).toFixed(1);
  for (const { what, fromMs, toMs } of acks.slowest) say(`  slow: ${what}, ${at(fromMs)} to ${at(toMs)}`);
  for (const { shard, cause, fromMs, toMs } of owners.slowest)
    say(`  slow: ${shard} after a ${cause}, ${at(fromMs)} to ${at(toMs)}`);
}

/** Everything this run has started ends here, once. */
function cleanUp(manner: 'stop' | 'kill'): Promise<void> {
  cleaning ??= (async () => {
    injector?.stop();
    people?.closeAll();
    witness?.stop();
    // Its NATS may be gone: it must not wait for it.
    void link?.close();
    await stage?.[manner]();
    issuer?.stop();
    clearInterval(alive);
    clearTimeout(limit);
    if (options.keep) say(`the data is kept in ${dataFolder}`);
    else rmSync(dataFolder, { recursive: true, force: true, maxRetries: 3 });
  })();
  return cleaning;
}

function kindsOf(only: string | undefined): FaultKind[] {
  if (only === undefined) return [...faultKinds];
  const asked = only.split(',').map((kind) => kind.trim());
  for (const kind of asked) {
    if (!faultKinds.includes(kind as FaultKind)) throw new Error(`--only: there is no fault named ${kind}`);
  }
  return asked as FaultKind[];
}

function numberOf(name: 'seconds' | 'seed' | 'nats' | 'users' | 'rate', min: number, max: number): number {
  const value = Number(options[name]);
  const isWrong = !Number.isInteger(value) || value < min || value > max || (name === 'nats' && value === 2);
  if (isWrong) throw new Error(`--${name} must be a whole number from ${min} to ${max}`);
  return value;
}

function elapsed(): number {
  return Math.round((performance.now() - startedMs) / 100) / 10;
}

function say(line: string): void {
  process.stderr.write(`[${elapsed().toFixed(1).padStart(6)}] ${line}\n`);
}

/** While things are broken on purpose, warnings are no news. */
function tell(line: string): void {
  if (options.verbose || !/^\S+: warn: /.test(line)) say(`  ${line}`);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
