// Sealing keys this gateway has used lately. Bounded in number and in age: the age is how long a key that was destroyed
// elsewhere can be used here at most, when the word of it did not arrive.
import { type SealPlace, type SealingKey, type SealingKeys } from '@parley/adapters';
import type { Clock } from '@parley/std';
import { LRUCache } from 'lru-cache';

export interface KeyCacheLimits {
  /** Keys of one person in one conversation; beyond, the one used longest ago is read again. */
  readonly keysMax: number;
  readonly keyAgeMaxMs: number;
}

export class KeyCache {
  readonly #keys: SealingKeys;
  readonly #known: LRUCache<string, SealingKey>;
  readonly #loading = new Map<string, Promise<SealingKey>>();
  /** Rises whenever keys are dropped: what was asked for before may be a key that is no more. */
  #drops = 0;

  constructor(keys: SealingKeys, { keysMax, keyAgeMaxMs }: KeyCacheLimits, clock: Clock) {
    this.#keys = keys;
    this.#known = new LRUCache({
      max: keysMax,
      ttl: keyAgeMaxMs,
      ttlResolution: 0,
      perf: { now: () => clock.monotonicMs() },
    });
  }

  /** undefined: it has to be loaded. */
  peek(place: SealPlace): SealingKey | undefined {
    return this.#known.get(nameOf(place));
  }

  /** Those who want the same one wait for it together. */
  load(place: SealPlace): Promise<SealingKey> {
    return this.#load(`${nameOf(place)} read`, place, () => this.#keys.load(place));
  }

  /** A key to write with. */
  loadOrCreate(place: SealPlace): Promise<SealingKey> {
    return this.#load(`${nameOf(place)} write`, place, () => this.#keys.loadOrCreate(place));
  }

  /** Keys of this tenant were destroyed. */
  drop(tenant: string): void {
    this.#drops++;
    this.#loading.clear();
    for (const name of this.#known.keys()) if (name.startsWith(`${tenant}/`)) this.#known.delete(name);
  }

  #load(question: string, place: SealPlace, read: () => Promise<SealingKey>): Promise<SealingKey> {
    const loading = this.#loading.get(question);
    if (loading !== undefined) return loading;
    const drops = this.#drops;
    const begun = read()
      .then((key) => {
        if (drops === this.#drops) this.#known.set(nameOf(place), key);
        return key;
      })
      .finally(() => {
        if (this.#loading.get(question) === begun) this.#loading.delete(question);
      });
    this.#loading.set(question, begun);
    return begun;
  }
}

const nameOf = ({ tenant, user, conversation }: SealPlace): string => `${tenant}/${user}/${conversation}`;
