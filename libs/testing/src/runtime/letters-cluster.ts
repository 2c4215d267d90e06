// A cluster of memory twins that hosts the toy entity under a simulated clock: nodes that can be started, stopped, killed
// and cut off, and a client that repeats what is not answered, as gateways and their clients do.
import { MemoryCluster, type MemoryFaults, type MemoryNode } from '@parley/adapters';
import { buckets, placementRules, subjects } from '@parley/protocol';
import {
  askOwner,
  type IntakeRecord,
  Placement,
  type RuntimeLimits,
  ShardNode,
  decodeOutbound,
  decodeOwnerBeat,
  defaultLimits,
  encodeClientBatch,
  encodeSubscriber,
  shardName,
} from '@parley/runtime';
import { silentLog } from '@parley/runtime';
import { SimulatedClock } from '../simulation/simulated-clock.ts';
import {
  type LettersCommand,
  type LettersState,
  decodeJson,
  encodeJson,
  lettersQuery,
  lettersQueryAddress,
  lettersType,
} from './letters.entity-type.ts';

export const tenant = 'test';

export interface RunningNode {
  readonly shards: ShardNode;
  readonly link: MemoryNode;
}

export class LettersCluster {
  readonly clock = new SimulatedClock();
  readonly memory: MemoryCluster;
  readonly placement: Placement;
  readonly limits: RuntimeLimits;
  readonly nodes = new Map<string, RunningNode>();
  #incarnations = 0;

  constructor(options: { faults?: MemoryFaults; shards?: number; limits?: Partial<RuntimeLimits> } = {}) {
    this.memory = new MemoryCluster({ clock: this.clock, ...(options.faults && { faults: options.faults }) });
    this.placement = new Placement(placementRules, { user: options.shards ?? 4, group: 1 });
    this.limits = { ...defaultLimits, ...options.limits };
  }

  /** Starts a process and waits until it has joined; its name is new each time. */
  async startNode(): Promise<RunningNode> {
    const nodeId = `n${++this.#incarnations}`;
    const link = this.memory.node(nodeId);
    const members = await this.#drive(link.keyValues.bucket(buckets.members));
    const owners = await this.#drive(link.keyValues.bucket(buckets.owners));
    const checkpoints = await this.#drive(link.keyValues.bucket(buckets.checkpoints));
    const shards = new ShardNode({
      nodeId,
      kind: 'user',
      members,
      owners,
      ports: {
        journal: link.journal,
        commandLog: link.commandLog,
        snapshots: link.snapshots(buckets.snapshots('user')),
        checkpoints,
        messenger: link.messenger,
        trimGuard: link.trimGuard,
      },
      types: [lettersType],
      placement: this.placement,
      subjects,
      clock: this.clock,
      limits: this.limits,
      log: process.env['PARLEY_TEST_LOG'] ? consoleLog(nodeId) : silentLog,
      queryAddress: lettersQueryAddress,
      queryRefusal: (code) => encodeJson({ code }),
    });
    const node = { shards, link };
    this.nodes.set(nodeId, node);
    await this.#drive(shards.start());
    return node;
  }

  /** Crash: the process is never heard of again. */
  crash(node: RunningNode): void {
    node.link.disconnect();
    node.shards.kill();
    for (const [name, running] of this.nodes) if (running === node) this.nodes.delete(name);
  }

  async stopNode(node: RunningNode): Promise<void> {
    await this.#drive(node.shards.stop());
    for (const [name, running] of this.nodes) if (running === node) this.nodes.delete(name);
  }

  /** How many nodes believe they serve each shard. */
  servers(): Map<string, number> {
    const servers = new Map<string, number>();
    for (const { shards } of this.nodes.values()) {
      for (const shard of shards.serving) servers.set(shard.name, (servers.get(shard.name) ?? 0) + 1);
    }
    return servers;
  }

  async untilServed(limitMs = 120_000): Promise<void> {
    const count = this.placement.shardCount('user');
    const isServed = () =>
      this.servers().size === count && [...this.servers().values()].every((n) => n === 1);
    await this.clock.until('all shards are served once', isServed, limitMs);
  }

  /** Runs simulated time until the promise is settled. */
  async #drive<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = promise.finally(() => (isSettled = true));
    settled.catch(() => undefined);
    await this.clock.until('a call returns', () => isSettled);
    return settled;
  }

  drive<T>(promise: Promise<T>): Promise<T> {
    return this.#drive(promise);
  }
}

/** Posts letters and repeats them until they are answered; records pushes. */
export class LettersClient {
  readonly acknowledged: { from: string; id: string; to: readonly string[] }[] = [];
  readonly pushes = new Map<string, { position: number; payload: unknown }[]>();
  readonly replies = new Map<number, unknown>();
  readonly gatewayId: string;
  readonly #cluster: LettersCluster;
  readonly #link: MemoryNode;
  /** Whose each connection is, or was. */
  readonly #connections = new Map<number, string>();
  readonly #attached = new Set<number>();
  /** Newest epoch heard of, by shard: connections are announced again when it rises. */
  readonly #epochs = new Map<string, number>();
  #requests = 0;

  constructor(cluster: LettersCluster, gatewayId = 'gw1') {
    this.#cluster = cluster;
    this.gatewayId = gatewayId;
    this.#link = cluster.memory.node(gatewayId);
    this.#link.messenger.subscribe(subjects.gateway(gatewayId), (bytes) => this.#receive(bytes));
    this.#link.messenger.subscribe(subjects.ownerBeats(), (bytes) => this.#ownerIs(decodeOwnerBeat(bytes)));
  }

  get link(): MemoryNode {
    return this.#link;
  }

