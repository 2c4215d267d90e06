// The storm: every now and then something happens to the cluster. What is begun here ends by itself, at the latest in `calm`.
import type { MemoryFate, MemoryOperation } from '@parley/adapters';
import { buckets } from '@parley/protocol';
import type { Random } from '@parley/std';
import { type CallFaults, allStreams } from './call-faults.ts';
import type { FaultCounts } from './fault-counts.ts';
import type { GatewayModel } from './gateway-model.ts';
import type { HistoryModel } from './history-model.ts';
import type { SimulationSettings } from './settings.ts';
import type { ActorProcess, Kind, SimulatedCluster } from './simulated-cluster.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import type { Trace } from './trace.ts';

export interface WeatherOptions {
  readonly settings: SimulationSettings;
  readonly clock: SimulatedClock;
  readonly random: Random;
  readonly cluster: SimulatedCluster;
  readonly faults: CallFaults;
  readonly counts: FaultCounts;
  readonly trace: Trace;
  readonly history: HistoryModel;
  gateways(): readonly GatewayModel[];
  /** Ends a gateway process and puts another in its place. */
  replaceGateway(gateway: GatewayModel): void;
}

/** Where it hurts to be hit. */
const tenderSpots: readonly MemoryOperation[] = [
  'journal.append',
  'journal.append',
  'journal.last',
  'journal.read',
  'journal.trim',
  'command.publish',
  'command.trim',
  'snapshot.save',
  'snapshot.save',
  'snapshot.load',
  'kv.write',
  'kv.get',
];

const processesMax = 4;

export class Weather {
  readonly #options: WeatherOptions;
  readonly #kinds: readonly (readonly [weight: number, act: () => void])[];
  #isOver = false;
  #snapshotOutage = 0;
  /** How late keys expire. */
  expiryLagMs = 0;

