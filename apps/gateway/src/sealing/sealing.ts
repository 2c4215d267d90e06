// Seals what people of a tenant that asks for it write, before it leaves the gateway, and opens what they read, after it has
// come here: nothing else of the cluster ever sees it in the clear. Tenants without keys pay a look into a map.
import type { SealPlace, SealingKey, SealingKeys } from '@parley/adapters';
import { type ErrorName, subjects, wire } from '@parley/protocol';
import type { Messenger, Subscription } from '@parley/runtime';
import { type Clock, type Result, err, inParallel, ok } from '@parley/std';
import { type RefusedContent, refusalOfContent } from './content-rules.ts';
import { KeyCache, type KeyCacheLimits } from './key-cache.ts';
import {
  type Content,
  type Message,
  contentIn,
  erased,
  opened,
  sealOf,
  sealedBytes,
  sealedContent,
} from './sealed-message.ts';

export interface SealingLimits extends KeyCacheLimits {
  readonly textBytesMax: number;
  /** Keys read at the same time for one answer. */
  readonly questionsAtOnceMax: number;
}

export interface SealingLog {
  error(fields: object, text: string): void;
}

export interface SealingParts {
  readonly keys: SealingKeys;
  readonly messenger: Pick<Messenger, 'subscribe' | 'publish'>;
  readonly clock: Clock;
  readonly limits: SealingLimits;
  readonly log: SealingLog;
}

export class Sealing {
  readonly keys: SealingKeys;
  readonly #parts: SealingParts;
  readonly #cache: KeyCache;
  #subscriptions: readonly Subscription[] = [];

  constructor(parts: SealingParts) {
    this.#parts = parts;
    this.keys = parts.keys;
    this.#cache = new KeyCache(parts.keys, parts.limits, parts.clock);
  }

