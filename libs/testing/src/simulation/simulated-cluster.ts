// All actor processes of a run: ShardNodes of both kinds on memory twins, each with a clock of its own. They can be started,
// stopped, killed, hung and cut off; a restarted process has a new name.
import { MemoryCluster, type MemoryFaults, type MemoryNode } from '@parley/adapters';
import {
  createDirectEntityType,
  createGroupEntityType,
  createUserEntityType,
} from '@parley/hosting/entities';
import { groupLimits } from '@parley/domain';
import {
  buckets,
  decodeQueryAddress,
  encodeUserCommand,
  placementRules,
  queryAnswer,
  subjects,
} from '@parley/protocol';
import { type EntityType, type Log, Placement, type ShardId, ShardNode } from '@parley/runtime';
import type { Clock } from '@parley/std';
import { ProcessClock } from './process-clock.ts';
import type { SimulationSettings } from './settings.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import type { Trace } from './trace.ts';

export type Kind = 'user' | 'group';

export interface ActorProcess {
  readonly id: string;
  readonly kind: Kind;
  readonly clock: ProcessClock;
  readonly link: MemoryNode;
  readonly node: ShardNode;
  /** Something is being done to it that ends by itself; nothing else is done to it meanwhile. */
  isInTrouble: boolean;
  isStopping: boolean;
}

/** Error lines that say what no weather explains. */
const alarms = [
  'gap on a lane',
  'has lost effects',
  'an entity cannot be read',
  'a decision threw',
  'a query threw',
  'unreadable',
  'lost acknowledged',
  'broke down',
  'broke the shard',
  'could not be attached',
  'cannot be read',
];

export class SimulatedCluster {
  readonly memory: MemoryCluster;
  readonly placement: Placement;
  readonly shards: readonly ShardId[];
  readonly types: readonly EntityType[];
  readonly processes = new Map<string, ActorProcess>();
  readonly #settings: SimulationSettings;
  readonly #clock: SimulatedClock;
  readonly #trace: Trace;
  #incarnations = 0;

  constructor(
    settings: SimulationSettings,
    clock: SimulatedClock,
    trace: Trace,
    environment: { readonly faults: MemoryFaults; readonly expiryClock: Clock },
  ) {
    this.#settings = settings;
    this.#clock = clock;
    this.#trace = trace;
    this.memory = new MemoryCluster({
      clock,
      replicas: settings.replicas,
      journalParts: 2,
      commandParts: 2,
      ...environment,
    });
    this.placement = new Placement(placementRules, settings.shards);
    this.shards = (['user', 'group'] as const).flatMap((kind) =>
      Array.from({ length: settings.shards[kind] }, (_, index) => ({ kind, index })),
    );
    this.types = [
      createUserEntityType(settings.userLimits),
      createDirectEntityType(settings.conversationLimits),
      createGroupEntityType({ ...groupLimits, conversation: settings.conversationLimits }),
    ];
  }

  running(kind?: Kind): ActorProcess[] {
    return [...this.processes.values()].filter((process) => kind === undefined || process.kind === kind);
  }

  start(kind: Kind): ActorProcess {
    const id = `${kind}${++this.#incarnations}`;
    const clock = new ProcessClock(this.#clock);
    const link = this.memory.node(id, clock);
    this.#trace.note(id, 'starts');
    const process: ActorProcess = {
      id,
      kind,
      clock,
      link,
      node: new ShardNode({
        nodeId: id,
        kind,
        members: link.keyValues.open(buckets.members),
        owners: link.keyValues.open(buckets.owners),
        ports: {
          journal: link.journal,
          commandLog: link.commandLog,
          snapshots: link.snapshots(buckets.snapshots(kind)),
          checkpoints: link.keyValues.open(buckets.checkpoints),
          messenger: link.messenger,
          trimGuard: link.trimGuard,
        },
        types: this.types.filter((type) => placementRules[type.name as 'user'].kind === kind),
        ...(kind === 'group' && { foreignCommands: { user: encodeUserCommand } }),
        placement: this.placement,
        subjects,
        clock,
        limits: this.#settings.limits,
        log: this.#log(id),
        queryAddress: decodeQueryAddress,
        queryRefusal: (code) => queryAnswer.error(code),
      }),
      isInTrouble: false,
      isStopping: false,
    };
    this.processes.set(id, process);
    process.node.start().catch((cause: unknown) => this.#trace.violate('start', `${id}: ${String(cause)}`));
    return process;
  }

  crash(process: ActorProcess, sentArrives: boolean): void {
    if (!this.processes.delete(process.id)) return;
    this.#trace.note(process.id, `crashes${sentArrives ? ', what it sent arrives' : ''}`);
    process.clock.kill();
    process.link.disconnect({ sentArrives });
    process.node.kill();
  }

  /** Clean stop, as an upgrade or a drain does it. */
  stop(process: ActorProcess): void {
    process.isStopping = true;
    this.#trace.note(process.id, 'is told to stop');
    void process.node.stop().then(() => {
      this.#trace.note(process.id, 'has stopped');
      this.processes.delete(process.id);
      process.clock.kill();
      process.link.disconnect({ sentArrives: true });
    });
  }

  /** How many processes believe they serve each shard. */
  servers(): Map<string, number> {
    const servers = new Map<string, number>();
    for (const { node } of this.processes.values())
      for (const shard of node.serving) servers.set(shard.name, (servers.get(shard.name) ?? 0) + 1);
    return servers;
  }

  isServed(): boolean {
    const servers = this.servers();
    return servers.size === this.shards.length && [...servers.values()].every((count) => count === 1);
  }

  #log(id: string): Log {
    const write = (level: string, fields: object, message: string): void => {
      const text = `${message} ${JSON.stringify(fields, plain)}`;
      this.#trace.note(id, `${level}: ${text}`);
      const isAlarm = alarms.some((alarm) => message.includes(alarm)) || text.includes('BrokenJournal');
      if (isAlarm) this.#trace.violate('alarm', `${id}: ${text}`);
    };
    return {
      info: (fields, message) => write('info', fields, message),
      warn: (fields, message) => write('warn', fields, message),
      error: (fields, message) => write('error', fields, message),
    };
  }
}

const plain = (_key: string, value: unknown): unknown => (value instanceof Error ? value.stack : value);
