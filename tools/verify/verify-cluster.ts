// The whole verification: shard by shard, each read from its journal and its snapshots, then held against live actors,
// ClickHouse and devices; in the end inboxes against conversations, across shards. Reads only.
//
// Consistency: every comparison is bounded by what the journal had, so it runs while people write. See live-check.ts for
// actors, history-check.ts for ClickHouse, inbox-check.ts for lanes.
import { inParallel } from '@parley/std';
import { setTimeout as delay } from 'node:timers/promises';
import { type UserState, inboxPage } from '@parley/domain';
import { type ShardId, UnreadableRecord, shardName } from '@parley/runtime';
import type { ConversationTruth } from './conversation-truth.ts';
import { checkDevice } from './device-check.ts';
import type { DeviceCopy } from './device-copy.ts';
import { Chain, digestOf } from './digest.ts';
import { Findings } from './findings.ts';
import { HistoryCheck, type HistoryCheckLimits, historyCheckLimits } from './history-check.ts';
import { type Expectation, checkInboxes } from './inbox-check.ts';
import type { InboxTruth } from './inbox-truth.ts';
import { type LiveCheckLimits, checkLive, liveCheckLimits } from './live-check.ts';
import { liveHead } from './live-head.ts';
import { Scope } from './scope.ts';
import { type Rebuilt, ShardReading, Trimmed, placeOf } from './shard-reading.ts';
import { type Sources, isOurMistake } from './sources.ts';

/** What the journals are compared with; what is left out is not asked. */
export const parts = ['live', 'history', 'inboxes'] as const;
export type Part = (typeof parts)[number];

/** The digest of one conversation or inbox. */
export interface DigestLine {
  readonly tenant: string;
  readonly conversation?: string;
  readonly inbox?: string;
  /** First sequence, or position, that is in the digest. */
  readonly from: number;
  readonly to: number;
  readonly digest: string;
}

export interface VerifyOptions {
  readonly sources: Sources;
  readonly scope: Scope;
  readonly parts: ReadonlySet<Part>;
  readonly devices: readonly DeviceCopy[];
  /** See journalEnds: taken before devices synced. */
  readonly start: ReadonlyMap<string, number>;
  readonly progress: (line: string) => void;
  readonly onDigest?: ((line: DigestLine) => void) | undefined;
  readonly live?: LiveCheckLimits;
  readonly history?: HistoryCheckLimits;
  readonly inboxPausesMs?: readonly number[];
}

/** A shard that is trimmed again and again while it is read, or whose NATS does not answer, is given up. */
const readingsMax = 5;
const readingPauseMs = 1_000;
const historyAtOnce = 4;

/** The last sequence of each shard's journal: what devices that sync later must have. */
export async function journalEnds(
  sources: Sources,
  shards: readonly ShardId[],
): Promise<ReadonlyMap<string, number>> {
  const ends = new Map<string, number>();
  await inParallel(shards, 8, async (shard) => ends.set(shardName(shard), await endOf(shard, sources)));
  return ends;
}

async function endOf(shard: ShardId, { journal }: Sources): Promise<number> {
  try {
    return (await journal.last(shard))?.sequence ?? 0;
  } catch (error) {
    // A difference, told when its turn comes.
    if (error instanceof UnreadableRecord) return 0;
    throw error;
  }
}

/** What a shard leaves behind for the comparison across shards. */
interface Kept {
  readonly expectations: (Expectation & { readonly id: string; readonly shard: string })[];
  readonly inboxes: Map<string, InboxTruth>;
}

export async function verifyCluster(options: VerifyOptions): Promise<Findings> {
  const findings = new Findings();
  const kept: Kept = { expectations: [], inboxes: new Map() };
  const shards = options.scope.shards();
  for (const [index, shard] of shards.entries()) {
    const own = await verifyShard(shard, options, kept);
    findings.merge(own);
    const { records, conversations, inboxes } = own.compared;
    options.progress(
      `${index + 1} of ${shards.length} shards: ${shardName(shard)}, ${records} records, ${conversations} conversations, ${inboxes} inboxes, ${own.total} differences`,
    );
  }
  const { tenant } = options.scope;
  const { conversations, inboxes } = findings.compared;
  if (tenant !== undefined && options.scope.addresses === undefined && conversations + inboxes === 0)
    findings.cannotVerify(`there is nothing of tenant ${tenant}`);
  if (options.parts.has('inboxes')) await verifyInboxes(options, kept, findings);
  return findings;
}

