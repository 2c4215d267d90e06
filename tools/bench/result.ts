// The one JSON line of a scenario. Names are compared over time: they are added, never renamed. Those that do not apply
// to a scenario are absent.
import type { BatchSizes } from './batch-sizes.ts';
import type { Floors } from './floors.ts';
import { sumByName } from './load/counts.ts';
import { type LostExample, lostExamplesMax } from './load/lost-example.ts';
import type { Driven } from './load-scenario.ts';
import type { UsageByName } from './process-meter.ts';
import type { ScalingPoint } from './scaling-point.ts';

export interface Result {
  readonly scenario: string;
  /** Measured, without warm-up. */
  readonly seconds: number;
  readonly sent_per_s?: number;
  readonly acked_per_s?: number;
  readonly delivered_per_s?: number;
  readonly deliveries_per_s?: number;
  readonly entries_per_s?: number;
  readonly events_per_s?: number;
  readonly connects_per_s?: number;
  readonly ack_p50_ms?: number;
  readonly ack_p95_ms?: number;
  readonly ack_p99_ms?: number;
  readonly ack_p999_ms?: number;
  readonly receive_p50_ms?: number;
  readonly receive_p95_ms?: number;
  readonly receive_p99_ms?: number;
  readonly receive_p999_ms?: number;
  /** The load generator's own lateness, part of every open-loop latency. */
  readonly late_p99_ms?: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly out_of_order: number;
  /** In the store that is searched. */
  readonly messages?: number;
  readonly rare_p50_ms?: number;
  readonly rare_p95_ms?: number;
  readonly common_p95_ms?: number;
  readonly page_p95_ms?: number;
  readonly rollup_p95_ms?: number;
  /** On disk, with the index. */
  readonly bytes_per_message?: number;
  /** Searches that found something else than a full scan. */
  readonly wrong_results?: number;
  readonly rss_per_connection_kb?: number;
  readonly actor_rss_per_connection_kb?: number;
  readonly messages_per_s?: number;
  /** How far history was behind at most. */
  readonly lag_ms_max?: number;
  /** Rows that the journals have and the store has not, or not the same. */
  readonly missing?: number;
  readonly floors?: Partial<Floors>;
  readonly cpu_s_per_1000?: Readonly<Record<string, number>>;
  readonly written_bytes_per_1000?: Readonly<Record<string, number>>;
  readonly cpu_s?: Readonly<Record<string, number>>;
  readonly rss_mb?: Readonly<Record<string, number>>;
  /** Share of one core that a process's main thread was busy: near 1 it is the wall, however many cores are idle. */
  readonly main_thread_busy?: Readonly<Record<string, number>>;
  /** Cores of the machine that were busy, with whatever. */
  readonly cores_busy?: number;
  readonly batches?: BatchSizes & { readonly entries_per_frame?: number };
  readonly durability?: string;
  readonly versions?: Readonly<Record<string, string>>;
  readonly machine?: Readonly<Record<string, string | number>>;
  readonly commit?: string;
  readonly measured_at?: string;
  readonly settings?: Readonly<Record<string, string | number>>;
  readonly repairs?: number;
  readonly pushes_repeated?: number;
  readonly resent?: number;
  readonly unanswered?: number;
  /** Some of what is lost; absent when nothing is. */
  readonly lost_examples?: readonly LostExample[];
  readonly errors?: Readonly<Record<string, number>>;
  /** By the number of processes; only `scaling` has it. */
  readonly scaling?: Readonly<Record<string, ScalingPoint>>;
  /** What only this scenario has. */
  readonly details?: Readonly<Record<string, number>>;
  /** One value a second of the measured time, for plots and for "flat". */
  readonly series?: Readonly<Record<string, readonly (number | null)[]>>;
  readonly targets?: readonly Target[];
}

/** A figure by which scenarios are compared, and which way is better. */
export interface Figure {
  readonly name:
    | 'delivered_per_s'
    | 'deliveries_per_s'
    | 'entries_per_s'
    | 'events_per_s'
    | 'messages_per_s'
    | 'ack_p50_ms'
    | 'receive_p99_ms'
    | 'rss_per_connection_kb';
  readonly isLowerBetter?: boolean;
}

export interface Target {
  readonly what: string;
  readonly wanted: string;
  readonly got: string;
  /** undefined: the run says nothing about it, for want of floors or of another run. */
  readonly isMet: boolean | undefined;
  /** Against the target: 1 just meets it, 2 is twice as good, whichever way the figure counts. */
  readonly reached?: number;
  /** What to aim at once the target is met; missing it is no failure. */
  readonly isAim?: boolean;
  /** The figure that would just meet it, in the figure's own unit. */
  readonly goal?: number;
}

