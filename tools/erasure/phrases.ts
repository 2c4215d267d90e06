// Looks for phrases in bytes, as they stand there: UTF-8, not compressed, not in base64.
export class Phrases {
  readonly texts: readonly string[];
  readonly #bytes: readonly Buffer[];

  /** Short ones are found everywhere by chance: at least 6 bytes. Throws RangeError. */
  constructor(texts: readonly string[]) {
    this.texts = texts;
    this.#bytes = texts.map((text) => Buffer.from(text));
    if (this.#bytes.some(({ length }) => length < phraseBytesMin))
      throw new RangeError(`a phrase has at least ${phraseBytesMin} bytes`);
  }

  /** Bytes of the longest one: what two neighbouring pieces have to share. */
  get overlap(): number {
    return Math.max(0, ...this.#bytes.map(({ length }) => length - 1));
  }

  isIn(bytes: Uint8Array): boolean {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    return this.#bytes.some((phrase) => buffer.includes(phrase));
  }
}

const phraseBytesMin = 6;