async function verifyShard(shard: ShardId, options: VerifyOptions, kept: Kept): Promise<Findings> {
  for (let tries = 1; ; tries++) {
    const findings = new Findings();
    try {
      const reading = await read(shard, options.scope, options, findings);
      if (options.parts.has('live')) await checkLive(reading, options.sources, findings, liveLimits(options));
      await compareStored(reading, options, findings);
      missUnknown(reading, options.scope, findings);
      keep(reading, kept);
      findings.compared.shards++;
      return findings;
    } catch (error) {
      if (error instanceof UnreadableRecord) return unreadable(shard, error);
      await mayReadAgain(error, tries, options);
    }
  }
}

/** The journal cannot even say where it ends. Nothing of the shard can be worked out; the others go on. */
function unreadable(shard: ShardId, { message }: UnreadableRecord): Findings {
  const findings = new Findings();
  findings.add('journal-damaged', { tenant: '', subject: `shard ${shardName(shard)}` }, message);
  return findings;
}

/** What passes by itself: trimmed under our eyes, an election, a lost connection. Rejects with anything else. */
async function mayReadAgain(
  error: unknown,
  tries: number,
  { progress }: Pick<VerifyOptions, 'progress'>,
): Promise<void> {
  if (isOurMistake(error) || tries === readingsMax) throw error;
  progress(`${(error as Error).message}: again`);
  if (!(error instanceof Trimmed)) await delay(readingPauseMs);
}

const liveLimits = ({ live }: VerifyOptions): LiveCheckLimits => live ?? liveCheckLimits;

async function read(
  shard: ShardId,
  scope: Scope,
  { sources, start }: VerifyOptions,
  findings: Findings,
): Promise<ShardReading> {
  const startSequence = start.get(shardName(shard)) ?? Infinity;
  const reading = new ShardReading({ sources, scope, findings, shard, startSequence });
  await reading.readOn();
  await reading.readSnapshots();
  return reading;
}

/** ClickHouse and devices, conversation by conversation; digests of everything, where they are wanted. */
async function compareStored(
  reading: ShardReading,
  options: VerifyOptions,
  findings: Findings,
): Promise<void> {
  const { sources, onDigest } = options;
  const history = options.parts.has('history')
    ? new HistoryCheck(sources, findings, reading, options.history ?? historyCheckLimits)
    : undefined;
  const entities = [...reading.entities.values()];
  await inParallel(entities, historyAtOnce, async ({ conversation }) => {
    if (conversation === undefined || conversation.head === 0) return;
    findings.compared.conversations++;
    findings.compared.messages += conversation.head;
    await compareConversation(conversation, history, options, findings);
  });
  for (const entity of entities) {
    if (entity.inbox === undefined) continue;
    const { first, last } = (entity.state as UserState).inbox;
    findings.compared.inboxes++;
    findings.compared.entries += last;
    onDigest?.({ ...inboxDigest(entity), from: Math.min(first, last), to: last });
  }
}

async function compareConversation(
  conversation: ConversationTruth,
  history: HistoryCheck | undefined,
  { devices, onDigest }: VerifyOptions,
  findings: Findings,
): Promise<void> {
  const { tenant, id, head, floor } = conversation;
  const wanted = devices.filter(
    (device) => device.tenant === tenant && (device.user !== undefined || device.conversations.has(id)),
  );
  // What only ClickHouse has is kept just as long as a device is compared with it.
  const older = new Map<number, string>();
  const chain = await history?.check(conversation, (sequence, digest) => {
    if (wanted.length > 0 && sequence < floor) older.set(sequence, digest);
  });
  for (const device of wanted)
    checkDevice(
      device,
      conversation,
      (sequence) => conversation.digestAt(sequence) ?? older.get(sequence),
      findings,
    );
  if (onDigest === undefined) return;
  if (chain?.count === head) onDigest({ tenant, conversation: id, from: 1, to: head, digest: chain.value });
  else onDigest({ tenant, conversation: id, from: floor, to: head, digest: journalDigest(conversation) });
}