  /** Hears from now on when keys are destroyed. */
  start(): void {
    this.#subscriptions = this.keys.masters.tenants.map((tenant) =>
      this.#parts.messenger.subscribe(subjects.keysDestroyed(tenant), () => this.#cache.drop(tenant)),
    );
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.stop();
    this.#subscriptions = [];
  }

  /** What is written in this tenant has to be sealed. */
  seals = (tenant: string): boolean => this.keys.masters.seals(tenant);

  /** What is read in this tenant may be sealed. */
  covers = (tenant: string): boolean => this.keys.masters.covers(tenant);

  /** Keys were destroyed: here and everywhere they are forgotten. */
  announceDestruction(tenant: string): void {
    this.#cache.drop(tenant);
    this.#parts.messenger.publish(subjects.keysDestroyed(tenant), new Uint8Array());
  }

  /**
   * The content as it goes into the cluster. Everything the rules would refuse is refused here: they cannot see it any more.
   * MESSAGE_NOT_FOUND: the message `messageId` was erased.
   */
  async seal(
    content: Content,
    place: SealPlace,
    messageId: string,
  ): Promise<Result<{ content: Content; sealed: Uint8Array }, RefusedContent>> {
    const refusal = refusalOfContent(content, this.#parts.limits);
    if (refusal !== undefined) return err(refusal);
    const known = this.#cache.peek(place);
    let key = known?.live === undefined ? undefined : known;
    try {
      key ??= await this.#cache.loadOrCreate(place);
    } catch (cause) {
      return err({ code: this.#away(cause) });
    }
    const sealed = sealedBytes(content, { place, key, messageId });
    if (sealed === undefined) return err({ code: 'MESSAGE_NOT_FOUND' });
    return ok({ content: sealedContent(content, sealed), sealed });
  }

  /** Messages as their readers see them. `conversation` where they do not name it. UNAVAILABLE: keys cannot be read now. */
  async open(
    tenant: string,
    messages: readonly Message[],
    conversation?: string,
  ): Promise<Result<Message[], ErrorName>> {
    const places = messages.map((message) => placeOf(tenant, message, conversation));
    const shown = messages.map((message, index) => this.#openWithCache(message, places[index]!));
    const missing = new Map<string, SealPlace>();
    for (const [index, place] of places.entries())
      if (shown[index] === undefined) missing.set(nameOf(place), place);
    if (missing.size === 0) return ok(shown as Message[]);
    const keys = new Map<string, SealingKey>();
    try {
      await inParallel([...missing], this.#parts.limits.questionsAtOnceMax, async ([name, place]) => {
        keys.set(name, await this.#cache.load(place));
      });
    } catch (cause) {
      return err(this.#away(cause));
    }
    return ok(
      messages.map((message, index) => {
        const place = places[index]!;
        // What was read just now is newer than what opened others of the same person before.
        const key = sealOf(message) === undefined ? undefined : keys.get(nameOf(place));
        return key === undefined ? shown[index]! : this.#openWith(message, place, key);
      }),
    );
  }

  /** An encoded Entry with its message open: at once where the keys are at hand, later where not. undefined: not now. */
  openEntry(tenant: string, bytes: Uint8Array): Uint8Array | Promise<Uint8Array | undefined> {
    const entry = wire.Entry.decode(bytes);
    const { message } = entry;
    if (message == null || sealOf(message) === undefined) return bytes;
    const withOpen = (open: Message): Uint8Array => wire.Entry.encode({ ...entry, message: open }).finish();
    const now = this.#openWithCache(message, placeOf(tenant, message));
    if (now !== undefined) return withOpen(now);
    return this.open(tenant, [message]).then((later) => (later.ok ? withOpen(later.value[0]!) : undefined));
  }

  /** Encoded live messages, likewise. */
  openLive(tenant: string, bytes: Uint8Array): Uint8Array | Promise<Uint8Array | undefined> {
    const live = wire.Live.decode(bytes);
    if (!live.messages.some((message) => sealOf(message) !== undefined)) return bytes;
    const withOpen = (messages: readonly Message[]): Uint8Array =>
      wire.Live.encode({ ...live, messages: [...messages] }).finish();
    const now = live.messages.map((message) => this.#openWithCache(message, placeOf(tenant, message)));
    if (now.every((message) => message !== undefined)) return withOpen(now);
    return this.open(tenant, live.messages).then((later) => (later.ok ? withOpen(later.value) : undefined));
  }

  /** undefined: its key has to be read, perhaps again: what is kept here may be older than the message. */
  #openWithCache(message: Message, place: SealPlace): Message | undefined {
    const sealed = sealOf(message);
    if (sealed === undefined) return message;
    const key = this.#cache.peek(place);
    const content = key && contentIn(message, { sealed, place, key });
    return content === undefined || content === 'lost' ? undefined : this.#shown(message, place, content);
  }

  #openWith(message: Message, place: SealPlace, key: SealingKey): Message {
    return this.#shown(message, place, contentIn(message, { sealed: sealOf(message)!, place, key }));
  }

  #shown(
    message: Message,
    { tenant, conversation }: SealPlace,
    content: ReturnType<typeof contentIn>,
  ): Message {
    if (typeof content === 'object') return opened(message, content);
    const { sequence } = message;
    if (content !== 'erased') this.#parts.log.error({ tenant, conversation, sequence }, complaints[content]);
    return erased(message);
  }

  #away(cause: unknown): 'UNAVAILABLE' {
    this.#parts.log.error({ err: cause }, 'sealing keys could not be read or made');
    return 'UNAVAILABLE';
  }
}

const complaints = {
  lost: 'a sealing key is lost: restore the bucket of keys from its backup',
  wrong: 'a sealed content is not what was sealed there',
} as const;

const nameOf = ({ user, conversation }: SealPlace): string => `${user}/${conversation}`;

/** Whoever wrote a message is the only one who edits it. */
const placeOf = (tenant: string, message: Message, conversation = message.conversation): SealPlace => ({
  tenant,
  conversation: conversation ?? '',
  user: message.sender ?? '',
});
