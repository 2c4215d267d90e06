// The figures of a run, in the order they are promised.
import { percentile } from '../percentile.ts';
import type { AckWatch } from './ack-watch.ts';
import type { Verdict } from './checks.ts';
import type { Injector } from './injector.ts';
import type { OwnerWatch, Takeover } from './owner-watch.ts';
import type { People } from './people.ts';
import type { Truth } from './truth.ts';

export interface Outcome {
  readonly verdict: Verdict;
  readonly owners: OwnerWatch;
  readonly acks: AckWatch;
  readonly injector: Injector;
  readonly all: People;
  /** The longest this program itself was held up: part of every time measured. */
  readonly stallMs: number;
}

export function figuresOf(
  { verdict, owners, acks, injector, all, stallMs }: Outcome,
  facts: { readonly seconds: number; readonly natsServers: number; readonly truth: Truth },
) {
  const { counts } = injector;
  const { ledger } = all;
  const times = acks.times(injector, facts.natsServers === 1);
  const kills = timesOf(owners.takeovers, 'kill');
  return {
    seconds: facts.seconds,
    kills: counts.kill,
    pauses: counts.pause,
    nats_kills: counts.nats,
    partitions: counts.cut,
    sent: ledger.sent,
    acked: ledger.acked,
    ...verdict.counts,
    takeover_ms_p50: percentile(kills, 0.5),
    takeover_ms_max: percentile(kills, 1),
    longest_no_ack_ms: times.longestNoAckMs,
    redis_faults: counts.redis,
    history_faults: counts.history,
    drains: counts.drain,
    added: counts.add,
    rolls: counts.roll,
    skipped: injector.skipped,
    unanswered: ledger.sent - ledger.acked,
    refused: ledger.refused.length,
    repeated: ledger.repeated,
    changed: ledger.changes.length,
    shown: ledger.shown,
    connections: ledger.connections,
    commits: facts.truth.commits,
    takeover_ms_max_nats_up: percentile(timesOf(owners.takeovers.filter(whileNatsIsUp(injector)), 'kill'), 1),
    takeovers_unfinished: owners.takeovers.filter((one) => one.toMs === undefined).length,
    takeovers: Object.fromEntries(
      (['kill', 'pause', 'cut', 'drain'] as const).map((cause) => {
        const ms = timesOf(owners.takeovers, cause);
        return [cause, { count: ms.length, p50: percentile(ms, 0.5), max: percentile(ms, 1) }];
      }),
    ),
    longest_no_ack_ms_by_cause: times.longestNoAckMsByCause,
    slowest_send_ms_by_cause: times.slowestSendMsByCause,
    tool_stall_ms_max: Math.round(stallMs),
  };
}

/** While the log is away, or elects, nobody can be replaced. The figures above contain these too. */
const electionMs = 10_000;

const whileNatsIsUp =
  (injector: Injector) =>
  ({ fromMs, toMs }: Takeover): boolean =>
    !injector.troublesBetween(fromMs - electionMs, toMs ?? Infinity).includes('nats');

const timesOf = (takeovers: readonly Takeover[], cause: Takeover['cause']): number[] =>
  takeovers.flatMap((one) =>
    one.cause === cause && one.toMs !== undefined ? [Math.round(one.toMs - one.fromMs)] : [],
  );
