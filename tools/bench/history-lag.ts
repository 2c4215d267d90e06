// How far history is behind, in seconds: how long ago the journals stood where history stands now. Commits that it lacks,
// divided by a rate, would make hours of a moment in which nobody writes.
import { round } from './result.ts';
import type { Stand } from './stand.ts';

interface Head {
  readonly atMs: number;
  /** Commits written so far. */
  readonly commits: number;
}

export class HistoryLag {
  readonly #stand: Stand;
  readonly #heads: Head[] = [];
  #seconds = 0;

  constructor(stand: Stand) {
    this.#stand = stand;
  }

  /** Of the look before; asks for the next. */
  latest(): number {
    void this.#look().catch(() => undefined);
    return this.#seconds;
  }

  async #look(): Promise<void> {
    const samples = await this.#stand.samples();
    const commits = samples.get('parley_shard_commits_total{user}') ?? 0;
    this.#heads.push({ atMs: performance.now(), commits });
    const behind = samples.get('parley_history_lag_commits{user}') ?? 0;
    this.#seconds = round(secondsBehind(this.#heads, behind), 2);
  }
}

/** @internal For the test. `heads`: in order, the last is now. At least so long, where they do not reach back far enough. */
export function secondsBehind(heads: readonly Head[], behind: number): number {
  const now = heads.at(-1);
  if (now === undefined || behind <= 0) return 0;
  const reached = now.commits - behind;
  const before = heads.findLastIndex(({ commits }) => commits <= reached);
  if (before < 0) return (now.atMs - heads[0]!.atMs) / 1_000;
  const [from, to] = [heads[before]!, heads[before + 1] ?? now];
  const share = to.commits > from.commits ? (reached - from.commits) / (to.commits - from.commits) : 0;
  return (now.atMs - from.atMs - share * (to.atMs - from.atMs)) / 1_000;
}
