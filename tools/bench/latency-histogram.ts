// Counts of latencies in buckets of under 0.8 % width, as HdrHistogram does it. Node has such a histogram too
// (perf_hooks), but its counts cannot leave the process, and percentiles of several load processes cannot be merged.

/** Microseconds below this have a bucket each; above, every doubling has half as many. */
const exact = 256;
const half = exact / 2;
const doublings = 24;
/** Over an hour; what is longer counts as that. */
const longestUs = 2 ** 32 - 1;
const bucketCount = exact + doublings * half;

/** What travels between processes: bucket, count, bucket, count, … */
export interface PackedHistogram {
  readonly counts: readonly number[];
  readonly maxUs: number;
}

export class LatencyHistogram {
  readonly #counts = new Float64Array(bucketCount);
  #count = 0;
  #maxUs = 0;

  static unpack(packed: PackedHistogram): LatencyHistogram {
    const histogram = new LatencyHistogram();
    histogram.add(packed);
    return histogram;
  }

  get count(): number {
    return this.#count;
  }

  get maxMs(): number {
    return this.#maxUs / 1_000;
  }

  /** Negative values (two clocks a hair apart) count as 0. */
  record(us: number): void {
    const whole = us > 0 ? Math.round(us) : 0;
    const bucket = bucketOf(whole);
    this.#counts[bucket] = this.#counts[bucket]! + 1;
    this.#count += 1;
    if (whole > this.#maxUs) this.#maxUs = whole;
  }

  add({ counts, maxUs }: PackedHistogram): void {
    for (let at = 0; at + 1 < counts.length; at += 2) {
      const bucket = counts[at]!;
      this.#counts[bucket] = this.#counts[bucket]! + counts[at + 1]!;
      this.#count += counts[at + 1]!;
    }
    this.#maxUs = Math.max(this.#maxUs, maxUs);
  }

  pack(): PackedHistogram {
    const counts: number[] = [];
    for (let bucket = 0; bucket < bucketCount; bucket += 1) {
      if (this.#counts[bucket]! > 0) counts.push(bucket, this.#counts[bucket]!);
    }
    return { counts, maxUs: this.#maxUs };
  }

  /** Milliseconds at or below which `share` (0 … 1) of all lie; undefined when nothing was recorded. */
  percentileMs(share: number): number | undefined {
    if (this.#count === 0) return undefined;
    const rank = Math.max(1, Math.ceil(share * this.#count));
    let seen = 0;
    for (let bucket = 0; bucket < bucketCount; bucket += 1) {
      seen += this.#counts[bucket]!;
      if (seen >= rank) return Math.min(upperUsOf(bucket), this.#maxUs) / 1_000;
    }
    return this.maxMs;
  }
}

function bucketOf(us: number): number {
  if (us < exact) return us;
  // Bits beyond the eight that are kept.
  const whole = us < longestUs ? us : longestUs;
  const shift = 24 - Math.clz32(whole);
  return exact + (shift - 1) * half + ((whole >>> shift) - half);
}

/** The largest value of a bucket: percentiles are never told too small. */
function upperUsOf(bucket: number): number {
  if (bucket < exact) return bucket;
  const shift = Math.floor((bucket - exact) / half) + 1;
  return (((bucket - exact) % half) + half + 1) * 2 ** shift - 1;
}
