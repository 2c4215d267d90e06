// `npm run demo`: plays real conversations through real sockets against a fresh cluster of its own, then checks every
// member's view against what was acknowledged. Exit status 1 unless nothing was lost, doubled or out of order, and every
// search found exactly what it should.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { type Cluster, startCluster } from '@parley/testing/servers';
import { ChannelReplay, channelConversation } from './demo/channel-replay.ts';
import { type SearchCase, chooseQueries, runSearch, searchCase } from './demo/check-search.ts';
import { type Verdict, checkLog, checkView, newVerdict, spansOf, viewOf } from './demo/check-views.ts';
import { makeUpCorpus, openCorpus } from './demo/corpus.ts';
import { conversationOf, replayDialogues } from './demo/dialogue-replay.ts';
import { type Issuer, startIssuer } from './issuer.ts';
import { People } from './demo/people.ts';
import { type Social, beSocial } from './demo/social.ts';
import { type Plan, makePlan } from './demo/plan.ts';
import { until } from './demo/until.ts';
import { Versions } from './demo/versions.ts';

interface Options {
  readonly corpus?: string;
  readonly messages: string;
  readonly users: string;
  readonly json?: boolean;
  readonly keep?: boolean;
}

const tenant = 'demo';
/** In the channel from its first message to its last: makes the group and lets people in. */
const keeper = 'channel-keeper';
/** How long everybody may take to have everything, once the last message has been sent. */
const catchUpLimitMs = 120_000;
const returnsAtOnceMax = 32;
const queriesOfEachLanguage = 4;
/** How many people of the channel meet in a group of their own. */
const circleSize = 12;

const options = new Command('demo')
  .description(
    'Plays real conversations against a fresh cluster and checks that nothing is lost, doubled or out of order.',
  )
  .option(
    '--corpus <folder>',
    'folder with ubuntu-irc.jsonl.gz and dialogues.jsonl; made up where it has none',
  )
  .option('--messages <n>', 'messages to send', '21000')
  .option('--users <n>', 'users', '1300')
  .option('--json', 'print the result as one JSON line, last')
  .option('--keep', 'keep the data folder of the cluster')
  .parse()
  .opts<Options>();

const startedMs = performance.now();
let isStopping = false;
let issuer: Issuer | undefined;
let cluster: Cluster | undefined;
let people: People | undefined;
let cleaning: Promise<void> | undefined;

// Sockets that are reconnecting do not keep a process alive; the demo ends when it says so.
const alive = setInterval(() => undefined, 60_000);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (isStopping) return;
    isStopping = true;
    say('stopping');
    void cleanUp().then(() => process.exit(130));
  });
}

try {
  const isGood = await run();
  await cleanUp();
  process.exitCode = isGood ? 0 : 1;
} catch (error) {
  if (!isStopping) say(`failed: ${(error as Error).stack ?? String(error)}`);
  await cleanUp();
  process.exitCode = isStopping ? 130 : 1;
}

async function run(): Promise<boolean> {
  const corpus = (options.corpus === undefined ? undefined : openCorpus(options.corpus)) ?? makeUpCorpus();
  if (options.corpus !== undefined && !corpus.name.includes(options.corpus))
    say(`no corpus in ${options.corpus}`);
  const plan = await makePlan(corpus, { messages: numberOf('messages'), users: numberOf('users') });
  say(
    `${corpus.name}: ${plan.messages} messages of ${plan.users} users, ${plan.pairs.length} of the conversations in private`,
  );
  issuer = await startIssuer(tenant);
  cluster = await startCluster({
    log: (line) => say(`  ${line}`),
    env: {
      PARLEY_AUTH_ISSUERS: issuer.setting,
      // Everybody comes from one address, and the keeper lets a thousand people in.
      PARLEY_HTTP_REQUESTS_PER_MINUTE: '100000',
      PARLEY_HTTP_SEARCHES_PER_MINUTE: '100000',
    },
    ...(options.keep ? { dataFolder: mkdtempSync(path.join(tmpdir(), 'parley-demo-')) } : {}),
  });
  say(`the cluster is up after ${seconds()} s`);
  people = new People(cluster.gateways[0]!, issuer);
  const offline = await replay(plan, people);
  say(`everything was sent after ${seconds()} s; waiting until everybody has it`);
  const offlineSynced = await bringBack(people, offline);
  await settle(people);
  const verdict = newVerdict();
  checkConversations(plan, people, verdict);
  await checkDevices(plan, people, verdict);
  const wrongSearches = await search(plan, people);
  const social = await socialise(plan, people);
  return report({ plan, people, verdict, offlineSynced, wrongSearches, social });
}

