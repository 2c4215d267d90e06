// A whole socket gateway with doubles around it, for its specs: the cluster in memory, and one scripted owner that answers
// for every shard. Real sockets on a free port; time moves by hand.
import {
  type ClientTransport,
  MemoryCluster,
  MemoryMessageTail,
  MemoryPresenceRegistry,
  WsClientTransport,
} from '@parley/adapters';
import {
  type ErrorName,
  buckets,
  errorBody,
  internal,
  type parley,
  placementRules,
  subjects,
  wire,
} from '@parley/protocol';
import {
  type ClientBatch,
  type IntakeRecord,
  type OutboundBatch,
  Placement,
  type Signal,
  decodeIntake,
  decodeSignals,
  decodeSubscriber,
  encodeOutbound,
  encodeOwnerBeat,
} from '@parley/runtime';
import { createMetrics, silentLogger } from '@parley/platform';
import { type Clock, type Result, err, ok, seededRandom, systemClock } from '@parley/std';
import type { TokenVerifier, VerifiedToken } from '../auth/token-verifier.ts';
import { type SocketLimits, socketLimits } from '../connection/socket-limits.ts';
import { MessengerEntityQuery } from '../query/entity-query.ts';
import { DeletionTimes } from '../sync/deletion-times.ts';
import { SocketGateway } from './socket-gateway.ts';

/** Time that stands still until it is moved; timers fire when it passes them. */
export class HandClock implements Clock {
  #nowMs = 1_790_000_000_000;
  readonly #timers = new Set<{ atMs: number; task: () => void }>();

  nowMs = (): number => this.#nowMs;
  monotonicMs = (): number => this.#nowMs;

  after(delayMs: number, task: () => void) {
    const timer = { atMs: this.#nowMs + delayMs, task };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.task();
    }
    this.#nowMs = untilMs;
  }
}

/** Tokens are `<tenant>/<user>`, with a dot for the slash where a header needs it; `expired/…` has expired. */
export const verifierDouble = (clock: Clock): TokenVerifier => ({
  verify(token): Promise<Result<VerifiedToken, ErrorName>> {
    const [tenant, user, lifeMs] = token.split(/[/.]/);
    if (tenant === 'expired') return Promise.resolve(err('TOKEN_EXPIRED'));
    if (tenant === undefined || user === undefined) return Promise.resolve(err('UNAUTHENTICATED'));
    const issuedAtMs = clock.nowMs();
    const expiresAtMs = issuedAtMs + Number(lifeMs ?? 3_600_000);
    return Promise.resolve(ok({ tenant, user, expiresAtMs, issuedAtMs }));
  },
});

type ServerFrame = parley.v1.ServerFrame.$Properties;
type Query = parley.internal.v1.Query;
type QueryAnswer = parley.internal.v1.QueryAnswer.$Properties;

/** Plays the owner of every shard: remembers what came, answers what it is told to. */
export class OwnerDouble {
  readonly records: (IntakeRecord & { shard: string })[] = [];
  readonly batches: ClientBatch[] = [];
  readonly signals: Signal[] = [];
  /** Without the questions for what users have deleted: `views` answers those. */
  readonly queries: Query[] = [];
  views: parley.internal.v1.OwnView.$Properties[] = [];
  epoch = 1;
  /** Answers to hellos; undefined: no answer. */
  welcome: ServerFrame | undefined = { welcome: { inboxPosition: 0 } };
  onCommand: (record: IntakeRecord) => ServerFrame | undefined = () => ({ done: {} });
  onQuery: (query: Query) => QueryAnswer | undefined = (query) =>
    query.body === 'account' ? { account: { exists: true } } : { error: errorBody('CONVERSATION_NOT_FOUND') };
  readonly #node: ReturnType<MemoryCluster['node']>;
  readonly #shards: readonly { kind: 'user' | 'group'; index: number }[];
  #gatewayId = '';
  #isStopped = false;

