// Every message that goes into inboxes against the inbox of everybody it is for: across shards, by the journals of both. What
// is under way on a lane is waited for: the journal of the inbox's shard is read again before an entry is missing.
import { setTimeout as delay } from 'node:timers/promises';
import { type ShardId, shardName } from '@parley/runtime';
import { type Membership, reachesInboxes } from '../journals/membership.ts';
import type { Findings } from './findings.ts';
import type { InboxTruth } from './inbox-truth.ts';
import { Ranges } from './ranges.ts';

/** What a conversation expects of inboxes; all that is kept of it when its shard's reading is let go. */
export interface Expectation {
  readonly tenant: string;
  readonly conversation: string;
  /** First and last sequence the journal can vouch for. */
  readonly from: number;
  readonly head: number;
  readonly membership: Membership;
}

export interface InboxCheck {
  readonly findings: Findings;
  readonly expectations: readonly Expectation[];
  /** Inboxes that were read already, by `tenant.user`. */
  readonly inboxes: ReadonlyMap<string, InboxTruth>;
  shardOf(tenant: string, user: string): ShardId;
  /** Reads the inboxes of these users anew. */
  readAgain(
    shard: ShardId,
    users: readonly { readonly tenant: string; readonly user: string }[],
  ): Promise<ReadonlyMap<string, InboxTruth>>;
  /** Pauses before reading again; after the last one it is a difference. Default: 10 seconds in all. */
  readonly pausesMs?: readonly number[];
}

interface Doubt {
  readonly tenant: string;
  readonly user: string;
  readonly expectation: Expectation;
  missing: Ranges | undefined;
}

const pausesMsDefault = [0, 500, 1_500, 3_000, 5_000];

export async function checkInboxes(check: InboxCheck): Promise<void> {
  let doubts = check.expectations.flatMap((expectation) =>
    [...expectation.membership.spans.keys()].map((user): Doubt => ({
      tenant: expectation.tenant,
      user,
      expectation,
      missing: undefined,
    })),
  );
  doubts = settle(doubts, check.inboxes);
  for (const pauseMs of check.pausesMs ?? pausesMsDefault) {
    if (doubts.length === 0) return;
    await delay(pauseMs);
    doubts = settle(doubts, await readInboxes(doubts, check));
  }
  for (const { tenant, user, expectation, missing } of doubts)
    for (const [from, to] of missing?.all ?? [])
      check.findings.add(
        'inbox-missing',
        { tenant, subject: `inbox ${user}` },
        `${expectation.conversation}: no entry in the inbox`,
        from,
        to,
      );
}

/** What is still in doubt once these inboxes are known. */
function settle(doubts: readonly Doubt[], inboxes: ReadonlyMap<string, InboxTruth>): Doubt[] {
  return doubts.filter((doubt) => {
    const inbox = inboxes.get(`${doubt.tenant}.${doubt.user}`);
    if (inbox === undefined) return true;
    doubt.missing = missingIn(inbox, doubt.expectation, doubt.user);
    return doubt.missing.size > 0;
  });
}

async function readInboxes(
  doubts: readonly Doubt[],
  check: InboxCheck,
): Promise<ReadonlyMap<string, InboxTruth>> {
  const byShard = new Map<
    string,
    { readonly shard: ShardId; readonly users: Map<string, { tenant: string; user: string }> }
  >();
  for (const { tenant, user } of doubts) {
    const shard = check.shardOf(tenant, user);
    const found = byShard.get(shardName(shard)) ?? { shard, users: new Map() };
    found.users.set(`${tenant}.${user}`, { tenant, user });
    byShard.set(shardName(shard), found);
  }
  const inboxes = new Map<string, InboxTruth>();
  for (const { shard, users } of byShard.values())
    for (const [key, inbox] of await check.readAgain(shard, [...users.values()])) inboxes.set(key, inbox);
  return inboxes;
}

function missingIn(inbox: InboxTruth, expectation: Expectation, user: string): Ranges {
  const { conversation, membership, head } = expectation;
  const missing = new Ranges();
  for (const { from, to } of membership.spans.get(user) ?? []) {
    const start = Math.max(from, expectation.from);
    const end = Math.min(to || head, head);
    for (const [first, last] of inbox.missing(conversation, start, end).all)
      for (let sequence = first; sequence <= last; sequence++)
        if (membership.turns.length === 0 || reachesInboxes(membership, sequence)) missing.add(sequence);
  }
  return missing;
}