/** Returns the users who were away at the end. */
async function replay(plan: Plan, all: People): Promise<string[]> {
  const progress = { channel: 0, pairs: 0 };
  const stopped = () => isStopping;
  const channel = new ChannelReplay({
    people: all,
    keeper,
    steps: plan.steps,
    onProgress: (done) => (progress.channel = done),
    isStopping: stopped,
  });
  const ticker = setInterval(() => {
    const { sent, acked, connections } = all.tally;
    const percent = Math.floor((100 * progress.channel) / Math.max(1, plan.steps.length));
    say(
      `  channel ${percent} %, dialogues ${progress.pairs} of ${plan.pairs.length}; ${sent} sent, ${acked} acked, ${connections} connections made`,
    );
  }, 5_000);
  try {
    await Promise.all([
      channel.run(),
      replayDialogues({
        people: all,
        pairs: plan.pairs,
        onProgress: (done) => (progress.pairs = done),
        isStopping: stopped,
      }),
    ]);
  } finally {
    clearInterval(ticker);
  }
  const receivers = plan.pairs
    .filter((pair) => pair.manner === 'receiver offline')
    .map((pair) => pair.second);
  return [...channel.wentOffline, ...receivers].filter((user) => !all.isConnected(user));
}

/** Everybody who was away connects again and syncs. Returns how many have everything now. */
async function bringBack(all: People, offline: readonly string[]): Promise<number> {
  let synced = 0;
  for (let at = 0; at < offline.length; at += returnsAtOnceMax) {
    await Promise.all(
      offline.slice(at, at + returnsAtOnceMax).map(async (user) => {
        try {
          const client = await all.connect(user);
          await until(() => client.isCaughtUp, catchUpLimitMs, `${user} catches up`);
          synced++;
        } catch (error) {
          all.fail(`${user} came back: ${(error as Error).message}`);
        }
      }),
    );
  }
  say(`${synced} of ${offline.length} users who were away have come back and synced`);
  return synced;
}

/** Waits until every connected member has the newest message of each of its conversations. */
async function settle(all: People): Promise<void> {
  const heads = new Map<string, number>();
  for (const { conversation, sequence } of [...all.posted, ...all.changed])
    heads.set(conversation, Math.max(sequence, heads.get(conversation) ?? 0));
  const keeperTail = () => all.devices.get(keeper)![0]!.client!.conversation(channelConversation).tail;
  const isThere = () => {
    heads.set(channelConversation, Math.max(heads.get(channelConversation) ?? 0, keeperTail()));
    for (const devices of all.devices.values()) {
      for (const { client } of devices) {
        if (client === undefined) continue;
        if (!client.isCaughtUp) return false;
        for (const one of client.conversations) {
          if (one.isMember && one.head > 0 && one.tail < (heads.get(one.id) ?? 0)) return false;
        }
      }
    }
    return true;
  };
  try {
    await until(isThere, catchUpLimitMs, 'everybody has everything');
  } catch (error) {
    // The check of the views says who lacks what.
    all.fail((error as Error).message);
  }
}

