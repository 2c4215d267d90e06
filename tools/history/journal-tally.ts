// What ought to be in the history store, from the journals alone and by rules of its own: one tally of rows for each
// conversation, each user and each shard.
import { usersOfDirect } from '@parley/domain';
import { type Journal, type ShardId, decodeCommit, shardName } from '@parley/runtime';
import { decodeDirectEvent, decodeGroupEvent, toWireMessage, wire } from '@parley/protocol';
import { type MessageFact, directFact, groupFact } from '../journals/facts.ts';
import { RowTally } from './row-tally.ts';

export type KeptEvents = 'all' | 'conversations' | 'off';

/** Of all that is in the journals now. A record of a deposed owner counts for nothing. */
export async function tallyJournals(
  journal: Pick<Journal, 'read'>,
  shards: readonly ShardId[],
  keptEvents: KeptEvents = 'all',
): Promise<RowTally> {
  const tally = new RowTally();
  for (const shard of shards) {
    let epochMax = 0;
    for await (const { sequence, bytes } of journal.read(shard, 1)) {
      const { epoch, atMs, events } = decodeCommit(bytes);
      if (epoch < epochMax) continue;
      epochMax = epoch;
      for (const [position, { type, tenant, ids, payload }] of events.entries()) {
        if (keptEvents === 'all' || (keptEvents === 'conversations' && type !== 'user')) {
          const cells = [sequence, position, epoch, atMs, type, tenant, ids.join(','), payload];
          tally.add('events', shardName(shard), cells);
        }
        for (const id of ids) {
          const fact = factOf(type, id, payload);
          if (fact !== undefined) addMessage(tally, tenant, fact, sequence);
          if (fact !== undefined) addMemberships(tally, tenant, fact, sequence);
        }
      }
    }
  }
  return tally;
}

function factOf(type: string, id: string, payload: Uint8Array): MessageFact | undefined {
  if (type === 'direct') {
    const fact = directFact(id, decodeDirectEvent(payload));
    // The first message puts the conversation on the list of both.
    return fact?.message.sequence === 1 ? { ...fact, joined: usersOfDirect(id) } : fact;
  }
  return type === 'group' ? groupFact(id, decodeGroupEvent(payload)) : undefined;
}

function addMessage(tally: RowTally, tenant: string, { message }: MessageFact, version: number): void {
  const { system } = toWireMessage(message);
  tally.add('messages', `${tenant}/${message.conversation}`, [
    message.sequence,
    version,
    message.sender,
    message.sentAtMs,
    system == null ? 'text' : 'system',
    message.clientMessageId,
    message.text ?? '',
    system == null ? '' : Buffer.from(wire.System.encode(system).finish()).toString('base64'),
  ]);
}

function addMemberships(tally: RowTally, tenant: string, fact: MessageFact, version: number): void {
  const { conversation, sequence } = fact.message;
  const add = (users: readonly string[], isMember: number): void => {
    for (const user of new Set(users))
      tally.add('memberships', `${tenant}/${user}`, [conversation, sequence, isMember, version]);
  };
  add(fact.joined, 1);
  add(fact.left, 0);
}
