// Records of the input that broke the shard. Reading a record again after a break-down usually helps (the cause was
// elsewhere); one that breaks the shard every time would keep everybody else's commands waiting for ever, so after a
// named number of times it is passed over, loudly. Outlives the incarnations of the shard in this process.
import type { Log } from '../ports/index.ts';

/** One record of one message of the command log. */
export interface RecordPlace {
  readonly sequence: number;
  readonly index: number;
}

/** A record that broke the shard this often is passed over. */
const breaksMax = 2;
/** Places remembered per shard; the oldest goes. The input is read in order, so few are ever needed. */
const placesMax = 16;

export class Suspects {
  readonly #breaks = new Map<string, number>();

  note(place: RecordPlace): void {
    const key = keyOf(place);
    this.#breaks.set(key, (this.#breaks.get(key) ?? 0) + 1);
    const [oldest] = this.#breaks.keys();
    if (this.#breaks.size > placesMax && oldest !== undefined) this.#breaks.delete(oldest);
  }

  /** Whether the record must be passed over; says so to the operator. */
  isGuilty(place: RecordPlace, shard: string, log: Log): boolean {
    if (this.#breaks.size === 0 || (this.#breaks.get(keyOf(place)) ?? 0) < breaksMax) return false;
    log.error(
      { shard, ...place },
      'a record of the command log broke the shard each time, it is passed over',
    );
    return true;
  }
}

const keyOf = ({ sequence, index }: RecordPlace): string => `${sequence}:${index}`;