function journalDigest(conversation: ConversationTruth): string {
  const chain = new Chain();
  for (let sequence = conversation.floor; sequence <= conversation.head; sequence++)
    chain.add(conversation.digestAt(sequence) ?? '');
  return chain.value;
}

function inboxDigest({ address, state }: Rebuilt) {
  const chain = new Chain();
  const { inbox } = state as UserState;
  let after = inbox.first - 1;
  while (after < inbox.last) {
    const page = inboxPage(state as UserState, { after, limit: 0 });
    if (!page.ok || page.value.entries.length === 0) break;
    for (const { position, entry } of page.value.entries) {
      chain.add(digestOf(JSON.stringify([position, entry.conversation, entry.sequence])));
      after = position;
    }
  }
  return { tenant: address.tenant, inbox: address.id, digest: chain.value };
}

/** Somebody asked for it by name and there is nothing: a wrong name must not look like a proof. */
function missUnknown(reading: ShardReading, scope: Scope, findings: Findings): void {
  if (scope.addresses === undefined) return;
  for (const { address, state, conversation } of reading.entities.values()) {
    const isKnown =
      conversation === undefined
        ? (state as UserState).inbox.last > 0 || (state as UserState).account !== undefined
        : conversation.head > 0;
    const { tenant, subject } = placeOf(address);
    if (!isKnown) findings.cannotVerify(`there is no ${subject} in tenant ${tenant}`);
  }
}

function keep(reading: ShardReading, kept: Kept): void {
  for (const { conversation, inbox } of reading.entities.values()) {
    if (inbox !== undefined) kept.inboxes.set(`${inbox.tenant}.${inbox.user}`, inbox);
    if (conversation === undefined || conversation.head === 0) continue;
    const { tenant, id, shard, head, membership, membershipFrom, floor } = conversation;
    const from = Math.max(membershipFrom, floor);
    kept.expectations.push({ tenant, id, conversation: id, shard, from, head, membership });
  }
}

async function verifyInboxes(options: VerifyOptions, kept: Kept, findings: Findings): Promise<void> {
  const { scope, sources } = options;
  await checkInboxes({
    findings,
    expectations: kept.expectations,
    inboxes: kept.inboxes,
    shardOf: (tenant, user) => scope.shardOf({ type: 'user', tenant, id: user }),
    readAgain: (shard, users) => readInboxes(shard, users, options),
    ...(options.inboxPausesMs && { pausesMs: options.inboxPausesMs }),
  });
  const byConversation = new Map(kept.expectations.map((one) => [`${one.tenant}.${one.id}`, one]));
  for (const inbox of kept.inboxes.values()) {
    for (const [id, sequences] of inbox.conversations) {
      const conversation = byConversation.get(`${inbox.tenant}.${id}`);
      if (conversation === undefined || sequences.last <= conversation.head) continue;
      const head = (await liveHead(conversation, sources)) ?? sequences.last;
      if (sequences.last > head)
        findings.add(
          'inbox-extra',
          inbox.place,
          `${id} has no such message`,
          Math.max(head, conversation.head) + 1,
          sequences.last,
        );
    }
  }
}

/** Only for these users' inboxes: what else is wrong with the shard was found when it was verified. */
async function readInboxes(
  shard: ShardId,
  users: readonly { readonly tenant: string; readonly user: string }[],
  options: VerifyOptions,
): Promise<ReadonlyMap<string, InboxTruth>> {
  const inboxes = new Map<string, InboxTruth>();
  for (const tenant of new Set(users.map((one) => one.tenant))) {
    const names = users.filter((one) => one.tenant === tenant).map(({ user }) => user);
    const scope = Scope.of(options.sources.shardCounts, tenant, { conversations: [], users: names });
    for (let tries = 1; ; tries++) {
      try {
        const reading = await read(shard, scope, options, new Findings());
        for (const { inbox } of reading.entities.values())
          if (inbox !== undefined) inboxes.set(`${inbox.tenant}.${inbox.user}`, inbox);
        break;
      } catch (error) {
        // Told of when the shard was verified; nobody can say what is in these inboxes.
        if (error instanceof UnreadableRecord) break;
        await mayReadAgain(error, tries, options);
      }
    }
  }
  return inboxes;
}
