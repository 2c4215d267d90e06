// Which words are so common with a tenant that a page of hits is found among recent messages alone. Learned from a sample of
// them, again and again in the background; a guess that decides what is read first, never what is found.
import { type ClickHouse, type SearchQuery, sqlInteger, sqlMoment, sqlText } from '@parley/adapters';
import { type Clock, systemClock } from '@parley/std';

export interface CommonWords {
  /** Does not wait: a tenant that is asked for the first time has none yet. */
  of(tenant: string): ReadonlySet<string>;
}

export const noCommonWords: CommonWords = { of: () => new Set() };

/** Messages looked at, and in how many of them a common word stands at least. */
const sampleRows = 20_000;
const commonRows = 400;
/** A sample is taken of messages not older than this, milliseconds. */
const sampleAgeMs = 30 * 86_400_000;
const freshMs = 3_600_000;
/** The tenants that have asked last are remembered. */
const tenantsMax = 1_000;

interface Learned {
  readonly words: ReadonlySet<string>;
  readonly atMs: number;
}

export class SampledWords implements CommonWords {
  readonly #clickHouse: ClickHouse;
  readonly #clock: Clock;
  readonly #learned = new Map<string, Learned>();

  constructor(clickHouse: ClickHouse, clock: Clock = systemClock) {
    this.#clickHouse = clickHouse;
    this.#clock = clock;
  }

  of(tenant: string): ReadonlySet<string> {
    const known = this.#learned.get(tenant);
    const nowMs = this.#clock.monotonicMs();
    if (known !== undefined && nowMs - known.atMs < freshMs) return known.words;
    // What was learned counts until something newer is, and when that cannot be had.
    this.#remember(tenant, { words: known?.words ?? new Set(), atMs: nowMs });
    this.#sample(tenant).then(
      (words) => this.#remember(tenant, { words, atMs: nowMs }),
      () => undefined,
    );
    return known?.words ?? new Set();
  }

  #remember(tenant: string, learned: Learned): void {
    this.#learned.delete(tenant);
    this.#learned.set(tenant, learned);
    if (this.#learned.size <= tenantsMax) return;
    const [oldest] = this.#learned.keys();
    if (oldest !== undefined) this.#learned.delete(oldest);
  }

  async #sample(tenant: string): Promise<ReadonlySet<string>> {
    const rows = await this.#clickHouse.select(
      `SELECT arrayJoin(arrayDistinct(tokens(terms, 'splitByNonAlpha'))) AS word FROM (
         SELECT terms FROM parley.messages WHERE tenant = ${sqlText(tenant)}
         AND at >= ${sqlMoment(Math.max(0, this.#clock.nowMs() - sampleAgeMs))} LIMIT ${sqlInteger(sampleRows)})
       GROUP BY word HAVING count() >= ${sqlInteger(commonRows)} ORDER BY count() DESC LIMIT 5000`,
      { settings: { max_threads: 1 } },
    );
    return new Set(rows.map(([word]) => word as string));
  }
}

/** Whether all it asks for is common: the rarest word decides how far back hits lie. */
export function isCommon({ parts }: SearchQuery, common: ReadonlySet<string>): boolean {
  return (
    parts.length > 0 &&
    parts.every(({ words, isPrefix }) => !isPrefix && words.every((word) => common.has(word)))
  );
}
