// Message bodies kept in memory for those who read next, as encoded messages. In blocks of neighbours, because a page asks
// for a run of one conversation: one lookup finds dozens of them.

/** Messages of a conversation in one block. A power of two. */
const blockMessages = 64;
/** About what a message costs besides its bytes. */
const messageOverheadBytes = 64;

interface Block {
  readonly messages: (Uint8Array | undefined)[];
  bytes: number;
}

export class BodyCache {
  readonly #bytesMax: number;
  /** The block used longest ago comes first. */
  readonly #blocks = new Map<string, Block>();
  #bytes = 0;

  /** Beyond `bytesMax` the blocks used longest ago are forgotten. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Puts what is here into `found`. */
  find(
    tenant: string,
    { conversation, sequences }: { conversation: string; sequences: readonly number[] },
    found: Map<number, Uint8Array>,
  ): void {
    let number = -1;
    let block: Block | undefined;
    for (const sequence of sequences) {
      const wanted = Math.floor(sequence / blockMessages);
      if (wanted !== number) {
        number = wanted;
        block = this.#use(keyOf(tenant, conversation, number));
      }
      const message = block?.messages[sequence % blockMessages];
      if (message !== undefined) found.set(sequence, message);
    }
  }

  /** Copies `message`: it may be a view on something larger. */
  add(
    tenant: string,
    { conversation, sequence }: { conversation: string; sequence: number },
    message: Uint8Array,
  ): void {
    const key = keyOf(tenant, conversation, Math.floor(sequence / blockMessages));
    const block = this.#use(key) ?? { messages: [], bytes: 0 };
    const place = sequence % blockMessages;
    const added = message.length + messageOverheadBytes - costOf(block.messages[place]);
    block.messages[place] = Buffer.from(message);
    block.bytes += added;
    this.#bytes += added;
    this.#blocks.set(key, block);
    for (const [oldest, { bytes }] of this.#blocks) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#blocks.delete(oldest);
      this.#bytes -= bytes;
    }
  }

  #use(key: string): Block | undefined {
    const block = this.#blocks.get(key);
    if (block === undefined) return undefined;
    this.#blocks.delete(key);
    this.#blocks.set(key, block);
    return block;
  }
}

const keyOf = (tenant: string, conversation: string, block: number): string =>
  `${tenant}/${conversation}/${block}`;

const costOf = (message: Uint8Array | undefined): number =>
  message === undefined ? 0 : message.length + messageOverheadBytes;
