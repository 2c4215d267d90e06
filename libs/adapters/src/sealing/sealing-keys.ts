// The keys of people in conversations: made when first needed, read, and destroyed. One record of the vault for each person
// and conversation holds the key in use, wrapped, and the ids of those that were destroyed: so a content whose key is gone for
// good is told from one whose key only cannot be read now. Holds nothing: whoever asks often has a cache.
import { internal } from '@parley/protocol';
import { assert } from '@parley/std';
import type { KeyVault } from '../ports/key-vault.ts';
import { KeyTree } from './key-tree.ts';
import type { MasterKeys } from './master-keys.ts';
import { newKeyId, type SealPlace } from './seal.ts';

/** What is known of the keys of one person in one conversation. */
export interface SealingKey {
  /** Undefined before the first, and after it was destroyed. */
  readonly live: { readonly id: string; readonly tree: KeyTree } | undefined;
  /** Ids of those that were destroyed, hexadecimal. */
  readonly destroyed: ReadonlySet<string>;
}

/**
 * Single messages of one person in one conversation that can be erased: each makes the record larger, by 2.6 KB at most, and
 * it has to stay one message of NATS. Beyond: the person's key in that conversation can only be destroyed as a whole.
 */
export const erasedMessagesMax = 256;
const recordBytesMaxDefault = 800_000;
/** Writers that met another one try again this often. */
const triesMax = 8;

/** There is no room for one more message that is taken out of a key. */
export class TooManyErased extends Error {
  override readonly name = 'TooManyErased';
}

interface Stored {
  readonly key: SealingKey;
  readonly masterId: string;
  readonly revision: number;
}

const nothing: Stored = { key: { live: undefined, destroyed: new Set() }, masterId: '', revision: 0 };

export class SealingKeys {
  readonly masters: MasterKeys;
  readonly #vault: KeyVault;
  readonly #recordBytesMax: number;

  constructor(vault: KeyVault, masters: MasterKeys, recordBytesMax = recordBytesMaxDefault) {
    this.#vault = vault;
    this.masters = masters;
    this.#recordBytesMax = recordBytesMax;
  }

  /** Throws MasterKeyMissing, and whatever the vault throws. */
  async load(place: SealPlace): Promise<SealingKey> {
    return (await this.#read(place)).key;
  }

  /** The same, with a key in use: a new one where there was none. */
  async loadOrCreate(place: SealPlace): Promise<SealingKey> {
    for (let tries = 0; tries < triesMax; tries++) {
      const stored = await this.#read(place);
      if (stored.key.live !== undefined) return stored.key;
      const key = { ...stored.key, live: { id: newKeyId(), tree: KeyTree.random() } };
      if (await this.#write(place, key, stored.revision)) return key;
    }
    throw new Error('a sealing key could not be made: others change it again and again');
  }

  /** Destroys the key in use, and whatever an interrupted call has left of one. True: there was one. */
  destroy(place: SealPlace): Promise<boolean> {
    return this.#change(place, ({ live, destroyed }) =>
      live === undefined ? undefined : { live: undefined, destroyed: new Set([...destroyed, live.id]) },
    );
  }

  /** Takes one message out of the key in use. False: its key is gone already. Throws TooManyErased. */
  destroyMessage(place: SealPlace, messageId: string): Promise<boolean> {
    return this.#change(place, (key) => {
      const tree = key.live?.tree.without(messageId);
      return tree === undefined ? undefined : { ...key, live: { id: key.live!.id, tree } };
    });
  }

  /** Conversations in which a person has, or had, a key. */
  async conversationsOf(tenant: string, user: string): Promise<readonly string[]> {
    const prefix = `${tenant}.${user}`;
    return (await this.#vault.names(prefix)).map((name) => name.slice(prefix.length + 1));
  }

  /** Wraps everything of a tenant with its newest master key; then the older ones can go. Resolves with how many it was. */
  async rewrap(tenant: string): Promise<number> {
    let count = 0;
    for (const name of await this.#vault.names(tenant)) {
      const [user = '', ...rest] = name.slice(tenant.length + 1).split('.');
      const place = { tenant, user, conversation: rest.join('.') };
      const { key, masterId } = await this.#read(place);
      if (key.live === undefined || masterId === this.masters.newestId(tenant)) continue;
      if (await this.#change(place, (same) => same)) count++;
    }
    return count;
  }

  /** undefined from `change`: nothing is written. What was there before is overwritten where it lies, in any case. */
  async #change(place: SealPlace, change: (key: SealingKey) => SealingKey | undefined): Promise<boolean> {
    for (let tries = 0; tries < triesMax; tries++) {
      const { key, revision } = await this.#read(place);
      const changed = change(key);
      const isWritten = changed !== undefined && (await this.#write(place, changed, revision));
      if (changed !== undefined && !isWritten) continue;
      if (!isWritten) await this.#vault.eraseOlder(nameOf(place));
      return isWritten;
    }
    throw new Error('a sealing key could not be changed: others change it again and again');
  }

  async #read(place: SealPlace): Promise<Stored> {
    const entry = await this.#vault.get(nameOf(place));
    if (entry === undefined) return nothing;
    const { id, masterId, wrapped, destroyed } = internal.KeyRecord.decode(entry.value);
    const master = hexOf(masterId);
    const live =
      id.length === 0
        ? undefined
        : { id: hexOf(id), tree: KeyTree.decode(this.#unwrap(place, { masterId: master, wrapped, id })) };
    const key = { live, destroyed: new Set(destroyed.map(hexOf)) };
    return { key, masterId: master, revision: entry.revision };
  }

  #unwrap(place: SealPlace, { id, ...wrapped }: { id: Uint8Array; masterId: string; wrapped: Uint8Array }) {
    return this.masters.unwrap(place.tenant, wrapped, contextOf(place, hexOf(id)));
  }

  /** False: somebody else was faster. */
  async #write(place: SealPlace, { live, destroyed }: SealingKey, revision: number): Promise<boolean> {
    const name = nameOf(place);
    const wrapped = live && this.masters.wrap(place.tenant, live.tree.encode(), contextOf(place, live.id));
    const record = internal.KeyRecord.encode({
      destroyed: [...destroyed].map(bytesOf),
      ...(live &&
        wrapped && { id: bytesOf(live.id), masterId: bytesOf(wrapped.masterId), wrapped: wrapped.wrapped }),
    }).finish();
    if (record.length > this.#recordBytesMax)
      throw new TooManyErased(`more than ${erasedMessagesMax} messages of one person in one conversation`);
    const written = await this.#vault.write(name, record, revision);
    if (written.outcome !== 'written') return false;
    if (revision > 0) await this.#vault.eraseOlder(name);
    return true;
  }
}

/** Ids have no dots, but those of conversations. */
function nameOf({ tenant, user, conversation }: SealPlace): string {
  assert(user !== '' && conversation !== '', 'a sealing key belongs to a person in a conversation');
  return `${tenant}.${user}.${conversation}`;
}

const contextOf = (place: SealPlace, id: string): string => `${nameOf(place)}/${id}`;

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytesOf = (hex: string): Buffer => Buffer.from(hex, 'hex');
