// A key that can forget: from one root a key for each message is derived, and any of them can be taken out for good while
// all others stay (a puncturable tree, after Goldreich, Goldwasser and Micali). A message's leaf is 16 digits of base 4,
// from the hash of its id. Taking it out replaces the node above it by the siblings along the way: nobody who has only those
// can come down to the leaf again. Two ids of one leaf share a key and its end: by chance once in 2^32 pairs.
import { hash, randomBytes } from 'node:crypto';
import { internal } from '@parley/protocol';

const digits = ['0', '1', '2', '3'] as const;
const depth = 16;
export const keyBytes = 32;

export class KeyTree {
  /** By path from the root. No path is the beginning of another. */
  readonly #nodes: ReadonlyMap<string, Uint8Array>;

  private constructor(nodes: ReadonlyMap<string, Uint8Array>) {
    this.#nodes = nodes;
  }

  static random(): KeyTree {
    return new KeyTree(new Map([['', randomBytes(keyBytes)]]));
  }

  static decode(bytes: Uint8Array): KeyTree {
    const { nodes } = internal.KeyTree.decode(bytes);
    return new KeyTree(new Map(nodes.map(({ path, key }) => [path ?? '', new Uint8Array(key ?? [])])));
  }

  encode(): Uint8Array {
    const nodes = [...this.#nodes].map(([path, key]) => ({ path, key }));
    return internal.KeyTree.encode({ nodes }).finish();
  }

  /** The key of a message; undefined when it was taken out. */
  keyOf(messageId: string): Uint8Array | undefined {
    const leaf = leafOf(messageId);
    const top = this.#above(leaf);
    if (top === undefined) return undefined;
    let key = this.#nodes.get(top)!;
    for (let at = top.length; at < depth; at++) key = childOf(key, leaf[at]!);
    return key;
  }

  /** The same without the key of this message; undefined when it has been taken out before. */
  without(messageId: string): KeyTree | undefined {
    const leaf = leafOf(messageId);
    const top = this.#above(leaf);
    if (top === undefined) return undefined;
    const nodes = new Map(this.#nodes);
    let key = nodes.get(top)!;
    nodes.delete(top);
    for (let at = top.length; at < depth; at++) {
      for (const digit of digits)
        if (digit !== leaf[at]) nodes.set(leaf.slice(0, at) + digit, childOf(key, digit));
      key = childOf(key, leaf[at]!);
    }
    return new KeyTree(nodes);
  }

  #above(leaf: string): string | undefined {
    for (let length = 0; length <= depth; length++) {
      const path = leaf.slice(0, length);
      if (this.#nodes.has(path)) return path;
    }
    return undefined;
  }
}

const childOf = (key: Uint8Array, digit: string): Buffer =>
  hash('sha256', Buffer.concat([key, Buffer.from(digit)]), 'buffer');

function leafOf(messageId: string): string {
  const number = hash('sha256', messageId, 'buffer').readUInt32BE(0);
  return number.toString(4).padStart(depth, '0');
}
