// Effects that the command log of their target has lost, from the journal of their source. Lanes only carry what is
// committed there, so there is nobody to ask and nothing to wait for: any shard can read it. Damage, not daily life.
import { type Journal, type ShardId, parseShardName, shardName } from '../ports/index.ts';
import { type CommitRecord, type LaneEffect, decodeCommit } from '../wire/index.ts';

export interface LostEffects {
  /** Source shard name. */
  readonly source: string;
  readonly target: ShardId;
  /** Lane numbers: the first that is missing, and the first that is there again. */
  readonly from: number;
  readonly before: number;
}

/** All of them, in order; undefined when the journal does not hold all of them any more. Rejects as the journal does. */
export async function findLostEffects(
  journal: Journal,
  { source, target, from, before }: LostEffects,
): Promise<readonly LaneEffect[] | undefined> {
  const lane = shardName(target);
  const found: LaneEffect[] = [];
  let highestEpoch = 0;
  for await (const { bytes } of journal.read(parseShardName(source), 1)) {
    const record = decodeCommit(bytes);
    // The commit of a zombie never counted (INV-1).
    if (record.epoch < highestEpoch) continue;
    highestEpoch = record.epoch;
    for (const { number, effect } of effectsOnLane(record, lane)) {
      if (number === from + found.length && number < before) found.push(effect);
    }
    if (found.length === before - from) return found;
  }
  return undefined;
}

function* effectsOnLane(
  record: CommitRecord,
  lane: string,
): Iterable<{ number: number; effect: LaneEffect }> {
  for (const { type, tenant, payload, targets } of record.effects) {
    for (const { shard, number, ids } of targets)
      if (shard === lane) yield { number, effect: { type, tenant, ids, payload } };
  }
}