  constructor(options: WeatherOptions) {
    this.#options = options;
    this.#kinds = [
      [8, () => this.#crash()],
      [5, () => this.#rollingStop()],
      [4, () => this.#grow()],
      [6, () => this.#hang('pause')],
      [5, () => this.#hang('freeze')],
      [6, () => this.#cut()],
      [6, () => this.#stall('to-server')],
      [5, () => this.#stall('from-server')],
      [6, () => this.#loseLeader()],
      [8, () => this.#ambush()],
      [3, () => this.#expireEarly()],
      [2, () => this.#expireLate()],
      [3, () => this.#jumpClock()],
      [3, () => this.#slow()],
      [3, () => this.#failSnapshots()],
      [3, () => this.#lagHistory()],
      [3, () => this.#gatewayTrouble()],
    ];
  }

  start(): void {
    this.#later();
  }

  /** Everything is repaired and running. */
  calm(): void {
    this.#isOver = true;
    const { faults, cluster, history } = this.#options;
    faults.calm();
    this.expiryLagMs = 0;
    history.pauseMs = 500;
    history.isStopped = false;
    for (const process of cluster.running()) {
      process.clock.lagMs = () => 0;
      process.clock.wallOffsetMs = 0;
      this.#recover(process);
    }
    for (const gateway of this.#options.gateways()) {
      gateway.clock.wallOffsetMs = 0;
      gateway.link.reconnect();
    }
    for (const kind of ['user', 'group'] as const) this.#keepOneAlive(kind);
  }

  #later(): void {
    const { clock, random, settings } = this.#options;
    clock.after(random.next() * 2 * settings.faultEveryMs, () => {
      if (this.#isOver) return;
      this.#strike();
      this.#later();
    });
  }

  #strike(): void {
    const total = this.#kinds.reduce((sum, [weight]) => sum + weight, 0);
    let dice = this.#options.random.next() * total;
    for (const [weight, act] of this.#kinds) {
      dice -= weight;
      if (dice < 0) return act();
    }
  }

  #crash(): void {
    const victim = this.#healthy();
    if (victim === undefined) return;
    this.#options.counts.count('crash');
    this.#options.cluster.crash(victim, this.#chance(0.5));
    this.#replaceLater(victim.kind);
  }

  #rollingStop(): void {
    const victim = this.#healthy();
    if (victim === undefined) return;
    this.#options.counts.count('clean stop');
    this.#options.cluster.stop(victim);
    // Told to stop, but something keeps it: an operator kills it in the end.
    this.#after(30_000, () => this.#options.cluster.crash(victim, true));
    if (this.#chance(0.7)) this.#replaceLater(victim.kind);
    else this.#options.counts.count('shrink');
  }

  #grow(): void {
    const kind = this.#chance(0.6) ? 'user' : 'group';
    if (this.#options.cluster.running(kind).length >= processesMax) return;
    this.#options.counts.count('grow');
    this.#options.cluster.start(kind);
  }

  /** Anything up to twice a lease. */
  #hang(how: 'pause' | 'freeze', victim = this.#healthy()): void {
    if (victim === undefined) return;
    const durationMs = this.#duration([50, 2_000, 25_000, 45_000]);
    this.#options.counts.count(durationMs > 20_000 ? `${how} beyond the lease` : how);
    this.#options.trace.note(victim.id, `${how} for ${durationMs.toFixed(0)} ms`);
    victim.isInTrouble = true;
    // A frozen machine does not send either; of a stopped process the kernel sends what it had.
    victim.link.hold(how === 'freeze' || this.#chance(0.3) ? 'both' : 'from-server');
    if (how === 'freeze') victim.clock.freeze();
    else victim.clock.pause();
    this.#after(durationMs, () => this.#recover(victim));
  }

  #cut(): void {
    const victim = this.#healthy();
    if (victim === undefined) return;
    const durationMs = this.#duration([100, 3_000, 25_000]);
    this.#options.counts.count('cut off');
    this.#options.trace.note(victim.id, `cut off for ${durationMs.toFixed(0)} ms`);
    victim.isInTrouble = true;
    victim.link.disconnect({ sentArrives: this.#chance(0.3) });
    this.#after(durationMs, () => this.#recover(victim));
  }

  /** Nothing gets through in one direction, and nobody is told; at the end everything arrives, or the connection breaks. */
  #stall(direction: 'to-server' | 'from-server'): void {
    const victim = this.#healthy();
    if (victim === undefined) return;
    const durationMs = this.#duration([200, 4_000, 30_000]);
    this.#options.counts.count(direction === 'to-server' ? 'cut one way: out' : 'cut one way: in');
    this.#options.trace.note(victim.id, `stalled ${direction} for ${durationMs.toFixed(0)} ms`);
    victim.isInTrouble = true;
    victim.link.hold(direction);
    const breaks = this.#chance(0.4);
    this.#after(durationMs, () => {
      if (breaks && victim.link.isConnected) victim.link.disconnect({ sentArrives: this.#chance(0.5) });
      this.#recover(victim);
    });
  }

  #loseLeader(): void {
    const { random, faults, counts, trace } = this.#options;
    const streams = this.#chance(0.3)
      ? allStreams
      : [
          allStreams[Math.floor(random.next() * allStreams.length)]!,
          allStreams[Math.floor(random.next() * allStreams.length)]!,
        ];
    const durationMs = random.next() * 9_000;
    counts.count('leader change');
    trace.note(
      'log',
      `${streams.length} streams without leader for ${durationMs.toFixed(0)} ms: ${streams.join(' ')}`,
    );
    faults.loseLeader(streams, durationMs);
  }

  /** The process is hit exactly when it makes a certain call. */
  #ambush(): void {
    const { random, faults, clock, cluster, counts, trace } = this.#options;
    const victim = this.#healthy();
    if (victim === undefined) return;
    const operation = tenderSpots[Math.floor(random.next() * tenderSpots.length)]!;
    const dice = random.next();
    const strike = (): MemoryFate => {
      if (victim.isInTrouble || victim.isStopping) return 'ok';
      trace.note(victim.id, `hit at ${operation}`);
      if (dice < 0.5) {
        this.#hang(dice < 0.35 ? 'freeze' : 'pause', victim);
        return dice < 0.1 ? 'answer-lost' : 'ok';
      }
      counts.count('crash in a call');
      clock.after(0, () => {
        cluster.crash(victim, this.#chance(0.5));
        this.#replaceLater(victim.kind);
      });
      return dice < 0.75 ? 'answer-lost' : 'request-lost';
    };
    faults.ambush = { operation, node: victim.id, strike };
  }

  #expireEarly(): void {
    const bucket = this.#options.cluster.memory.bucket(buckets.members);
    const keys = bucket.list().map((entry) => entry.key);
    const key = keys[Math.floor(this.#options.random.next() * keys.length)];
    if (key === undefined) return;
    this.#options.counts.count('key expires early');
    this.#options.trace.note('kv', `${key} expires early`);
    bucket.delete(key);
  }

  #expireLate(): void {
    this.#options.counts.count('keys expire late');
    this.expiryLagMs = this.#options.random.next() * 8_000;
    this.#after(20_000, () => (this.expiryLagMs = 0));
  }

  #jumpClock(): void {
    const { random, cluster, counts, trace } = this.#options;
    const processes = [...cluster.running(), ...this.#options.gateways()];
    const victim = processes[Math.floor(random.next() * processes.length)];
    if (victim === undefined) return;
    counts.count('wall clock jump');
    const jumps = [-3_600_000, -5_000, 2_000, 60_000, 3_600_000];
    victim.clock.wallOffsetMs = jumps[Math.floor(random.next() * jumps.length)]!;
    trace.note(victim.id, `wall clock jumps to ${victim.clock.wallOffsetMs} ms`);
    this.#after(15_000, () => (victim.clock.wallOffsetMs = 0));
  }

  #slow(): void {
    const { faults, counts, trace, random } = this.#options;
    const victim = this.#healthy();
    if (victim === undefined) return;
    counts.count('slow process');
    trace.note(victim.id, 'is slow');
    faults.slow.add(victim.id);
    victim.clock.lagMs = () => random.next() * 300;
    this.#after(10_000, () => {
      faults.slow.delete(victim.id);
      victim.clock.lagMs = () => 0;
    });
  }

  #failSnapshots(): void {
    const outage = ++this.#snapshotOutage;
    this.#options.faults.snapshotsFail = true;
    this.#after(this.#duration([1_000, 15_000]), () => {
      if (outage === this.#snapshotOutage) this.#options.faults.snapshotsFail = false;
    });
  }

  #lagHistory(): void {
    const { history, counts } = this.#options;
    counts.count('history behind');
    history.isStopped = true;
    this.#after(this.#duration([2_000, 30_000]), () => (history.isStopped = false));
  }

  #gatewayTrouble(): void {
    const { random, counts } = this.#options;
    const gateways = this.#options.gateways();
    const gateway = gateways[Math.floor(random.next() * gateways.length)];
    if (gateway === undefined || !gateway.link.isConnected) return;
    if (this.#chance(0.5)) {
      counts.count('gateway crash');
      this.#options.replaceGateway(gateway);
      return;
    }
    counts.count('gateway cut off');
    gateway.link.disconnect();
    this.#after(this.#duration([200, 8_000]), () => {
      if (!gateway.isAlive) return;
      gateway.link.reconnect();
      gateway.reattachAll();
    });
  }

  #recover(process: ActorProcess): void {
    if (!this.#options.cluster.processes.has(process.id)) return;
    process.isInTrouble = false;
    process.clock.resume();
    process.link.release();
    process.link.reconnect();
  }

  #replaceLater(kind: Kind): void {
    this.#after(this.#duration([10, 2_000, 10_000]), () => {
      if (this.#options.cluster.running(kind).length < processesMax) this.#options.cluster.start(kind);
    });
  }

  #keepOneAlive(kind: Kind): void {
    const { cluster } = this.#options;
    if (cluster.running(kind).every((process) => process.isStopping)) cluster.start(kind);
  }

  #healthy(): ActorProcess | undefined {
    const healthy = this.#options.cluster
      .running()
      .filter((process) => !process.isInTrouble && !process.isStopping);
    return healthy[Math.floor(this.#options.random.next() * healthy.length)];
  }

  /** One of the scales, and anything up to it. */
  #duration(scalesMs: readonly number[]): number {
    const { random } = this.#options;
    return random.next() * scalesMs[Math.floor(random.next() * scalesMs.length)]!;
  }

  #chance(share: number): boolean {
    return this.#options.random.next() < share;
  }

  /** Not once the storm is over: `calm` has done it. */
  #after(delayMs: number, task: () => void): void {
    this.#options.clock.after(delayMs, () => {
      if (!this.#isOver) task();
    });
  }
}
