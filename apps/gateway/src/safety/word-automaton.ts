// Aho–Corasick over flat arrays: one pass over a text finds all of many words. Built a little at a time, so that a gateway
// goes on with its messages while it compiles a long list (see ADR 14 for what libraries did here).

/** A word ends at `end`, exclusive. */
export type OnFound = (word: string, end: number) => void;

/** Letters taken into the automaton in one step: about a millisecond. */
const lettersPerStep = 4_096;
const charCodes = 0x10000;

export class WordAutomaton {
  /** An open hash table of the edges: from a node by a letter to a node; the root's are in `#fromRoot`. */
  readonly #slots: number;
  readonly #from: Int32Array;
  readonly #letter: Uint16Array;
  readonly #to: Int32Array;
  readonly #fromRoot = new Int32Array(charCodes);
  /** By node: where to go on when no edge fits, and the nearest node on that way at which a word ends; 0: none. */
  readonly #fail: Int32Array;
  readonly #nextEnd: Int32Array;
  readonly #wordAt = new Map<number, string>();
  #nodes = 0;

  private constructor(letters: number) {
    this.#slots = 1 << Math.ceil(Math.log2(Math.max(16, 2 * letters)));
    this.#from = new Int32Array(this.#slots);
    this.#letter = new Uint16Array(this.#slots);
    this.#to = new Int32Array(this.#slots);
    this.#fail = new Int32Array(letters + 1);
    this.#nextEnd = new Int32Array(letters + 1);
  }

  /** Every step yields; the automaton is returned at the end. Empty words are left out. */
  static *building(words: readonly string[]): Generator<void, WordAutomaton, void> {
    const automaton = new WordAutomaton(words.reduce((sum, word) => sum + word.length, 0));
    // By depth, because a node's way out is found from those of nodes nearer to the root.
    const levels: { readonly node: number; readonly parent: number; readonly letter: number }[][] = [];
    let letters = 0;
    for (const word of words) {
      let node = 0;
      for (let at = 0; at < word.length; at += 1) {
        const letter = word.charCodeAt(at);
        let next = automaton.#edge(node, letter);
        if (next === 0) {
          next = automaton.#addEdge(node, letter);
          (levels[at] ??= []).push({ node: next, parent: node, letter });
        }
        node = next;
        letters += 1;
        if (letters % lettersPerStep === 0) yield;
      }
      if (node !== 0) automaton.#wordAt.set(node, word);
    }
    for (const level of levels.slice(1)) {
      for (const { node, parent, letter } of level) {
        automaton.#link(node, parent, letter);
        letters += 1;
        if (letters % lettersPerStep === 0) yield;
      }
    }
    return automaton;
  }

  /** Calls back for each occurrence of each word, also of those within others. */
  find(text: string, onFound: OnFound): void {
    let node = 0;
    for (let at = 0; at < text.length; at += 1) {
      const letter = text.charCodeAt(at);
      node = this.#after(node, letter);
      if (node === 0) continue;
      let end = this.#wordAt.has(node) ? node : this.#nextEnd[node]!;
      for (; end !== 0; end = this.#nextEnd[end]!) onFound(this.#wordAt.get(end)!, at + 1);
    }
  }

  #after(from: number, letter: number): number {
    let node = from;
    for (;;) {
      const next = this.#edge(node, letter);
      if (next !== 0 || node === 0) return next;
      node = this.#fail[node]!;
    }
  }

  #link(node: number, parent: number, letter: number): void {
    const way = this.#after(this.#fail[parent]!, letter);
    this.#fail[node] = way;
    this.#nextEnd[node] = this.#wordAt.has(way) ? way : this.#nextEnd[way]!;
  }

  /** 0: there is none. */
  #edge(from: number, letter: number): number {
    if (from === 0) return this.#fromRoot[letter]!;
    for (let slot = this.#slotOf(from, letter); ; slot = (slot + 1) & (this.#slots - 1)) {
      const to = this.#to[slot]!;
      if (to === 0 || (this.#from[slot] === from && this.#letter[slot] === letter)) return to;
    }
  }

  #addEdge(from: number, letter: number): number {
    const to = ++this.#nodes;
    if (from === 0) return (this.#fromRoot[letter] = to);
    let slot = this.#slotOf(from, letter);
    while (this.#to[slot] !== 0) slot = (slot + 1) & (this.#slots - 1);
    this.#from[slot] = from;
    this.#letter[slot] = letter;
    return (this.#to[slot] = to);
  }

  #slotOf(from: number, letter: number): number {
    const mixed = Math.imul(from, 0x9e3779b1) ^ Math.imul(letter, 0x85ebca6b);
    return (mixed ^ (mixed >>> 15)) & (this.#slots - 1);
  }
}