  /** Sends one command record; the answer appears under the returned request id. */
  send(from: string, id: string, to: readonly string[], deadlineMs = 5_000): number {
    return this.#offer('command', from, encodeJson({ type: 'Post', id, to }), deadlineMs);
  }

  /** Posts and repeats until there is an answer. */
  async post(from: string, id: string, to: readonly string[]): Promise<void> {
    for (;;) {
      const requestId = this.send(from, id, to);
      const untilMs = this.#cluster.clock.monotonicMs() + 1_000;
      const isOver = () => this.replies.has(requestId) || this.#cluster.clock.monotonicMs() > untilMs;
      while (!isOver()) await new Promise<void>((resolve) => this.#cluster.clock.after(20, resolve));
      const reply = this.replies.get(requestId) as { id?: string } | undefined;
      if (reply?.id !== id) continue;
      this.acknowledged.push({ from, id, to });
      return;
    }
  }

  /** Sends several letters in one message, as a gateway does within one turn of its event loop. */
  sendTogether(
    letters: readonly { from: string; id: string; to: readonly string[]; text?: string }[],
  ): number[] {
    return this.sendCommands(
      letters.map(({ from, ...letter }) => ({ person: from, command: { type: 'Post', ...letter } })),
    );
  }

  /** Likewise, any commands; all for the shard of the first person. `Receive` is not deduplicated: it counts. */
  sendCommands(commands: readonly { person: string; command: LettersCommand }[]): number[] {
    const records = commands.map(({ person, command }) =>
      this.#record('command', person, encodeJson(command)),
    );
    this.#offerRecords(commands[0]!.person, records, 60_000);
    return records.map(({ requestId }) => requestId);
  }

  /** An attach record as no gateway writes it. */
  attachBadly(person: string): number {
    return this.#offer('attach', person, new Uint8Array([0xff]), 5_000);
  }

  attach(person: string, connection: number): number {
    this.#connections.set(connection, person);
    this.#attached.add(connection);
    const payload = encodeSubscriber({ connection, device: 'phone', request: new Uint8Array() });
    return this.#offer('attach', person, payload, 5_000);
  }

  detach(person: string, connection: number): void {
    this.#attached.delete(connection);
    const payload = encodeSubscriber({ connection, device: 'phone', request: new Uint8Array() });
    this.#offer('detach', person, payload, 5_000);
  }

  /** The person's state as the owner answers it, asked again while nobody serves the shard. */
  async ask(person: string): Promise<LettersState> {
    const shard = this.#cluster.placement.shardOf({ type: 'user', tenant, id: person });
    for (;;) {
      const asked = askOwner(
        this.#link.messenger,
        subjects.query('user', shard.index),
        lettersQuery(tenant, person),
        1_000,
      );
      const result = await this.#cluster.drive(asked);
      if (result.outcome === 'answered') return decodeJson(result.bytes);
      await this.#cluster.clock.advance(100);
    }
  }

  #offer(kind: IntakeRecord['kind'], person: string, payload: Uint8Array, deadlineMs: number): number {
    const record = this.#record(kind, person, payload);
    this.#offerRecords(person, [record], deadlineMs);
    return record.requestId;
  }

  #record(kind: IntakeRecord['kind'], person: string, payload: Uint8Array): IntakeRecord {
    return { kind, requestId: ++this.#requests, type: 'user', tenant, id: person, payload };
  }

  #offerRecords(person: string, records: readonly IntakeRecord[], timeoutMs: number): void {
    const shard = this.#cluster.placement.shardOf({ type: 'user', tenant, id: person });
    const deadlineMs = this.#cluster.clock.nowMs() + timeoutMs;
    this.#link.commandLog.offer(shard, encodeClientBatch({ gatewayId: this.gatewayId, deadlineMs, records }));
  }

  #ownerIs({ shard, epoch }: { shard: string; epoch: number }): void {
    const known = this.#epochs.get(shard);
    if (known !== undefined && known >= epoch) return;
    this.#epochs.set(shard, epoch);
    if (known === undefined) return;
    for (const connection of this.#attached) {
      const person = this.#connections.get(connection)!;
      const at = this.#cluster.placement.shardOf({ type: 'user', tenant, id: person });
      if (shardName(at) === shard) this.attach(person, connection);
    }
  }

  /** One try: the person's state, or undefined when nobody answered. */
  async tryAsk(person: string): Promise<LettersState | undefined> {
    const shard = this.#cluster.placement.shardOf({ type: 'user', tenant, id: person });
    const subject = subjects.query('user', shard.index);
    const result = await askOwner(this.#link.messenger, subject, lettersQuery(tenant, person), 2_000);
    const answer = result.outcome === 'answered' ? decodeJson<LettersState>(result.bytes) : undefined;
    return answer?.self === undefined ? undefined : answer;
  }

  #receive(bytes: Uint8Array): void {
    const batch = decodeOutbound(bytes);
    this.#ownerIs(batch);
    for (const item of batch.items) {
      if (item.kind === 'reply') {
        this.replies.set(item.requestId, decodeJson(item.payload));
        continue;
      }
      for (const { connection, position } of item.targets) {
        const person = this.#connections.get(connection) ?? '?';
        const list = this.pushes.get(person) ?? [];
        list.push({ position, payload: decodeJson(item.payload) });
        this.pushes.set(person, list);
      }
    }
  }
}

function consoleLog(nodeId: string) {
  const write = (level: string) => (fields: object, message: string) =>
    process.stderr.write(
      `${nodeId} ${level} ${message} ${JSON.stringify(fields, (_key, value: unknown) => (value instanceof Error ? value.stack : value))}\n`,
    );
  return { info: write('info'), warn: write('warn'), error: write('error') };
}
