// What this process knows of the others: members and owner rows as the buckets have them, kept current by watching.
// A view may be stale; everything done on it is a compare-and-set.
import type { Clock } from '@parley/std';
import type { KeyValue, KeyValueChange, Watch } from '../ports/index.ts';
import { type MemberEntry, type OwnerRow, decodeMember, decodeOwnerRow } from './owner-row.ts';

export interface SeenRow {
  readonly row: OwnerRow;
  readonly revision: number;
}

export interface SeenMember {
  readonly member: MemberEntry;
  readonly revision: number;
  /** When this renewal was heard of, monotonic. */
  readonly seenMs: number;
}

export class ClusterView {
  readonly kind: string;
  readonly rows = new Map<string, SeenRow>();
  /** By node id. */
  readonly members = new Map<string, SeenMember>();
  /** Holder of the allocator's key, with the revision. */
  allocator: { readonly nodeId: string; readonly revision: number } | undefined;
  readonly #clock: Clock;
  readonly #onChange: () => void;
  #watches: Watch[] = [];

  constructor(kind: string, clock: Clock, onChange: () => void) {
    this.kind = kind;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  async start(members: KeyValue, owners: KeyValue): Promise<void> {
    this.#watches = await Promise.all([
      members.watch((change) => this.#memberChanged(change)),
      owners.watch((change) => this.#rowChanged(change)),
    ]);
  }

  stop(): void {
    for (const watch of this.#watches) watch.stop();
  }

  /** Our own successful write, before the watch brings it. */
  noteRow(shard: string, row: OwnerRow, revision: number): void {
    const seen = this.rows.get(shard);
    if (seen === undefined || seen.revision < revision) this.rows.set(shard, { row, revision });
  }

  #memberChanged({ key, entry }: KeyValueChange): void {
    if (key === `allocator.${this.kind}`) {
      const member = entry === undefined ? undefined : decodeMember(entry.value);
      this.allocator = member && entry ? { nodeId: member.nodeId, revision: entry.revision } : undefined;
    } else if (key.startsWith(`${this.kind}.`)) {
      const member = entry === undefined ? undefined : decodeMember(entry.value);
      if (member && entry) this.#renewed(member, entry.revision);
      else this.members.delete(key.slice(this.kind.length + 1));
    } else {
      return;
    }
    this.#onChange();
  }

  /** A watch that begins again repeats what is known: that is no renewal. */
  #renewed(member: MemberEntry, revision: number): void {
    if (this.members.get(member.nodeId)?.revision === revision) return;
    this.members.set(member.nodeId, { member, revision, seenMs: this.#clock.monotonicMs() });
  }

  #rowChanged({ key, entry }: KeyValueChange): void {
    if (!key.startsWith(`${this.kind}.`)) return;
    const row = entry === undefined ? undefined : decodeOwnerRow(entry.value);
    if (row && entry) this.noteRow(key, row, entry.revision);
    else if (entry === undefined) this.rows.delete(key);
    this.#onChange();
  }
}
