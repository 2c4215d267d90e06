// The books of a load run, by counters: a stream is what one sender sends into one conversation, numbered from 0. Senders
// note acknowledgements, receivers note what arrives; in the end both must tell the same, number for number and place for
// place.

/** Odd, so that it spreads over all 32 bits; sums are order-independent and compared modulo 2^32. */
const spread = 0x9e3779b1;

/** One term of the sum over a stream: binds a number in the stream to its sequence in the conversation. */
export const placeOf = (number: number, sequence: number): number =>
  Math.imul(Math.imul(number + 1, spread) ^ sequence, spread | 1);

/** What the sender knows in the end. */
export interface StreamTotal {
  readonly stream: number;
  readonly sent: number;
  readonly acked: number;
  /** Over all acknowledged: places as the acknowledgements told them. */
  readonly sum: number;
}

export interface Flaws {
  readonly lost: number;
  readonly duplicated: number;
  readonly outOfOrder: number;
}

export const noFlaws: Flaws = { lost: 0, duplicated: 0, outOfOrder: 0 };

export const addFlaws = (one: Flaws, other: Flaws): Flaws => ({
  lost: one.lost + other.lost,
  duplicated: one.duplicated + other.duplicated,
  outOfOrder: one.outOfOrder + other.outOfOrder,
});

/** What one receiver has seen of one stream. */
export class StreamTrack {
  /** Distinct numbers seen. */
  received = 0;
  duplicated = 0;
  outOfOrder = 0;
  sum = 0;
  /** The number that comes next when nothing is missing. */
  next: number;
  #skipped: Set<number> | undefined;

  constructor(next = 0) {
    this.next = next;
  }

  note(number: number, sequence: number): void {
    if (number === this.next) {
      this.next += 1;
    } else if (number > this.next) {
      this.#skipped ??= new Set();
      for (let missing = this.next; missing < number; missing += 1) this.#skipped.add(missing);
      this.next = number + 1;
    } else if (this.#skipped?.delete(number)) {
      // It came, but after a later one of the same sender.
      this.outOfOrder += 1;
    } else {
      this.duplicated += 1;
      return;
    }
    this.received += 1;
    this.sum = (this.sum + placeOf(number, sequence)) | 0;
  }

  /** The first number that is missing of what was acknowledged. */
  get firstMissing(): number {
    // They were added in rising order.
    return this.#skipped?.values().next().value ?? this.next;
  }

  /** Whether everything the sender sent is here. */
  isComplete(total: Pick<StreamTotal, 'acked'>): boolean {
    return this.received >= total.acked;
  }
}

/** `track` undefined: the receiver has seen nothing of the stream. */
export function compare(total: StreamTotal, track: StreamTrack | undefined): Flaws {
  if (track === undefined) return { ...noFlaws, lost: total.acked };
  const lost = Math.max(0, total.acked - track.received);
  // Same messages, other places: the order seen is not the order that was acknowledged.
  const isMisplaced = lost === 0 && track.received === total.acked && track.sum !== total.sum;
  return { lost, duplicated: track.duplicated, outOfOrder: track.outOfOrder + (isMisplaced ? 1 : 0) };
}
