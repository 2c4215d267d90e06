// Looks whether other processes live: their request subject answers "no responders" at once when the process is gone.
// Two misses, half an interval apart at least, while our own connection is healthy, mean dead. A process that hangs answers nothing
// and is left to its lease. Each process is looked at on its own: one that hangs does not hide the death of another.
import type { Clock } from '@parley/std';
import type { Messenger, RequestResult } from '../ports/index.ts';
import type { RuntimeSubjects } from '../shard/shard-options.ts';

export interface ProberOptions {
  readonly messenger: Messenger;
  readonly subjects: RuntimeSubjects;
  readonly clock: Clock;
  /** Time between two looks, and how long a probe waits for its answer. */
  readonly intervalMs: number;
  /** A process has just been found dead. */
  readonly onDead: (nodeId: string) => void;
  /** A process has answered for the first time, or again after it had not. */
  readonly onAnswering: (nodeId: string) => void;
}

interface Probed {
  /** The probe that is out. */
  asking: Promise<void> | undefined;
  /** Of the last probe; undefined before the first answer. */
  outcome: RequestResult['outcome'] | undefined;
  hasAnswered: boolean;
  /** Of the first miss in a row. */
  missedSinceMs: number | undefined;
  isDead: boolean;
  /** Probes in a row that got no answer at all. */
  unanswered: number;
}

/** So many probes in a row without any answer mean that a process hangs. */
const unansweredMax = 2;

const nothing = new Uint8Array();

export class Prober {
  readonly #options: ProberOptions;
  readonly #probed = new Map<string, Probed>();
  #connectedSinceMs: number | undefined;

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** Sends each of them a probe, unless one is still out; forgets everybody else. To be called every interval. */
  look(nodeIds: Iterable<string>): void {
    const { messenger, clock } = this.#options;
    this.#connectedSinceMs = messenger.isConnected
      ? (this.#connectedSinceMs ?? clock.monotonicMs())
      : undefined;
    const wanted = new Set(nodeIds);
    for (const nodeId of this.#probed.keys()) if (!wanted.has(nodeId)) this.#probed.delete(nodeId);
    for (const nodeId of wanted) {
      const probed = this.#probed.get(nodeId) ?? newlyProbed();
      this.#probed.set(nodeId, probed);
      probed.asking ??= this.#probe(nodeId, probed).finally(() => (probed.asking = undefined));
    }
  }

  /** Resolves when every probe that is out has its outcome; after an interval at the latest. */
  async settled(): Promise<void> {
    const asking = [...this.#probed.values()].flatMap((probed) => probed.asking ?? []);
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.after(this.#options.intervalMs, resolve);
      void Promise.all(asking).then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** Missed two probes in a row, and has not answered since. */
  isDead(nodeId: string): boolean {
    return this.#probed.get(nodeId)?.isDead ?? false;
  }

  /** Is there, and has not answered two probes in a row: whether it comes back, only its lease can tell. */
  isHanging(nodeId: string): boolean {
    return (this.#probed.get(nodeId)?.unanswered ?? 0) >= unansweredMax;
  }

  /** Has never answered yet. */
  isUnknown(nodeId: string): boolean {
    return !(this.#probed.get(nodeId)?.hasAnswered ?? false);
  }

  /** Nothing speaks against it: the last probe was answered, or could not be sent. */
  mayLive(nodeId: string): boolean {
    const outcome = this.#probed.get(nodeId)?.outcome;
    return outcome === undefined || outcome === 'answered' || outcome === 'disconnected';
  }

  async #probe(nodeId: string, probed: Probed): Promise<void> {
    const { messenger, subjects, intervalMs, onDead, onAnswering } = this.#options;
    const { outcome } = await messenger.request(subjects.node(nodeId), nothing, intervalMs);
    const isNews = outcome === 'answered' && probed.outcome !== 'answered';
    probed.outcome = outcome;
    if (outcome === 'answered') probed.hasAnswered = true;
    probed.unanswered = outcome === 'timeout' ? probed.unanswered + 1 : 0;
    if (outcome !== 'no-responders' || !this.#isSettled()) {
      probed.missedSinceMs = undefined;
      probed.isDead = false;
      if (isNews && this.#probed.get(nodeId) === probed) onAnswering(nodeId);
      return;
    }
    const nowMs = this.#options.clock.monotonicMs();
    probed.missedSinceMs ??= nowMs;
    // Not a whole interval: a look that comes a millisecond early would put everything off until the next one.
    if (probed.isDead || nowMs - probed.missedSinceMs < intervalMs / 2) return;
    probed.isDead = true;
    if (this.#probed.get(nodeId) === probed) onDead(nodeId);
  }

  /** Just after our own reconnect the others may still be dialling. */
  #isSettled(): boolean {
    const { messenger, clock, intervalMs } = this.#options;
    const sinceMs = this.#connectedSinceMs;
    return messenger.isConnected && sinceMs !== undefined && clock.monotonicMs() - sinceMs >= intervalMs;
  }
}

const newlyProbed = (): Probed => ({
  asking: undefined,
  hasAnswered: false,
  outcome: undefined,
  missedSinceMs: undefined,
  isDead: false,
  unanswered: 0,
});
