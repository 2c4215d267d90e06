// Lines in and out. On a terminal, incoming lines appear above what the user is typing; elsewhere (pipes, tests) it is
// plain lines both ways.
import readline from 'node:readline';

export class Terminal {
  readonly isInteractive: boolean;
  readonly #interface: readline.Interface;
  readonly #output: NodeJS.WriteStream;
  /** Lines typed before anybody asked for them: the interface itself would lose those. */
  readonly #typed: string[] = [];
  #waiting: ((result: IteratorResult<string>) => void) | undefined;
  #isEnded = false;
  #isClosed = false;

  constructor(input: NodeJS.ReadStream, output: NodeJS.WriteStream) {
    this.isInteractive = Boolean(input.isTTY && output.isTTY);
    this.#output = output;
    this.#interface = readline.createInterface({ input, output, terminal: this.isInteractive });
    this.#interface.on('line', (line) => this.#take(line));
    this.#interface.on('close', () => this.#end());
  }

  /** Lines as they are typed, until the end of input or close(). */
  lines(): AsyncIterable<string> {
    return { [Symbol.asyncIterator]: () => ({ next: () => this.#next() }) };
  }

  /** Ctrl-C or the end of input at the prompt. */
  onInterrupt(handler: () => void): void {
    this.#interface.on('SIGINT', handler);
  }

  print(line: string): void {
    if (!this.isInteractive || this.#isClosed) {
      this.#output.write(`${line}\n`);
      return;
    }
    readline.cursorTo(this.#output, 0);
    readline.clearLine(this.#output, 0);
    this.#output.write(`${line}\n`);
    this.#interface.prompt(true);
  }

  /** Takes the line just typed away: its message is printed when it comes back. */
  eraseTyped(): void {
    if (!this.isInteractive) return;
    readline.moveCursor(this.#output, 0, -1);
    readline.clearLine(this.#output, 0);
  }

  setPrompt(prompt: string): void {
    if (!this.isInteractive || this.#isClosed) return;
    this.#interface.setPrompt(prompt);
    this.#interface.prompt(true);
  }

  close(): void {
    this.#isClosed = true;
    this.#interface.close();
  }

  #take(line: string): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#typed.push(line);
    else waiting({ value: line, done: false });
  }

  #end(): void {
    this.#isEnded = true;
    this.#waiting?.({ value: undefined, done: true });
    this.#waiting = undefined;
  }

  #next(): Promise<IteratorResult<string>> {
    const line = this.#typed.shift();
    if (line !== undefined) return Promise.resolve({ value: line, done: false });
    if (this.#isEnded) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => (this.#waiting = resolve));
  }
}
