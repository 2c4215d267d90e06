// What a load process is told to do, and what it tells back. Plain data: it travels between processes.
import type { PackedHistogram } from '../latency-histogram.ts';
import type { SocketAddress } from './load-socket.ts';
import type { LostExample } from './lost-example.ts';
import type { Flaws, StreamTotal } from './stream-ledger.ts';
import type { Encoding } from './web-socket-frame.ts';

export type Pacing =
  /**
   * So many messages of each stream under way. For throughput. The next goes out when one is acknowledged, or when it has
   * arrived on the sender's own device: a group acknowledges before its members' inboxes have the entries, and a load that
   * looks at acknowledgements alone would measure how fast a queue grows.
   */
  | {
      readonly kind: 'closed';
      readonly inFlight: number;
      readonly nextAfter?: 'ack' | 'arrival';
      /** Then the stream ends. */ readonly each?: number;
    }
  /** Poisson arrivals, whatever the server does; timed from the moment a message was meant to go. For latency. */
  | { readonly kind: 'open'; readonly perSecond: number; readonly seed: number }
  /** Nobody sends. */
  | { readonly kind: 'silent' };

export interface PlannedConnection {
  readonly user: string;
  /** Index into `gateways`. */
  readonly gateway: number;
  /** Indexes into `conversations` of the whole run: what must arrive here. */
  readonly conversations: readonly number[];
  /** Of the inbox: entries after it are synced on connecting. Absent: only what is new. */
  readonly fromPosition?: number;
}

export interface PlannedStream {
  /** Number in the whole run. */
  readonly stream: number;
  /** Index into `connections` of this process. */
  readonly connection: number;
  readonly conversation: number;
}

export interface LoadPlan {
  readonly encoding: Encoding;
  readonly gateways: readonly SocketAddress[];
  readonly tenant: string;
  readonly tokenKeyPem: string;
  /** Ids, for all processes alike. */
  readonly conversations: readonly string[];
  readonly connections: readonly PlannedConnection[];
  /** Those that this process sends. */
  readonly streams: readonly PlannedStream[];
  /** Of all processes. */
  readonly allStreams: readonly Omit<PlannedStream, 'connection'>[];
  readonly pacing: Pacing;
  readonly textBytes: number;
  /** Connections being opened at once. */
  readonly opensAtOnce: number;
}

export interface Window {
  /** Monotonic microseconds. */
  readonly startUs: number;
  readonly measureFromUs: number;
  readonly measureToUs: number;
}

export interface LoadCounts {
  readonly sent: number;
  readonly acked: number;
  /** Messages that arrived at connections of others than their sender's. */
  readonly delivered: number;
  /** Entries and live messages, the senders' own included. */
  readonly entries: number;
  readonly frames: number;
}

export interface ConnectReport {
  readonly connected: number;
  readonly seconds: number;
  readonly failures: Readonly<Record<string, number>>;
  /** Until the last of those with a `fromPosition` had synced; as `seconds` where nobody has. */
  readonly syncedSeconds: number;
  readonly entriesSynced: number;
  /** Newest inbox position of each user when it was welcomed. */
  readonly positions: readonly number[];
}

export interface LoadReport {
  /** In the measured window. */
  readonly window: LoadCounts;
  readonly total: LoadCounts;
  readonly ack: PackedHistogram;
  readonly receive: PackedHistogram;
  /** How late messages left: the generator's own part of every latency. Open loop only. */
  readonly lateness: PackedHistogram;
  readonly flaws: Flaws;
  readonly unanswered: number;
  readonly lostExamples: readonly LostExample[];
  readonly resent: number;
  readonly repairs: number;
  readonly pushesRepeated: number;
  readonly closed: number;
  readonly errors: Readonly<Record<string, number>>;
  /** One for each second of the measured window: what arrived, and the p99 of its way. */
  readonly seconds: readonly {
    readonly delivered: number;
    readonly acked: number;
    readonly receive: PackedHistogram;
  }[];
}

export type ToLoader =
  | { readonly do: 'connect'; readonly plan: LoadPlan }
  | { readonly do: 'send'; readonly window: Window }
  | { readonly do: 'settle'; readonly totals: readonly StreamTotal[]; readonly limitMs: number }
  | { readonly do: 'disconnect' };

export type FromLoader =
  | { readonly is: 'ready' }
  | { readonly is: 'connected'; readonly report: ConnectReport }
  | { readonly is: 'progress'; readonly counts: LoadCounts; readonly connected: number }
  | { readonly is: 'sent'; readonly totals: readonly StreamTotal[] }
  | { readonly is: 'settled'; readonly report: LoadReport }
  | { readonly is: 'disconnected' }
  | { readonly is: 'failed'; readonly why: string };