function checkConversations(plan: Plan, all: People, verdict: Verdict): void {
  const posted = byConversation(all.posted);
  const changed = byConversation(all.changed);
  const told = (conversation: string) => ({
    posted: posted.get(conversation) ?? [],
    changed: changed.get(conversation) ?? [],
  });
  const channelLog = viewOf(all, keeper, 0, channelConversation);
  const inChannel = told(channelConversation);
  checkLog(channelLog, inChannel, verdict);
  const versions = new Versions(inChannel.posted, inChannel.changed);
  const spans = spansOf(channelLog);
  for (const user of [keeper, ...plan.people.map((person) => person.id)]) {
    all.devices.get(user)?.forEach((device, n) => {
      const expected = {
        log: channelLog,
        spans: spans.get(user) ?? [],
        versions,
        who: `${user}/${device.deviceId} in the channel`,
      };
      checkView(viewOf(all, user, n, channelConversation), expected, verdict);
    });
  }
  for (const pair of plan.pairs) {
    const conversation = conversationOf(pair);
    const log = viewOf(all, pair.first, 0, conversation);
    const inPair = told(conversation);
    checkLog(log, inPair, verdict);
    const pairVersions = new Versions(inPair.posted, inPair.changed);
    for (const user of [pair.first, pair.second]) {
      all.devices.get(user)?.forEach((device, n) => {
        const who = `${user}/${device.deviceId}`;
        const expected = { log, spans: [{ from: 1, to: 0 }], who, versions: pairVersions };
        checkView(viewOf(all, user, n, conversation), expected, verdict);
      });
    }
  }
  say(`${verdict.delivered} deliveries compared`);
}

function byConversation<T extends { readonly conversation: string }>(all: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const others = groups.get(one.conversation);
    if (others === undefined) groups.set(one.conversation, [one]);
    else others.push(one);
  }
  return groups;
}

/** Two devices of a user: one reads, both must come to the same read pointers and unread counts. */
async function checkDevices(plan: Plan, all: People, verdict: Verdict): Promise<void> {
  const users = [...plan.people.filter((one) => one.hasTwoDevices).map((one) => one.id)];
  for (const pair of plan.pairs) if (pair.manner === 'two devices') users.push(pair.first, pair.second);
  let agreed = 0;
  const connected = users.filter((user) => all.isConnected(user) && all.devices.get(user)!.length === 2);
  for (const [index, user] of connected.entries()) {
    const [first, second] = all.devices.get(user)!.map((device) => device.client!);
    const mine = first!.conversations.filter((one) => one.isMember && one.head > 0);
    try {
      // Some read everything, some half of it.
      for (const one of mine)
        await one.markRead(index % 2 === 0 ? one.tail : Math.max(one.firstVisible, Math.floor(one.tail / 2)));
      const isSame = () =>
        mine.every(
          (one) =>
            second!.conversation(one.id).unread === one.unread &&
            second!.conversation(one.id).read === one.read,
        );
      await until(isSame, 15_000, `both devices of ${user} agree`);
      agreed++;
    } catch (error) {
      all.fail(`${user}: ${(error as Error).message}`);
      verdict.findings.push((error as Error).message);
    }
  }
  say(`${agreed} of ${connected.length} users with two devices see the same unread counts on both`);
}

/** Returns what is wrong; empty when every search found exactly what it should. */
async function search(plan: Plan, all: People): Promise<string[]> {
  const textsOf = (log: readonly { text?: string | null }[]) =>
    log.flatMap((message) => (message.text ? [message.text] : []));
  const channelLog = viewOf(all, keeper, 0, channelConversation);
  const cases: SearchCase[] = chooseQueries(textsOf(channelLog), 'english', queriesOfEachLanguage).map(
    (query) => searchCase(keeper, query, channelLog),
  );
  for (const pair of plan.pairs.filter((one) => one.lang === 'chinese').slice(0, 3)) {
    const log = viewOf(all, pair.first, 0, conversationOf(pair));
    cases.push(
      ...chooseQueries(textsOf(log), 'chinese', queriesOfEachLanguage).map((query) =>
        searchCase(pair.first, query, log),
      ),
    );
  }
  const wrong = await Promise.all(
    cases.map(async (one) => {
      const head = viewOf(all, one.who, 0, one.conversation).at(-1)?.sequence ?? 0;
      return runSearch(await all.api(one.who), one, head);
    }),
  );
  const problems = wrong.filter((problem) => problem !== undefined);
  if (cases.length === 0) problems.push('there was nothing to search for');
  say(
    `${cases.length - problems.length} of ${cases.length} searches right: ${cases.map((one) => `${one.query} ${one.expected.length}`).join(', ')}`,
  );
  return problems;
}

