// History as the actors see it: reads the journals with some delay, answers pages of what it has, and says how far it has
// come - late, in jumps, but never more than it has. It keeps what is trimmed.
import type { MemoryCluster } from '@parley/adapters';
import type { Clock, Random } from '@parley/std';
import type { LogMessage } from '@parley/domain';
import { type JournalAuditor, currentLog } from './journal-auditor.ts';

export class HistoryModel {
  readonly #auditor: JournalAuditor;
  readonly #memory: MemoryCluster;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #tenant: string;
  /** How many messages of each conversation it has. */
  readonly #complete = new Map<string, number>();
  /** Mean time between two looks at a journal. */
  pauseMs = 1_000;
  isStopped = false;

  constructor(options: {
    readonly auditor: JournalAuditor;
    readonly memory: MemoryCluster;
    readonly random: Random;
    readonly clock: Clock;
    readonly tenant: string;
  }) {
    this.#auditor = options.auditor;
    this.#memory = options.memory;
    this.#random = options.random;
    this.#clock = options.clock;
    this.#tenant = options.tenant;
    this.#later();
  }

  /** Those of `wanted` that are stored, as what is stored makes of them. */
  page(conversation: string, wanted: ReadonlySet<number>): LogMessage[] {
    const complete = this.#complete.get(conversation) ?? 0;
    const log = this.#auditor.logs.get(`${this.#tenant}.${conversation}`) ?? [];
    const stored = currentLog(log.slice(0, complete));
    return [...wanted].flatMap((sequence) => stored[sequence - 1] ?? []);
  }

  #later(): void {
    this.#clock.after(this.#random.next() * 2 * this.pauseMs, () => {
      if (!this.isStopped) this.#read();
      this.#later();
    });
  }

  #read(): void {
    for (const audited of this.#auditor.shards.values()) {
      const dice = this.#random.next();
      if (dice < 0.3) continue;
      const { sequences } = audited;
      // Most of the time everything, sometimes only a part.
      const at = dice < 0.8 ? sequences.length - 1 : Math.floor(this.#random.next() * sequences.length);
      const sequence = Math.max(audited.historySequence, sequences[at] ?? 0);
      this.#auditor.historyStored(audited.name, sequence);
      const isTold = this.#random.next() < 0.7;
      if (isTold) this.#memory.watermarks.set(audited.name, sequence);
      if (sequence === audited.lastSequence) this.#complete.set(audited.name, sequence);
    }
    this.#noteConversations();
  }

  /** A conversation is complete as far as its shard is read to the end. */
  #noteConversations(): void {
    for (const [key, log] of this.#auditor.logs) {
      const conversation = key.slice(this.#tenant.length + 1);
      const shard = this.#auditor.shardOf(this.#tenant, conversation);
      if (this.#complete.get(shard.name) === shard.lastSequence) this.#complete.set(conversation, log.length);
    }
  }
}
