// One watch on a bucket: follows its stream, and compares with a fresh list every few seconds, because a follower can
// be deaf without knowing it. Each change is told once, in order per key.
import type { KeyValue, KeyValueChange, KeyValueEntry, Watch } from '@parley/runtime';
import { bucketStream, isDeletion, subjectKey } from './bucket-stream.ts';
import { asError } from './nats-errors.ts';
import type { NatsChannel } from './nats-link.ts';
import { StreamReader } from './stream-reader.ts';

export interface NatsWatchOptions {
  readonly channel: NatsChannel;
  readonly bucket: string;
  readonly keyValue: KeyValue;
  readonly relistIntervalMs: number;
  readonly onChange: (change: KeyValueChange) => void;
  readonly onTrouble: (reason: string) => void;
}

interface Known {
  readonly revision: number;
  readonly isPresent: boolean;
}

/** Deleted keys are remembered, so that a list from a lagging replica does not bring them back; the oldest go first. */
const deletedKeysMax = 10_000;

export class NatsWatch implements Watch {
  /** Resolves when everything that was there at the start has been told. */
  readonly caughtUp: Promise<void>;

  readonly #options: NatsWatchOptions;
  readonly #known = new Map<string, Known>();
  readonly #deleted = new Set<string>();
  readonly #reader: StreamReader;
  #relistTimer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: NatsWatchOptions) {
    this.#options = options;
    let caughtUp: () => void = () => undefined;
    this.caughtUp = new Promise((resolve) => {
      caughtUp = resolve;
    });
    this.#reader = new StreamReader({
      channel: options.channel,
      stream: bucketStream(options.bucket),
      filter: `$KV.${options.bucket}.>`,
      start: 'last-per-subject',
      onMessage: (message, revision) => {
        const key = subjectKey(options.bucket, message.subject);
        if (isDeletion(message.headers)) this.#takeDeletion(key, revision);
        else this.#takeEntry({ key, value: message.data.slice(), revision });
      },
      onCaughtUp: () => caughtUp(),
      onRestart: options.onTrouble,
    });
    this.#scheduleRelist();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#relistTimer);
    this.#reader.stop();
  }

  #takeEntry(entry: KeyValueEntry): void {
    if (this.#isStopped || entry.revision <= (this.#known.get(entry.key)?.revision ?? 0)) return;
    this.#deleted.delete(entry.key);
    this.#known.set(entry.key, { revision: entry.revision, isPresent: true });
    this.#options.onChange({ key: entry.key, entry });
  }

  #takeDeletion(key: string, revision: number): void {
    const known = this.#known.get(key);
    if (this.#isStopped || revision < (known?.revision ?? 0)) return;
    this.#known.set(key, { revision, isPresent: false });
    this.#deleted.add(key);
    this.#forgetOldest();
    if (known?.isPresent === true) this.#options.onChange({ key, entry: undefined });
  }

  #forgetOldest(): void {
    if (this.#deleted.size <= deletedKeysMax) return;
    const [oldest] = this.#deleted;
    if (oldest === undefined) return;
    this.#deleted.delete(oldest);
    this.#known.delete(oldest);
  }

  #scheduleRelist(): void {
    if (this.#isStopped) return;
    this.#relistTimer = setTimeout(() => {
      this.#relist()
        .catch((cause: unknown) => this.#options.onTrouble(`cannot compare: ${asError(cause).message}`))
        .finally(() => this.#scheduleRelist());
    }, this.#options.relistIntervalMs).unref();
  }

  async #relist(): Promise<void> {
    if (!this.#options.channel.isConnected) return;
    const before = new Map(this.#known);
    const entries = await this.#options.keyValue.list();
    for (const entry of entries) this.#takeEntry(entry);
    const listed = new Set(entries.map((entry) => entry.key));
    for (const [key, known] of before) {
      if (!known.isPresent || listed.has(key)) continue;
      // The leader decides: the list may come from a replica that does not know the key yet.
      const entry = await this.#options.keyValue.get(key);
      if (entry !== undefined) this.#takeEntry(entry);
      else if (this.#known.get(key) === known) this.#takeDeletion(key, known.revision);
    }
  }
}
