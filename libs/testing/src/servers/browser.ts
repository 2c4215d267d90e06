// A real browser without a window, for tests of pages: Chromium, where the machine has one, spoken to over a pipe in its own
// protocol (DevTools). One page at a time, as much as a test needs.
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { removeTemporaryFolder, temporaryFolder } from './server-process.ts';
import { waitUntil } from './wait-until.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** Path of a browser's program, or undefined where there is none: then tests of pages are skipped. */
export const browserProgram = (): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .flatMap((folder) => names.map((name) => path.join(folder, name)))
    .find(isProgram);

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

type Fields = Readonly<Record<string, unknown>>;

interface Incoming {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Fields;
  readonly result?: Fields;
  readonly error?: { readonly message: string };
}

export class Browser {
  /** What pages complained about: uncaught errors, what the browser refused to load or run. */
  readonly complaints: string[] = [];
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #waiting = new Map<number, (answer: Incoming) => void>();
  #count = 0;
  #session: string | undefined;

  private constructor(program: string, folder: string) {
    this.#folder = folder;
    // Root has no sandbox; the pages are our own.
    const flags = [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--remote-debugging-pipe',
    ];
    this.#child = spawn(program, [...flags, `--user-data-dir=${folder}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    });
    let rest = '';
    const output = this.#child.stdio[4] as Readable;
    output.setEncoding('utf8').on('data', (chunk: string) => {
      const parts = (rest + chunk).split('\0');
      rest = parts.pop() ?? '';
      for (const part of parts) this.#take(JSON.parse(part) as Incoming);
    });
    this.#child.once('exit', () => this.#end());
  }

  static async open(program: string): Promise<Browser> {
    const browser = new Browser(program, await temporaryFolder('browser'));
    const { targetId } = await browser.#call('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await browser.#call('Target.attachToTarget', { targetId, flatten: true });
    browser.#session = sessionId as string;
    for (const domain of ['Page', 'Runtime', 'Log']) await browser.#call(`${domain}.enable`);
    return browser;
  }

  /** Resolves when the page and its scripts are loaded. */
  async visit(url: string): Promise<void> {
    await this.#call('Page.navigate', { url });
    await this.until(`document.readyState === 'complete' && location.href === ${JSON.stringify(url)}`);
  }

  /** The value of an expression in the page; promises are awaited. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = (await this.#call('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })) as { result: { value?: unknown }; exceptionDetails?: { exception?: { description?: string } } };
    if (exceptionDetails !== undefined)
      throw new Error(exceptionDetails.exception?.description ?? expression);
    return result.value;
  }

  /** Waits until the expression is true in the page. */
  async until(expression: string): Promise<void> {
    await waitUntil(() => this.evaluate(expression), { what: expression, limitMs: 20_000 });
  }

  /** Shows the page as for somebody who likes it so. */
  async prefer(scheme: 'dark' | 'light'): Promise<void> {
    const features = [{ name: 'prefers-color-scheme', value: scheme }];
    await this.#call('Emulation.setEmulatedMedia', { features });
  }

  async close(): Promise<void> {
    // In order, or processes of its own would still write into the folder.
    this.#session = undefined;
    await this.#call('Browser.close').catch(() => undefined);
    const hasEnded = () => this.#child.exitCode !== null || this.#child.signalCode !== null;
    await waitUntil(hasEnded, { what: 'the browser ends' }).catch(() => this.#child.kill('SIGKILL'));
    removeTemporaryFolder(this.#folder);
  }

  #call(method: string, params: Fields = {}): Promise<Fields> {
    const id = (this.#count += 1);
    const session = this.#session === undefined ? {} : { sessionId: this.#session };
    const input = this.#child.stdio[3] as Writable;
    input.write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) =>
        error === undefined ? resolve(result ?? {}) : reject(new Error(`${method}: ${error.message}`)),
      );
    });
  }

  #take(message: Incoming): void {
    if (message.id !== undefined) {
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
      return;
    }
    if (message.method === 'Runtime.exceptionThrown') this.complaints.push(JSON.stringify(message.params));
    const entry = message.params?.['entry'] as { level?: string; text?: string } | undefined;
    if (message.method === 'Log.entryAdded' && entry?.level === 'error')
      this.complaints.push(entry.text ?? '');
  }

  #end(): void {
    for (const answer of this.#waiting.values()) answer({ error: { message: 'the browser has ended' } });
    this.#waiting.clear();
  }
}