async function socialise(plan: Plan, all: People): Promise<Social> {
  const connected = plan.people.map(({ id }) => id).filter((id) => all.isConnected(id));
  const members = connected.slice(0, circleSize);
  const isStopped = () => isStopping;
  const social = await beSocial({ people: all, pairs: plan.pairs, keeper, members, isStopping: isStopped });
  const { reactions, receipts, deletions, blocks, mutes, bans, wrong } = social;
  say(
    `${reactions} reactions, ${receipts} receipts, ${deletions} deletions, ${blocks} blocks, ${mutes} mutes, ${bans} bans; ${wrong.length} not as they ought to be`,
  );
  return social;
}

interface Outcome {
  readonly plan: Plan;
  readonly people: People;
  readonly verdict: Verdict;
  readonly offlineSynced: number;
  readonly wrongSearches: readonly string[];
  readonly social: Social;
}

function report({ plan, people: all, verdict, offlineSynced, wrongSearches, social }: Outcome): boolean {
  const { tally } = all;
  const { wrong, ...acts } = social;
  const channelLog = viewOf(all, keeper, 0, channelConversation);
  // What was sent and never acknowledged, though nobody stopped us, is lost as well.
  const lost = verdict.lost + (tally.sent - tally.acked);
  const duplicated = verdict.duplicated + tally.doubledByRepeat;
  const result = {
    users: plan.users,
    connections: tally.connections,
    sent: tally.sent,
    acked: tally.acked,
    edited: all.changed.filter(({ text }) => text !== undefined).length,
    recalled: all.changed.filter(({ text }) => text === undefined).length,
    delivered: verdict.delivered,
    lost,
    duplicated,
    out_of_order: verdict.outOfOrder,
    switches: channelLog.filter((message) => message.system?.diffusionChanged).length,
    offline_synced: offlineSynced,
    search_ok: wrongSearches.length === 0,
    ...acts,
    social_ok: wrong.length === 0,
    seconds: seconds(),
  };
  for (const finding of [...verdict.findings, ...wrongSearches, ...wrong]) say(`  ${finding}`);
  if (tally.failed.length > 0) say(`${tally.failed.length} things failed on the way`);
  say(`${tally.repeated} sends were repeated as after a lost acknowledgement`);
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else
    for (const [name, value] of Object.entries(result))
      process.stdout.write(`${name.padEnd(16)} ${String(value)}\n`);
  const isClean = lost === 0 && duplicated === 0 && verdict.outOfOrder === 0;
  const isRight = wrongSearches.length === 0 && wrong.length === 0 && verdict.findings.length === 0;
  return isClean && isRight && tally.failed.length === 0;
}

/** Everything this run has started ends here, once. */
function cleanUp(): Promise<void> {
  cleaning ??= (async () => {
    people?.closeAll();
    await cluster?.stop({ keepData: options.keep === true });
    issuer?.stop();
    clearInterval(alive);
    if (options.keep && cluster !== undefined) say(`the data is kept in ${cluster.dataFolder}`);
  })();
  return cleaning;
}

function numberOf(name: 'messages' | 'users'): number {
  const value = Number(options[name]);
  if (!Number.isInteger(value) || value < 20)
    throw new Error(`--${name} must be a whole number of at least 20`);
  return value;
}

function seconds(): number {
  return Math.round((performance.now() - startedMs) / 100) / 10;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
