// One export under way: cuts a document into chunks that fit into a message, one made while the one before travels. The asker
// asks for each, so nothing is made faster than it is taken.
import { BadRequest } from '../reading/bad-request.ts';

export interface ExportLimits {
  /** Bytes of one chunk: more travels faster, and more is held. Two are held for each export. Must fit into a NATS message. */
  readonly chunkBytes: number;
  /** Bytes of a whole document. Beyond it the export fails. */
  readonly bytesMax: number;
  /** An export that nobody asks anything of for this long is given up, milliseconds. */
  readonly idleMs: number;
}

export interface ExportChunk {
  readonly bytes: Uint8Array;
  readonly isLast: boolean;
}

export class RunningExport {
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #limits: ExportLimits;
  readonly #onIdle: () => void;
  #number = 0;
  #current: Promise<ExportChunk> | undefined;
  #next: Promise<ExportChunk> | undefined;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #bytes = 0;
  #isRead = false;
  #isWhole = false;
  #idle: NodeJS.Timeout | undefined;

  constructor(document: AsyncIterable<Uint8Array>, limits: ExportLimits, onIdle: () => void) {
    this.#pieces = document[Symbol.asyncIterator]();
    this.#limits = limits;
    this.#onIdle = onIdle;
    this.#wait();
  }

  /** The last chunk has been handed out. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** The next chunk, counted from 1, or the newest once more. Rejects when the document cannot be made whole. */
  async chunk(number: number): Promise<ExportChunk> {
    clearTimeout(this.#idle);
    try {
      if (number === this.#number + 1) this.#advance();
      if (number !== this.#number || this.#current === undefined)
        throw new BadRequest('BAD_REQUEST', `chunk ${number} is not the next one`);
      const chunk = await this.#current;
      this.#isWhole ||= chunk.isLast;
      return chunk;
    } finally {
      this.#wait();
    }
  }

  /** Lets go of the document. */
  async stop(): Promise<void> {
    clearTimeout(this.#idle);
    this.#next?.catch(() => undefined);
    await this.#pieces.return?.();
  }

  #advance(): void {
    this.#number += 1;
    const current = this.#next ?? this.#make();
    this.#current = current;
    this.#next = current.then((chunk) => (chunk.isLast ? chunk : this.#make()));
    // Whoever asks for it learns of it.
    this.#next.catch(() => undefined);
  }

  async #make(): Promise<ExportChunk> {
    const { chunkBytes, bytesMax } = this.#limits;
    while (!this.#isRead && this.#heldBytes <= chunkBytes) {
      const piece = await this.#pieces.next();
      if (piece.done === true) this.#isRead = true;
      else this.#hold(piece.value);
    }
    const all = Buffer.concat(this.#held);
    const bytes = all.subarray(0, chunkBytes);
    this.#held = [];
    this.#heldBytes = 0;
    if (all.length > bytes.length) this.#hold(all.subarray(bytes.length));
    this.#bytes += bytes.length;
    if (this.#bytes > bytesMax)
      throw new BadRequest(
        'BAD_REQUEST',
        `the document is larger than ${bytesMax} bytes: ask for a shorter time`,
      );
    return { bytes, isLast: this.#isRead && this.#heldBytes === 0 };
  }

  #hold(piece: Uint8Array): void {
    this.#held.push(piece);
    this.#heldBytes += piece.length;
  }

  #wait(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(this.#onIdle, this.#limits.idleMs);
  }
}