  constructor(cluster: MemoryCluster, shards: readonly { kind: 'user' | 'group'; index: number }[]) {
    this.#node = cluster.node('owner');
    this.#shards = shards;
    for (const shard of shards) {
      void this.#intake(shard);
      this.#node.messenger.subscribe(subjects.signal(shard.kind, shard.index), (bytes) => {
        this.signals.push(...decodeSignals(bytes.slice()));
      });
      this.#node.messenger.subscribe(subjects.query(shard.kind, shard.index), (bytes, respond) => {
        const query = internal.Query.decode(bytes);
        if (query.body !== 'views') this.queries.push(query);
        const answer = query.body === 'views' ? { views: { views: this.views } } : this.onQuery(query);
        if (answer !== undefined) respond(internal.QueryAnswer.encode(answer).finish());
      });
    }
  }

  get messenger() {
    return this.#node.messenger;
  }

  attachOf(user: string) {
    const record = this.records.findLast((each) => each.kind === 'attach' && each.id === user);
    return record === undefined ? undefined : { record, ...decodeSubscriber(record.payload) };
  }

  /** A numbered push, as the user entity sends it. */
  pushEntry(user: string, position: number, entry: parley.v1.Entry.$Properties): void {
    const attached = this.attachOf(user);
    if (attached === undefined) throw new Error(`${user} is not attached`);
    const payload = wire.Entry.encode(entry).finish();
    this.#send(attached.record.shard, [
      { kind: 'push', payload, targets: [{ connection: attached.connection, position }] },
    ]);
  }

  pushFrame(user: string, frame: ServerFrame): void {
    const attached = this.attachOf(user);
    if (attached === undefined) throw new Error(`${user} is not attached`);
    const payload = wire.ServerFrame.encode(frame).finish();
    this.#send(attached.record.shard, [
      { kind: 'push', payload, targets: [{ connection: attached.connection, position: 0 }] },
    ]);
  }

  beat(shard: string): void {
    const [kind, index] = shard.split('.');
    const beat = encodeOwnerBeat({ shard, epoch: this.epoch, nodeId: 'owner' });
    this.#node.messenger.publish(subjects.ownerBeat(kind!, Number(index)), beat);
  }

  /** Says that it owns all shards of a kind. */
  beatAll(kind: 'user' | 'group'): void {
    for (const each of this.#shards) if (each.kind === kind) this.beat(`${kind}.${each.index}`);
  }

  publishLive(tenant: string, conversation: string, live: parley.v1.Live.$Properties): void {
    this.#node.messenger.publish(subjects.live(tenant, conversation), wire.Live.encode(live).finish());
  }

  reply(record: IntakeRecord & { shard: string }, frame: ServerFrame): void {
    this.#send(record.shard, [
      { kind: 'reply', requestId: record.requestId, payload: wire.ServerFrame.encode(frame).finish() },
    ]);
  }

  stop(): void {
    this.#isStopped = true;
    this.#node.disconnect();
  }

  async #intake(shard: { kind: string; index: number }): Promise<void> {
    const reader = this.#node.commandLog.read(shard, 0);
    while (!this.#isStopped) {
      for (const { bytes } of await reader.take(100)) {
        const batch = decodeIntake(bytes.slice());
        if (batch.kind !== 'client') continue;
        this.#gatewayId = batch.gatewayId;
        this.batches.push(batch);
        for (const record of batch.records)
          this.#handle({ ...record, shard: `${shard.kind}.${shard.index}` });
      }
    }
  }

  #handle(record: IntakeRecord & { shard: string }): void {
    this.records.push(record);
    if (record.kind === 'detach') return;
    const frame = record.kind === 'attach' ? this.welcome : this.onCommand(record);
    if (frame !== undefined && record.requestId !== 0) this.reply(record, frame);
  }

  #send(shard: string, items: OutboundBatch['items']): void {
    this.#node.messenger.publish(
      subjects.gateway(this.#gatewayId),
      encodeOutbound({ shard, epoch: this.epoch, items }),
    );
  }
}

export interface GatewayDouble {
  readonly gateway: SocketGateway;
  readonly owner: OwnerDouble;
  readonly cluster: MemoryCluster;
  readonly clock: HandClock;
  readonly tail: MemoryMessageTail;
  readonly presence: MemoryPresenceRegistry;
  readonly port: number;
  stop(): Promise<void>;
}

export interface GatewayDoubleOptions {
  readonly limits?: Partial<SocketLimits>;
  readonly transport?: ClientTransport;
}

export async function startGatewayDouble({
  limits,
  transport = new WsClientTransport(),
}: GatewayDoubleOptions = {}): Promise<GatewayDouble> {
  const clock = new HandClock();
  // The cluster runs in real time: its messages must arrive while the gateway's clock stands still.
  const cluster = new MemoryCluster({ clock: systemClock });
  const shardCounts = { user: 2, group: 2 };
  const shards = (['user', 'group'] as const).flatMap((kind) => [0, 1].map((index) => ({ kind, index })));
  const owner = new OwnerDouble(cluster, shards);
  const node = cluster.node('gateway');
  const placement = new Placement(placementRules, shardCounts);
  const tail = new MemoryMessageTail(clock);
  const presence = new MemoryPresenceRegistry(clock);
  const random = seededRandom(1);
  const deletions = await DeletionTimes.follow(await node.keyValues.bucket(buckets.deletions));
  const gateway = new SocketGateway({
    gatewayId: 'gw-1',
    transport,
    messenger: node.messenger,
    commandLog: node.commandLog,
    placement,
    queries: new MessengerEntityQuery({ messenger: node.messenger, placement, clock: systemClock, random }),
    tail,
    presence,
    verifier: verifierDouble(clock),
    clock,
    random,
    deletions,
    limits: { ...socketLimits, ...limits },
    log: silentLogger(),
    metrics: createMetrics('gateway').gateway,
    path: '/*',
  });
  await gateway.start();
  const { port } = await transport.listen({ host: '127.0.0.1', port: 0 });
  return {
    gateway,
    owner,
    cluster,
    clock,
    tail,
    presence,
    port,
    async stop() {
      await gateway.stop();
      deletions.stop();
      owner.stop();
    },
  };
}
