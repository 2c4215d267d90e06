// Looks at every snapshot the moment it is stored: it holds exactly what the journal says up to its commit, nothing
// uncommitted (INV-7), and never replaces a newer one (INV-6).
import type { KeyValueChange, Placement } from '@parley/runtime';
import { parseEntityKey, shardName } from '@parley/runtime';
import { ByteReader } from '@parley/std';
import {
  type AuditedEntity,
  type JournalAuditor,
  auditedEntityOf,
  digest,
  replay,
} from './journal-auditor.ts';
import type { Trace } from './trace.ts';

interface StoredState {
  readonly epoch: number;
  readonly n: number;
  readonly state: Uint8Array;
}

/** Facts beyond which an entity's past is not replayed for each of its snapshots. */
const replayedEventsMax = 60;

export class SnapshotAuditor {
  readonly #auditor: JournalAuditor;
  readonly #placement: Placement;
  readonly #trace: Trace;
  readonly #newest = new Map<string, number>();

  constructor(auditor: JournalAuditor, placement: Placement, trace: Trace) {
    this.#auditor = auditor;
    this.#placement = placement;
    this.#trace = trace;
  }

  watch(bucket: { watch(onChange: (change: KeyValueChange) => void): unknown }): void {
    bucket.watch(({ key, entry }) => {
      if (entry !== undefined) this.#stored(key, readStoredState(entry.value));
    });
  }

  #stored(key: string, { n, state }: StoredState): void {
    const entity = auditedEntityOf(this.#auditor, key);
    const shard = shardName(this.#placement.shardOf(parseEntityKey(key)));
    const committed = this.#auditor.shards.get(shard)?.last?.n ?? 0;
    if (n > committed)
      this.#trace.violate('INV-7', `snapshot of ${key} at n ${n}, committed is ${committed}`);
    const newest = this.#newest.get(key) ?? 0;
    if (n < newest) this.#trace.violate('INV-6', `snapshot of ${key}: n ${n} replaces n ${newest}`);
    this.#newest.set(key, n);
    const expected = this.#stateAt(entity, n);
    if (expected !== undefined && digest(entity.type.codec.encodeSnapshot(expected)) !== digest(state))
      this.#trace.violate('INV-6', `snapshot of ${key} at n ${n} is not what the journal says`);
  }

  #stateAt(entity: AuditedEntity, n: number): unknown {
    if (entity.lastN <= n) return entity.state;
    return entity.events.length <= replayedEventsMax ? replay(entity, n) : undefined;
  }
}

/** The stored form, read independently of the runtime: format 1, epoch, n, state. */
export function readStoredState(bytes: Uint8Array): StoredState {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== 1) throw new RangeError('unknown snapshot format');
  return { epoch: reader.varint(), n: reader.varint(), state: reader.blob() };
}
