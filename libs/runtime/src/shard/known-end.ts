// How far this process knows the journal of a shard to have gone. Outlives the incarnations of the shard here, so that a
// NATS server that was away for longer than a lease, and came back with less, does not find everybody's memory gone.
export class KnownEnd {
  #sequence = 0;

  /** The newest journal sequence that was acknowledged here; 0 when none was. */
  get sequence(): number {
    return this.#sequence;
  }

  note(sequence: number): void {
    this.#sequence = Math.max(this.#sequence, sequence);
  }
}
