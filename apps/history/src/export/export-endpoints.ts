// Answers `hst.export`: one history process of the queue group takes the export, names a subject of its own, and hands out the
// document there chunk by chunk as it is asked for. Bounded in number, time and bytes; whoever asks no more has gone.
import { randomBytes } from 'node:crypto';
import type { ClickHouse } from '@parley/adapters';
import type { Metrics } from '@parley/platform';
import { errorBody, internal, subjects } from '@parley/protocol';
import type { Messenger, Respond, Subscription } from '@parley/runtime';
import type { Log } from '../log.ts';
import { failureOf } from '../reading/failure.ts';
import { historyQueue } from '../reading/question-server.ts';
import { type ExportOrder, exportOrderOf } from './export-request.ts';
import { exportSettings, exportSql } from './export-sql.ts';
import { type ExportLimits, RunningExport } from './running-export.ts';
import { untilComplete } from './store-completeness.ts';

export interface ExportSettings extends ExportLimits {
  /** Exports at a time; one more is BUSY. The store has a connection for each. */
  readonly exportsMax: number;
  /** From the question to the last byte; then it is broken off as TIMEOUT. */
  readonly deadlineMs: number;
  /** Longest wait for what was sent before the question to be in the store; then HISTORY_BEHIND. */
  readonly completeWaitMs: number;
  /** What BUSY suggests to wait. */
  readonly busyRetryMs: number;
}

export const exportDefaults = { chunkBytes: 256 * 1024, completeWaitMs: 5_000, busyRetryMs: 10_000 } as const;

export interface ExportParts {
  readonly messenger: Messenger;
  readonly clickHouse: ClickHouse;
  readonly completeThroughMs: () => Promise<number>;
  readonly log: Log;
  readonly metrics?: Metrics['history'];
  readonly settings: ExportSettings;
}

interface Export {
  readonly abort: AbortController;
  stop(outcome: Outcome): void;
}

type Outcome = 'whole' | 'cancelled' | 'idle' | 'failed' | 'stopping';

export class ExportEndpoints {
  readonly #parts: ExportParts;
  readonly #running = new Set<Export>();
  #taken = 0;
  #whenNone: (() => void) | undefined;
  #subscription: Subscription | undefined;

  constructor(parts: ExportParts) {
    this.#parts = parts;
  }

  start(): void {
    const { messenger, settings } = this.#parts;
    const onRequest = (bytes: Uint8Array, respond: Respond) => {
      if (this.#taken >= settings.exportsMax) {
        const error = {
          ...errorBody('BUSY', 'Too many exports are under way.'),
          retryAfterMs: settings.busyRetryMs,
        };
        return respond(internal.ExportAnswer.encode({ error }).finish());
      }
      this.#taken += 1;
      void this.#begin(Uint8Array.from(bytes), respond);
    };
    this.#subscription = messenger.subscribe(subjects.history('export'), onRequest, historyQueue);
  }

  /** Breaks off what is under way: an export may take longer than a process may take to end. */
  async stop(): Promise<void> {
    this.#subscription?.stop();
    for (const one of this.#running) one.stop('stopping');
    if (this.#taken > 0) await new Promise<void>((resolve) => (this.#whenNone = resolve));
  }

  async #begin(bytes: Uint8Array, respond: Respond): Promise<void> {
    const startedMs = performance.now();
    const { log, metrics } = this.#parts;
    try {
      const order = exportOrderOf(bytes);
      await untilComplete(order, { ...this.#parts, waitMs: this.#parts.settings.completeWaitMs });
      const subject = subjects.export(randomBytes(16).toString('hex'));
      this.#serve(subject, order);
      respond(internal.ExportAnswer.encode({ subject }).finish());
    } catch (error) {
      const { code, message } = failureOf('export', error, log);
      respond(internal.ExportAnswer.encode({ error: errorBody(code, message) }).finish());
      this.#release('failed');
    } finally {
      metrics?.querySeconds.labels('export').observe((performance.now() - startedMs) / 1000);
    }
  }

  #serve(subject: string, order: ExportOrder): void {
    const { messenger, clickHouse, settings } = this.#parts;
    const abort = new AbortController();
    const document = clickHouse.stream(exportSql(order.scope, order.format), order.format, {
      timeoutMs: settings.deadlineMs,
      signal: abort.signal,
      settings: exportSettings,
    });
    const running = new RunningExport(document, settings, () => one.stop('idle'));
    const deadline = setTimeout(() => one.stop('failed'), settings.deadlineMs);
    const one: Export = {
      abort,
      stop: (outcome) => {
        if (!this.#running.delete(one)) return;
        clearTimeout(deadline);
        subscription.stop();
        abort.abort();
        void running.stop().finally(() => this.#release(outcome));
      },
    };
    this.#running.add(one);
    const subscription = messenger.subscribe(subject, (bytes, respond) => {
      const { number, cancelled } = internal.ExportChunkRequest.decode(bytes);
      if (cancelled) one.stop(running.isWhole ? 'whole' : 'cancelled');
      else void this.#chunk(one, running, { number, respond });
    });
  }

  async #chunk(
    one: Export,
    running: RunningExport,
    { number, respond }: { number: number; respond: Respond },
  ): Promise<void> {
    try {
      const { bytes, isLast } = await running.chunk(number);
      this.#parts.metrics?.exportBytes.inc(bytes.length);
      respond(internal.ExportChunkAnswer.encode({ bytes, last: isLast }).finish());
    } catch (error) {
      const { code, message } = one.abort.signal.aborted
        ? { code: 'TIMEOUT' as const, message: 'the export was broken off' }
        : failureOf('export', error, this.#parts.log);
      respond(internal.ExportChunkAnswer.encode({ error: errorBody(code, message) }).finish());
      one.stop('failed');
    }
  }

  #release(outcome: Outcome): void {
    this.#parts.metrics?.exports.labels(outcome).inc();
    this.#taken -= 1;
    if (this.#taken === 0) this.#whenNone?.();
  }
}
