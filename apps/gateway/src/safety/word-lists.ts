// The word lists of all tenants, as this gateway has compiled them. A change is stored whole and then announced; every
// gateway hears of it, loads the list and goes over to it between two messages. Without NATS the last lists stay.
import type { KeyValue, KeyValueChange, SnapshotStore, Watch } from '@parley/runtime';
import { type Clock, type Result, err, ok } from '@parley/std';
import { type Verdict, WordFilter, type WordList } from './word-filter.ts';
import {
  type WordChange,
  type WordListLimits,
  changeWords,
  decodeWords,
  emptyWordList,
  encodeWords,
  wordCount,
  wordListLimits,
} from './word-list.ts';

export interface WordListsParts {
  /** One small row per tenant: which version of the list is the newest. */
  readonly tenants: KeyValue;
  readonly lists: SnapshotStore;
  readonly clock: Clock;
  readonly log: { error(fields: object, text: string): void };
  readonly limits?: WordListLimits;
}

/** A list that could not be loaded is tried again after this long, milliseconds. */
const retryMs = 2_000;
/** A change meets other changes of the same list at most this often in a row; then BUSY. */
const triesMax = 5;

const keyPrefix = 'words/';

export interface WordListState {
  readonly words: number;
  readonly revision: number;
}

export class WordLists {
  readonly #parts: WordListsParts;
  readonly #limits: WordListLimits;
  readonly #filters = new Map<string, { readonly revision: number; readonly filter: WordFilter }>();
  /** Tenants whose list is being loaded, and the newest revision heard of meanwhile. */
  readonly #loading = new Map<string, number>();
  #watch: Watch | undefined;
  #isStopped = false;

  constructor(parts: WordListsParts) {
    this.#parts = parts;
    this.#limits = parts.limits ?? wordListLimits;
  }

  /** Resolves when the lists that are there now are being used. */
  async start(): Promise<void> {
    const first: Promise<void>[] = [];
    let isStarted = false;
    this.#watch = await this.#parts.tenants.watch((change) => {
      const loaded = this.#heard(change);
      if (!isStarted && loaded !== undefined) first.push(loaded);
    });
    isStarted = true;
    await Promise.all(first);
  }

  stop(): void {
    this.#isStopped = true;
    this.#watch?.stop();
  }

  /** Whether texts of this tenant are looked at at all. */
  has(tenant: string): boolean {
    return this.#filters.has(tenant);
  }

  /** What is to become of a text; undefined: nothing was found in it. */
  check(tenant: string, text: string): Verdict | undefined {
    return this.#filters.get(tenant)?.filter.check(text);
  }

  async list(tenant: string): Promise<WordList> {
    const stored = await this.#parts.lists.load(tenant);
    return stored === undefined ? emptyWordList : decodeWords(stored.bytes);
  }

  /** Durable and announced when it resolves. */
  async change(
    tenant: string,
    change: WordChange,
  ): Promise<Result<WordListState, { readonly code: 'BAD_REQUEST' | 'BUSY'; readonly message?: string }>> {
    const { lists, tenants } = this.#parts;
    for (let tries = 0; tries < triesMax; tries += 1) {
      const stored = await lists.load(tenant);
      const list = stored === undefined ? emptyWordList : decodeWords(stored.bytes);
      const changed = changeWords(list, change, this.#limits);
      if (!changed.ok) return err({ code: 'BAD_REQUEST', message: changed.error });
      const saved = await lists.save(tenant, encodeWords(changed.value), stored?.revision ?? 0);
      if (saved.outcome !== 'written') continue;
      await announce(tenants, tenant, saved.revision);
      return ok({ words: wordCount(changed.value), revision: saved.revision });
    }
    return err({ code: 'BUSY' });
  }

  #heard({ key, entry }: KeyValueChange): Promise<void> | undefined {
    if (!key.startsWith(keyPrefix) || entry === undefined) return undefined;
    const tenant = key.slice(keyPrefix.length);
    const revision = Number(new TextDecoder().decode(entry.value));
    const isRunning = this.#loading.has(tenant);
    this.#loading.set(tenant, Math.max(revision, this.#loading.get(tenant) ?? 0));
    return isRunning ? undefined : this.#load(tenant);
  }

  /** One load at a time per tenant; it goes on until it has what was announced last. */
  async #load(tenant: string): Promise<void> {
    while (!this.#isStopped) {
      try {
        const stored = await this.#parts.lists.load(tenant);
        if (stored !== undefined) await this.#use(tenant, stored.bytes, stored.revision);
        if ((stored?.revision ?? 0) >= (this.#loading.get(tenant) ?? 0)) break;
      } catch (err) {
        this.#parts.log.error({ tenant, err }, 'a word list could not be loaded; the one before stays');
      }
      await new Promise<void>((resolve) => this.#parts.clock.after(retryMs, resolve));
    }
    this.#loading.delete(tenant);
  }

  /** Between messages: whoever writes meanwhile is held to the list before. */
  async #use(tenant: string, bytes: Uint8Array, revision: number): Promise<void> {
    if ((this.#filters.get(tenant)?.revision ?? 0) >= revision) return;
    const compiling = WordFilter.compiling(decodeWords(bytes));
    for (;;) {
      const step = compiling.next();
      if (step.done !== true) {
        await new Promise<void>((resolve) => setImmediate(resolve));
        continue;
      }
      if (step.value.size === 0) this.#filters.delete(tenant);
      else this.#filters.set(tenant, { revision, filter: step.value });
      return;
    }
  }
}

/** Of two changes at the same time the newer one is announced last, whoever comes first. */
async function announce(tenants: KeyValue, tenant: string, revision: number): Promise<void> {
  const key = keyPrefix + tenant;
  for (;;) {
    const row = await tenants.get(key);
    if (row !== undefined && Number(new TextDecoder().decode(row.value)) >= revision) return;
    const value = new TextEncoder().encode(String(revision));
    const written = await tenants.write(key, value, row?.revision ?? 0);
    if (written.outcome === 'written') return;
  }
}
