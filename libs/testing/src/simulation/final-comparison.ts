// When everything is quiet: what the journals say, live actors, snapshots with tails, every device, unread counts and read
// pointers must be one and the same. (INV-4, INV-5, INV-6, INV-8, INV-10)
import {
  type DirectState,
  type EntryAppended,
  type LogMessage,
  type UserState,
  changeIn,
  createUserDecider,
  usersOfDirect,
} from '@parley/domain';
import { buckets } from '@parley/protocol';
import { memberView } from '../decider/member-view.ts';
import type { DeviceModel } from './device-model.ts';
import { type JournalAuditor, digest, replay } from './journal-auditor.ts';
import type { SimulationSettings } from './settings.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';
import { readStoredState } from './snapshot-auditor.ts';
import type { Trace } from './trace.ts';
import type { Post } from './workload.ts';

export interface Comparison {
  readonly settings: SimulationSettings;
  readonly tenant: string;
  readonly auditor: JournalAuditor;
  readonly cluster: SimulatedCluster;
  readonly trace: Trace;
  readonly devices: readonly DeviceModel[];
  readonly posts: readonly Post[];
}

export function compareAll(comparison: Comparison): void {
  compareJournals(comparison);
  compareLiveStates(comparison);
  compareSnapshots(comparison);
  compareInboxes(comparison);
  compareReadPointers(comparison);
  compareDelivered(comparison);
  comparePosts(comparison);
  for (const device of comparison.devices) compareDevice(comparison, device);
}

/** Replaying everything from the first record gives what applying record after record gave. */
function compareJournals({ auditor, trace }: Comparison): void {
  for (const [key, entity] of auditor.entities) {
    const { codec } = entity.type;
    if (digest(codec.encodeSnapshot(replay(entity))) !== digest(codec.encodeSnapshot(entity.state)))
      trace.violate('INV-5', `${key}: a second replay gives another state`);
  }
  for (const audited of auditor.shards.values()) auditor.checkTrimming(audited);
}

/** Live actors hold what the journal says. */
export function compareLiveStates({ auditor, cluster, trace }: Comparison): void {
  for (const { id, node } of cluster.running()) {
    for (const shard of node.serving) {
      for (const [key, audited] of auditor.entities) {
        const live = shard.entities.inMemory(key);
        if (live === undefined || live.lastEventN > shard.ledger.n) continue;
        const { codec } = audited.type;
        if (digest(codec.encodeSnapshot(live.state)) !== digest(codec.encodeSnapshot(audited.state)))
          trace.violate('INV-5', `${id}: ${key} in memory is not what the journal says`);
      }
    }
  }
}

/** A stored snapshot and the journal's facts after it give the state of today. */
function compareSnapshots({ auditor, cluster, trace }: Comparison): void {
  for (const [key, { address, type, events, state }] of auditor.entities) {
    const { kind } = cluster.placement.shardOf(address);
    const entry = cluster.memory.bucket(buckets.snapshots(kind)).get(key);
    if (entry === undefined) continue;
    const stored = readStoredState(entry.value);
    let rebuilt: unknown = type.codec.decodeSnapshot(stored.state, address);
    for (const event of events)
      if (event.n > stored.n) rebuilt = type.decider.evolve(rebuilt, type.codec.decodeEvent(event.payload));
    if (digest(type.codec.encodeSnapshot(rebuilt)) !== digest(type.codec.encodeSnapshot(state)))
      trace.violate('INV-6', `${key}: snapshot at n ${stored.n} and tail give another state`);
  }
}

/** Each inbox has, of each conversation, exactly what the conversation told it, once and in order. */
function compareInboxes({ auditor, settings, tenant, trace }: Comparison): void {
  const decider = createUserDecider(settings.userLimits);
  for (const [user, byConversation] of auditor.delivered) {
    const events = auditor.userEvents.get(user) ?? [];
    for (const [conversation, told] of byConversation) {
      let state = decider.initialState({ type: 'user', tenant, id: user.slice(tenant.length + 1) });
      const expected: string[] = [];
      for (const deliver of told) {
        const decision = decider.decide(state, deliver, { nowMs: 0 });
        for (const event of decision.accepted ? decision.events : []) {
          state = decider.evolve(state, event);
          expected.push(describe(event as EntryAppended));
        }
      }
      const found = events
        .filter((event) => event.type === 'EntryAppended' && event.conversation === conversation)
        .map((event) => describe(event as EntryAppended));
      if (found.join(' ') !== expected.join(' '))
        trace.violate(
          'INV-10',
          `${user} ${conversation}: inbox has ${found.join(' ')}, was told ${expected.join(' ')}`,
        );
    }
  }
}

