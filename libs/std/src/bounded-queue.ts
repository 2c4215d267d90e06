// A first-in first-out queue with a named maximum. Full is a value the caller must handle, never silent growth.
import { assert } from './assert.ts';

export class BoundedQueue<T> {
  readonly #items: (T | undefined)[];
  #first = 0;
  #size = 0;

  readonly sizeMax: number;

  constructor(sizeMax: number) {
    assert(sizeMax > 0, 'BoundedQueue: sizeMax must be positive');
    this.sizeMax = sizeMax;
    this.#items = new Array<T | undefined>(sizeMax);
  }

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size === this.sizeMax;
  }

  /** Returns false, and takes nothing, when the queue is full. */
  offer(item: T): boolean {
    if (this.isFull) return false;
    this.#items[(this.#first + this.#size) % this.sizeMax] = item;
    this.#size++;
    return true;
  }

  peek(): T | undefined {
    return this.#size === 0 ? undefined : this.#items[this.#first];
  }

  take(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#items[this.#first];
    this.#items[this.#first] = undefined;
    this.#first = (this.#first + 1) % this.sizeMax;
    this.#size--;
    return item;
  }
}
