// What a verification found: differences by code, what could not be asked, and what was compared. Codes are stable: they
// are in docs/operations.md and in people's scripts.
import { Ranges } from './ranges.ts';

/** `<place>-<what>`: the journal itself, live actors, inboxes, ClickHouse, snapshots, a device's copy. */
export const differenceCodes = {
  'journal-damaged': 'a record of the journal cannot be read',
  'journal-hole': 'records of the journal are gone between others',
  'journal-missing': 'sequences, or inbox positions, the journal should have and has not',
  'journal-doubled': 'a sequence, or a client message id, stands in the journal twice',
  'live-head': 'the actor names another head, or another inbox position',
  'live-missing': 'messages, or inbox positions, the actor should hold and does not',
  'live-different': 'the actor holds something else than the journal',
  'live-extra': 'the actor holds what no journal has',
  'live-state': 'members, conversations or read pointers of the actor are others',
  'inbox-missing': 'messages that never came to the inbox of a member',
  'inbox-doubled': 'a message stands in an inbox twice',
  'inbox-extra': 'an inbox refers to a message that does not exist',
  'history-missing': 'messages ClickHouse does not have',
  'history-different': 'ClickHouse has something else than the journal',
  'history-extra': 'ClickHouse has what no journal has',
  'snapshot-damaged': 'a snapshot cannot be read',
  'snapshot-missing': 'messages a snapshot should hold and does not',
  'snapshot-different': 'a snapshot holds something else than the journal up to its commit',
  'snapshot-ahead': 'a snapshot knows a commit the journal does not have',
  'device-missing': 'messages the device should have and has not',
  'device-different': 'the device has something else than the cluster',
  'device-doubled': 'the device has a sequence twice',
  'device-extra': 'the device has what the cluster does not have, or what its user may not see',
} as const;
export type DifferenceCode = keyof typeof differenceCodes;

export interface Difference {
  readonly code: DifferenceCode;
  readonly tenant: string;
  /** A conversation, `inbox <user>`, `user <user>`, or `shard <name>`. */
  readonly subject: string;
  readonly what: string;
  /** Sequences of the conversation, positions of the inbox, or numbers of commits. */
  readonly sequences: Ranges;
}

/** Differences kept with their sequences; further ones are only counted. */
const differencesKeptMax = 10_000;

export class Findings {
  readonly counts = new Map<DifferenceCode, number>();
  readonly compared = {
    shards: 0,
    records: 0,
    conversations: 0,
    messages: 0,
    inboxes: 0,
    entries: 0,
    live_answers: 0,
    history_messages: 0,
    snapshots: 0,
    device_messages: 0,
  };
  readonly #differences = new Map<string, Difference>();
  readonly #unverified = new Map<string, number>();

  get differences(): readonly Difference[] {
    return [...this.#differences.values()];
  }

  /** Sequences that differ, all together. */
  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** What nobody answered for, with how often. */
  get unverified(): readonly string[] {
    return [...this.#unverified].map(([what, count]) => (count > 1 ? `${what} (${count} times)` : what));
  }

  /** Each sequence of one code and subject counts once. Without sequences it is one difference. */
  add(
    code: DifferenceCode,
    place: { readonly tenant: string; readonly subject: string },
    what: string,
    from?: number,
    to: number | undefined = from,
  ): void {
    const key = [code, place.tenant, place.subject, what].join('\0');
    let found = this.#differences.get(key);
    const isNew = found === undefined;
    found ??= { code, tenant: place.tenant, subject: place.subject, what, sequences: new Ranges() };
    const before = found.sequences.size;
    if (from !== undefined && to !== undefined) found.sequences.add(from, to);
    const more = from === undefined ? (isNew ? 1 : 0) : found.sequences.size - before;
    this.counts.set(code, (this.counts.get(code) ?? 0) + more);
    if (isNew && this.#differences.size < differencesKeptMax) this.#differences.set(key, found);
  }

  /** Takes over what was found in a part that is verified as a whole or not at all. */
  merge(other: Findings): void {
    for (const one of other.differences) {
      const { code, what, sequences } = one;
      if (sequences.size === 0) this.add(code, one, what);
      for (const [from, to] of sequences.all) this.add(code, one, what, from, to);
    }
    for (const [what, count] of other.#unverified)
      this.#unverified.set(what, (this.#unverified.get(what) ?? 0) + count);
    for (const [name, count] of Object.entries(other.compared))
      this.compared[name as keyof Findings['compared']] += count;
  }

  cannotVerify(what: string): void {
    this.#unverified.set(what, (this.#unverified.get(what) ?? 0) + 1);
  }
}