const describe = ({ sequence, membership, diffusion }: EntryAppended): string =>
  `${sequence}/${membership}/${diffusion}`;

/** How far somebody has read is the same at home, in the conversation, and at the other one's. */
function compareReadPointers({ auditor, tenant, trace }: Comparison): void {
  for (const [key, { address, state }] of auditor.entities) {
    if (address.type !== 'direct') continue;
    const direct = state as DirectState;
    const [first, second] = usersOfDirect(address.id);
    if (first === second) continue;
    for (const [reader, peer, read] of [
      [first, second, direct.readByFirst],
      [second, first, direct.readBySecond],
    ] as const) {
      const own = conversationOf(auditor.user(tenant, reader), `d.${address.id}`)?.read ?? 0;
      const peerRead = conversationOf(auditor.user(tenant, peer), `d.${address.id}`)?.peerRead ?? 0;
      if (own !== read || peerRead !== read)
        trace.violate(
          'INV-10',
          `${key}: ${reader} has read ${own}, the conversation says ${read}, ${peer} ${peerRead}`,
        );
    }
  }
}

/** Whoever was told that a message is delivered was told the truth: it is in the inbox of the other one. */
function compareDelivered({ auditor, tenant, trace }: Comparison): void {
  for (const { address, state } of auditor.entities.values()) {
    if (address.type !== 'user') continue;
    for (const { conversation, peerDelivered } of (state as UserState).conversations.values()) {
      if (peerDelivered === 0) continue;
      const peer = usersOfDirect(conversation.slice(2)).find((user) => user !== address.id) ?? address.id;
      const head = conversationOf(auditor.user(tenant, peer), conversation)?.head ?? 0;
      if (peerDelivered > head)
        trace.violate(
          'INV-10',
          `${address.id}: ${conversation} is delivered to ${peerDelivered}, ${peer} has ${head}`,
        );
    }
  }
}

const conversationOf = (user: UserState, conversation: string) => user.conversations.get(conversation);

/** Acknowledged messages are where they were said to be; one device's messages stand in its order. */
function comparePosts({ auditor, tenant, trace, posts }: Comparison): void {
  const newest = new Map<string, number>();
  for (const { device, conversation, clientMessageId, outcome } of posts) {
    if (outcome === 'waiting')
      trace.violate('INV-10', `${conversation} ${clientMessageId} is never answered`);
    if (typeof outcome === 'string') continue;
    const message = auditor.logs.get(`${tenant}.${conversation}`)?.[outcome.sequence - 1];
    if (message?.clientMessageId !== clientMessageId || message.sender !== device.user)
      trace.violate('INV-3', `${conversation} ${outcome.sequence} was acknowledged as ${clientMessageId}`);
    const chain = `${device.user} ${device.device} ${conversation}`;
    if ((newest.get(chain) ?? 0) >= outcome.sequence)
      trace.violate(
        'order',
        `${chain}: ${clientMessageId} at ${outcome.sequence} stands before an earlier message`,
      );
    newest.set(chain, outcome.sequence);
  }
}

/** A device has the whole inbox, and every message its user may see. */
function compareDevice({ auditor, tenant, trace }: Comparison, device: DeviceModel): void {
  const user = `${tenant}.${device.user}`;
  const { length } = auditor.inboxes.get(user) ?? [];
  const name = `${device.user}/${device.device}`;
  if (device.position() !== length)
    trace.violate('INV-10', `${name} is at position ${device.position()} of ${length}`);
  if (device.wasLimited) return;
  const events = auditor.userEvents.get(user) ?? [];
  for (const conversation of auditor.delivered.get(user)?.keys() ?? []) {
    const log = auditor.logs.get(`${tenant}.${conversation}`) ?? [];
    const head = log.length;
    const copy = device.copies.get(conversation);
    const seen = conversation.startsWith('g.')
      ? memberView(events, conversation, head).flatMap((span) => span.seen)
      : Array.from({ length: head }, (_, index) => index + 1);
    const missing = seen.filter((sequence) => !copy?.have.has(sequence));
    if (missing.length > 0) trace.violate('INV-10', `${name} misses ${conversation} ${missing.join(' ')}`);
    const behind = seen.filter(
      (sequence) => (copy?.messages.get(sequence)?.revision ?? 0) < newestChange(sequence, seen, log),
    );
    if (behind.length > 0)
      trace.violate('INV-10', `${name} shows ${conversation} ${behind.join(' ')} as before`);
  }
}

/** Sequence of the newest change of a message that its reader could see: changes made while they were away may be missing. */
const newestChange = (target: number, seen: readonly number[], log: readonly LogMessage[]): number =>
  seen.findLast((sequence) => changeIn(log[sequence - 1]!)?.target === target) ?? 0;
