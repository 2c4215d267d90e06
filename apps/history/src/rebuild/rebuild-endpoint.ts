// `hst.rebuild`: the operator's command to make history anew, and how far that is. Answered by the process that projects, in
// JSON, for tools/rebuild-history.ts alone.
import type { Messenger, Subscription } from '@parley/runtime';
import { subjects } from '@parley/protocol';
import { Rebuild, type RebuildOptions } from './rebuild.ts';

/** The whole of a request. `status` changes nothing. */
export type RebuildOrder = 'start' | 'status';

export class RebuildEndpoint {
  readonly #options: RebuildOptions;
  readonly #subscription: Subscription;
  #rebuild: Rebuild | undefined;

  constructor(messenger: Messenger, options: RebuildOptions) {
    this.#options = options;
    this.#subscription = messenger.subscribe(subjects.history('rebuild'), (bytes, respond) => {
      const order = Buffer.from(bytes).toString('utf8');
      if (order === 'start') this.#start();
      respond(Buffer.from(JSON.stringify(this.#rebuild?.status ?? { state: 'none' })));
    });
  }

  /** One that is under way is given up: the running history stays. */
  async stop(): Promise<void> {
    this.#subscription.stop();
    await this.#rebuild?.stop();
  }

  #start(): void {
    if (this.#rebuild !== undefined && !this.#rebuild.isOver) return;
    this.#rebuild = new Rebuild(this.#options);
    void this.#rebuild.start();
  }
}