export const isRight = (
  result: Pick<Result, 'lost' | 'duplicated' | 'out_of_order' | 'wrong_results'>,
): boolean =>
  result.lost === 0 &&
  result.duplicated === 0 &&
  result.out_of_order === 0 &&
  (result.wrong_results ?? 0) === 0;

export const round = (value: number, digits = 0): number => Number(value.toFixed(digits));

/** What every load scenario tells; scenarios add their own. */
export function loadResult(
  scenario: string,
  seconds: number,
  { report, usage, batches, coresBusy, seconds: meteredSeconds, looks }: Driven | Omit<Driven, 'connects'>,
): Result {
  const { window, flaws, ack, receive, lateness } = report;
  const perSecond = (count: number): number => round(count / seconds);
  const late = lateness.percentileMs(0.99);
  return {
    scenario,
    seconds,
    sent_per_s: perSecond(window.sent),
    acked_per_s: perSecond(window.acked),
    delivered_per_s: perSecond(window.delivered),
    ...percentiles('ack', ack),
    ...percentiles('receive', receive),
    ...(late === undefined ? {} : { late_p99_ms: late }),
    // What was never acknowledged, though nothing was broken, is lost as well.
    lost: flaws.lost + report.unanswered,
    duplicated: flaws.duplicated,
    out_of_order: flaws.outOfOrder,
    ...per1000(usage, window.acked),
    main_thread_busy: Object.fromEntries(
      Object.entries(usage).map(([name, one]) => [name, round(one.mainThreadSeconds / meteredSeconds, 3)]),
    ),
    cores_busy: round(coresBusy, 2),
    batches: {
      ...batches,
      ...(report.total.frames === 0
        ? {}
        : { entries_per_frame: round(report.total.entries / report.total.frames, 2) }),
    },
    repairs: report.repairs,
    pushes_repeated: report.pushesRepeated,
    resent: report.resent,
    unanswered: report.unanswered,
    ...(report.lostExamples.length === 0 ? {} : { lost_examples: report.lostExamples }),
    errors: report.errors,
    series: {
      delivered: report.seconds.map((one) => one.delivered),
      acked: report.seconds.map((one) => one.acked),
      receive_p99_ms: report.seconds.map((one) => one.receiveP99Ms ?? null),
      ...looks,
    },
  };
}

/** Flaws are those of all parts of a run, figures those of the first. */
export function withFlawsOf(result: Result, others: readonly Result[]): Result {
  const all = [result, ...others];
  const sum = (
    of: 'lost' | 'duplicated' | 'out_of_order' | 'repairs' | 'pushes_repeated' | 'resent' | 'unanswered',
  ): number => all.reduce((total, one) => total + (one[of] ?? 0), 0);
  const examples = all.flatMap((one) => one.lost_examples ?? []);
  return {
    ...result,
    lost: sum('lost'),
    duplicated: sum('duplicated'),
    out_of_order: sum('out_of_order'),
    repairs: sum('repairs'),
    pushes_repeated: sum('pushes_repeated'),
    resent: sum('resent'),
    unanswered: sum('unanswered'),
    ...(examples.length === 0 ? {} : { lost_examples: examples.slice(0, lostExamplesMax) }),
    errors: sumByName(all.map((one) => one.errors ?? {})),
  };
}

export function per1000(
  usage: UsageByName,
  messages: number,
): Pick<Result, 'cpu_s_per_1000' | 'written_bytes_per_1000' | 'cpu_s' | 'rss_mb'> {
  const each = (of: (one: UsageByName[string]) => number): Record<string, number> =>
    Object.fromEntries(Object.entries(usage).map(([name, one]) => [name, of(one)]));
  const thousands = Math.max(1, messages) / 1_000;
  return {
    cpu_s_per_1000: each((one) => round(one.cpuSeconds / thousands, 4)),
    written_bytes_per_1000: each((one) => round(one.writtenBytes / thousands)),
    cpu_s: each((one) => round(one.cpuSeconds, 2)),
    rss_mb: each((one) => round(one.rssBytes / 1_048_576, 1)),
  };
}

function percentiles(
  name: 'ack' | 'receive',
  histogram: { percentileMs(share: number): number | undefined },
): Record<string, number> {
  const shares = { p50: 0.5, p95: 0.95, p99: 0.99, p999: 0.999 };
  const values = Object.entries(shares).map(([label, share]) => [
    `${name}_${label}_ms`,
    histogram.percentileMs(share),
  ]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined)) as Record<string, number>;
}
