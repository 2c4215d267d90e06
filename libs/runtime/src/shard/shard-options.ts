// What a shard is given: its place, its epoch, the ports, and the names apps choose (subjects, query addresses).
import type { Clock, EntityAddress } from '@parley/std';
import type { EntityType } from '../entity/entity-type.ts';
import type { Placement } from '../entity/placement.ts';
import type { RuntimeLimits } from '../limits.ts';
import type {
  CommandLog,
  Journal,
  KeyValue,
  Log,
  Messenger,
  ShardId,
  SnapshotStore,
  TrimGuard,
} from '../ports/index.ts';
import type { KnownEnd } from './known-end.ts';
import type { Suspects } from './suspects.ts';

export interface ShardPorts {
  readonly journal: Journal;
  readonly commandLog: CommandLog;
  readonly snapshots: SnapshotStore;
  readonly checkpoints: KeyValue;
  readonly messenger: Messenger;
  readonly trimGuard: TrimGuard;
}

/** The names of the cluster's subjects; `protocol/subjects.ts` has them. */
export interface RuntimeSubjects {
  query(kind: string, shard: number): string;
  signal(kind: string, shard: number): string;
  ownerBeat(kind: string, shard: number): string;
  gateway(gatewayId: string): string;
  node(nodeId: string): string;
}

/** What the shard tells whoever measures. Called often: implementations must be cheap. */
export interface ShardObserver {
  committed(shard: string, facts: { events: number; bytes: number; durationMs: number }): void;
  refused(shard: string, code: string): void;
  tookOver(shard: string, facts: { durationMs: number; records: number }): void;
}

export interface ShardContext {
  readonly nodeId: string;
  readonly ports: ShardPorts;
  /** The types hosted here. */
  readonly types: readonly EntityType[];
  /** How commands for types that are hosted elsewhere become bytes, by type. */
  readonly foreignCommands?: Readonly<Record<string, (command: never) => Uint8Array>>;
  readonly placement: Placement;
  readonly subjects: RuntimeSubjects;
  readonly clock: Clock;
  readonly limits: RuntimeLimits;
  readonly log: Log;
  readonly observer?: ShardObserver;
  /** Reads the address a query is for; throws on bytes that are no query. */
  queryAddress(query: Uint8Array): EntityAddress;
  /** The answer to a query that cannot be answered, for a stable error code. */
  queryRefusal(code: string): Uint8Array;
  /** Whether this process may still act as an owner. */
  isLeaseValid(): boolean;
}

/** Why a shard ended by itself. */
export type ShardEnd = 'fenced' | 'lost' | 'broken';

export interface ShardOptions extends ShardContext {
  /** Records that broke earlier incarnations of the shard. */
  readonly suspects?: Suspects;
  /** What earlier incarnations of the shard in this process had acknowledged. */
  readonly knownEnd?: KnownEnd;
  readonly shard: ShardId;
  readonly epoch: number;
  /** Called once when the shard ends without being asked to. */
  onEnded(reason: ShardEnd): void;
}
