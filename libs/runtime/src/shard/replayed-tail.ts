// What replay keeps for later: events, until somebody asks for their entities (ADR 6), and effects that have perhaps not
// arrived at their targets. It is filled at the speed of reading the journal, so nothing is done for each recipient of an
// event: all recipients of one list share a strand of events.
import { entityKey } from '../entity/entity-key.ts';
import type { EntityTable, ReplayedEvent } from '../entity/entity-table.ts';
import type { Lanes } from '../lane/lanes.ts';
import type { CommitRecord } from '../wire/index.ts';

interface Strand {
  readonly type: string;
  readonly tenant: string;
  readonly events: ReplayedEvent[];
}

export class ReplayedTail {
  readonly #entities: EntityTable;
  readonly #lanes: Lanes;
  /** By list of ids: the same recipients come back as the same array, see FamiliarIdLists. */
  readonly #strands = new Map<readonly string[], Strand>();
  /** Records with effects that have perhaps not arrived, the oldest first. */
  readonly #unsent: CommitRecord[] = [];
  #eventCount = 0;

  constructor(entities: EntityTable, lanes: Lanes) {
    this.#entities = entities;
    this.#lanes = lanes;
  }

  add(record: CommitRecord): void {
    for (const { type, tenant, ids, payload } of record.events) {
      // The payload stays a view on its record: all of them together are what was read, and go with the next checkpoints.
      const event = { n: record.n, order: this.#eventCount++, payload };
      this.#strandOf(type, tenant, ids, record.previousSequence).push(event);
    }
    if (record.effects.length > 0) this.#unsent.push(record);
  }

  /** Forgets the oldest records whose effects have all arrived, as far as the lane cursors tell by now: few are ever held. */
  dropSent(): void {
    while (this.#unsent.length > 0 && this.#isSent(this.#unsent[0]!)) this.#unsent.shift();
  }

  /** Hands effects that have perhaps not arrived to the lanes, now that all cursors are known. */
  finish(): void {
    for (const { effects, previousSequence } of this.#unsent) {
      for (const { type, tenant, payload, targets } of effects) {
        // Copied: lanes may hold it for long, and the whole record with it.
        const copy = Uint8Array.prototype.slice.call(payload) as Uint8Array;
        for (const { shard, number, ids } of targets) {
          const effect = { type, tenant, ids, payload: copy };
          this.#lanes.enqueue({ target: shard, number, effect, previousSequence });
        }
      }
    }
  }

  #strandOf(type: string, tenant: string, ids: readonly string[], previousSequence: number): ReplayedEvent[] {
    const known = this.#strands.get(ids);
    if (known?.type === type && known.tenant === tenant) return known.events;
    const events: ReplayedEvent[] = [];
    for (const id of ids) this.#entities.addStrand(entityKey(type, tenant, id), events, previousSequence);
    this.#strands.set(ids, { type, tenant, events });
    return events;
  }

  #isSent({ effects }: CommitRecord): boolean {
    return effects.every(({ targets }) =>
      targets.every(({ shard, number }) => this.#lanes.isAcknowledged(shard, number)),
    );
  }
}
