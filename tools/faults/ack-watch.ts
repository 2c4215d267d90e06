// How long nobody got anything acknowledged, and which sends took long, with what was wrong at the time.
import type { Injector, Trouble } from './injector.ts';

/** Shorter silences are not kept. */
const silenceMinMs = 200;
/** Sends answered within this are not kept one by one. */
const slowSendMinMs = 500;
const slowestToldMax = 5;

export interface AckTimes {
  /** While the cluster was supposed to serve: a single NATS server that is down is taken out. */
  readonly longestNoAckMs: number;
  readonly longestNoAckMsByCause: Readonly<Record<string, number>>;
  readonly slowestSendMsByCause: Readonly<Record<string, number>>;
}

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface SlowSend extends Span {
  readonly what: string;
}

export class AckWatch {
  readonly #silences: Span[] = [];
  readonly #slow: SlowSend[] = [];
  #lastMs: number | undefined;

  /** From now on people are sending. */
  begin(): void {
    this.#lastMs = performance.now();
  }

  /** `what` names the send, for those who look for a reason. */
  acked(sentMs: number, what: string): void {
    const nowMs = performance.now();
    this.#note(nowMs);
    if (nowMs - sentMs >= slowSendMinMs) this.#slow.push({ fromMs: sentMs, toMs: nowMs, what });
  }

  get slowest(): readonly SlowSend[] {
    return this.#slow.toSorted((a, b) => lengthOf(b) - lengthOf(a)).slice(0, slowestToldMax);
  }

  /** Nobody begins a send any more. */
  end(): void {
    if (this.#lastMs !== undefined) this.#note(performance.now());
    this.#lastMs = undefined;
  }

  times(injector: Injector, hasOneNats: boolean): AckTimes {
    const down = hasOneNats ? injector.troubles.filter((one) => one.kind === 'nats') : [];
    const served = this.#silences.map((one) => lengthOf(one) - overlapOf(one, down));
    return {
      longestNoAckMs: Math.round(Math.max(0, ...served)),
      longestNoAckMsByCause: longestBy(this.#silences, injector),
      slowestSendMsByCause: longestBy(this.#slow, injector),
    };
  }

  #note(nowMs: number): void {
    if (this.#lastMs === undefined) return;
    if (nowMs - this.#lastMs >= silenceMinMs) this.#silences.push({ fromMs: this.#lastMs, toMs: nowMs });
    this.#lastMs = nowMs;
  }
}

const lengthOf = (span: Span): number => span.toMs - span.fromMs;

function overlapOf(span: Span, troubles: readonly Trouble[]): number {
  return troubles.reduce(
    (sum, one) => sum + Math.max(0, Math.min(span.toMs, one.toMs) - Math.max(span.fromMs, one.fromMs)),
    0,
  );
}

/** What lasts past a fault may still come of it. */
const afterEffectMs = 2_000;

function longestBy(spans: readonly Span[], injector: Injector): Record<string, number> {
  const longest: Record<string, number> = {};
  for (const span of spans) {
    const kinds = injector.troublesBetween(span.fromMs - afterEffectMs, span.toMs);
    const cause = kinds.length > 1 ? 'several' : (kinds[0] ?? 'none');
    longest[cause] = Math.round(Math.max(longest[cause] ?? 0, lengthOf(span)));
  }
  return Object.fromEntries(Object.entries(longest).toSorted(([, a], [, b]) => b - a));
}
