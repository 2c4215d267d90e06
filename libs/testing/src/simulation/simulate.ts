// One run: a whole cluster, its clients and its bad luck, in one process, from a seed. First a storm, then calm, then
// everything is compared; at the end all processes die at once and the cluster starts again from what is stored.
import { changeIn } from '@parley/domain';
import { buckets, type parley } from '@parley/protocol';
import { defaultLimits } from '@parley/runtime';
import { type Clock, type Random, seededRandom } from '@parley/std';
import { AnswerChecks } from './answer-checks.ts';
import { CallFaults } from './call-faults.ts';
import { DeviceModel } from './device-model.ts';
import { FaultCounts } from './fault-counts.ts';
import { type Comparison, compareAll, compareLiveStates } from './final-comparison.ts';
import { GatewayModel } from './gateway-model.ts';
import { HistoryModel } from './history-model.ts';
import { JournalAuditor } from './journal-auditor.ts';
import { LeaseAuditor } from './lease-auditor.ts';
import { ProcessClock } from './process-clock.ts';
import { type SimulationSettings, settingsOf } from './settings.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { SimulatedCluster } from './simulated-cluster.ts';
import { SnapshotAuditor } from './snapshot-auditor.ts';
import { Trace, type Violation } from './trace.ts';
import { Weather } from './weather.ts';
import { Workload } from './workload.ts';

export interface RunReport {
  readonly seed: number;
  readonly replicas: 1 | 3;
  readonly simulatedMs: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly commits: number;
  readonly takeovers: number;
  readonly answersChecked: number;
  /** Answers from the past of an owner that did not know it was none any more. */
  readonly staleAnswers: number;
  readonly acknowledged: number;
  /** Repeated sends that got the first answer again. */
  readonly duplicates: number;
  readonly diffusionSwitches: number;
  /** Edits and recalls that were accepted. */
  readonly changes: number;
  readonly recordsTrimmed: number;
  /** Devices that missed more than an inbox keeps. */
  readonly limitedDevices: number;
  readonly violations: readonly Violation[];
  /** The last events of a run with violations. */
  readonly trace: readonly string[];
}

const tenant = 'sim';
/** What one command of the workload adds to a commit, with room to spare. */
const largestDecisionBytes = 24 * 1024;

export async function simulate(seed: number, replicas: 1 | 3 = 1): Promise<RunReport> {
  const simulation = new Simulation(seed, replicas);
  await simulation.run();
  return simulation.report();
}

/** Nothing is wrong any more: every shard is served again within a lease and this, as operators are told. */
const recoveryMs = defaultLimits.leaseTtlMs + 5_000;

class Simulation {
  readonly #settings: SimulationSettings;
  readonly #random: Random;
  readonly #clock = new SimulatedClock();
  readonly #trace: Trace;
  readonly #counts = new FaultCounts();
  readonly #cluster: SimulatedCluster;
  readonly #auditor: JournalAuditor;
  readonly #checks: AnswerChecks;
  readonly #history: HistoryModel;
  readonly #weather: Weather;
  readonly #workload: Workload;
  readonly #devices: readonly DeviceModel[];
  #gateways: GatewayModel[] = [];
  #gatewayIncarnations = 0;
  #connections = 0;

  constructor(seed: number, replicas: 1 | 3) {
    const clock = this.#clock;
    const random = (this.#random = seededRandom(seed * 2 + (replicas > 1 ? 1 : 0)));
    const settings = (this.#settings = settingsOf(seed, replicas, random));
    const trace = (this.#trace = new Trace(() => clock.monotonicMs()));
    const nowMs = (): number => clock.monotonicMs();
    const faults = new CallFaults({
      random,
      nowMs,
      counts: this.#counts,
      lossShare: settings.lossShare,
      replicas,
    });
    const expiryClock: Clock = {
      nowMs: () => clock.nowMs(),
      monotonicMs: nowMs,
      after: (delayMs, task) => clock.after(delayMs + this.#weather.expiryLagMs, task),
    };
    const cluster = (this.#cluster = new SimulatedCluster(settings, clock, trace, { faults, expiryClock }));
    const { memory, placement, types, shards } = cluster;
    this.#auditor = new JournalAuditor({
      memory,
      placement,
      types,
      shards,
      trace,
      recordBytesMax: settings.limits.commitBytesMax + largestDecisionBytes,
    });
    for (const kind of ['user', 'group'])
      new SnapshotAuditor(this.#auditor, placement, trace).watch(memory.bucket(buckets.snapshots(kind)));
    new LeaseAuditor(memory, clock, settings.limits, trace).start();
    this.#checks = new AnswerChecks(this.#auditor, trace, tenant);
    this.#history = new HistoryModel({ auditor: this.#auditor, memory, random, clock, tenant });
    this.#weather = new Weather({
      settings,
      clock,
      random,
      cluster,
      faults,
      counts: this.#counts,
      trace,
      history: this.#history,
      gateways: () => this.#gateways,
      replaceGateway: (gateway) => this.#replaceGateway(gateway),
    });
    const world = {
      tenant,
      clock,
      checks: this.#checks,
      history: this.#history,
      nextConnection: () => ++this.#connections,
    };
    this.#devices = Array.from({ length: settings.users }, (_, index) => `u${index + 1}`).flatMap((user) =>
      ['phone', 'desk'].map((device) => new DeviceModel(world, user, device)),
    );
    this.#workload = new Workload({
      settings,
      tenant,
      clock,
      random,
      checks: this.#checks,
      auditor: this.#auditor,
      trace,
      devices: this.#devices,
      gateways: () => this.#gateways,
    });
  }

  async run(): Promise<void> {
    try {
      await this.#storm();
      await this.#calm();
      await this.#coldStart();
    } catch (cause) {
      this.#trace.violate('liveness', cause instanceof Error ? cause.message : String(cause));
    }
    this.#end();
  }

  report(): RunReport {
    const { violations } = this.#trace;
    const acknowledged = this.#workload.posts.filter(({ outcome }) => typeof outcome !== 'string').length;
    return {
      seed: this.#settings.seed,
      replicas: this.#settings.replicas,
      simulatedMs: this.#clock.monotonicMs(),
      faults: Object.fromEntries(this.#counts.counts),
      commits: this.#auditor.commits,
      takeovers: this.#auditor.takeovers,
      answersChecked: this.#checks.checked,
      staleAnswers: this.#checks.stale,
      acknowledged,
      duplicates: this.#checks.duplicates,
      diffusionSwitches: [...this.#auditor.logs.values()]
        .flat()
        .filter(({ system }) => system?.type === 'DiffusionChanged').length,
      changes: [...this.#auditor.logs.values()].flat().filter((message) => changeIn(message) !== undefined)
        .length,
      recordsTrimmed: [...this.#auditor.shards.values()].reduce((sum, { trimmed }) => sum + trimmed, 0),
      limitedDevices: this.#devices.filter((device) => device.wasLimited).length,
      violations,
      trace: violations.length > 0 ? this.#trace.lines() : [],
    };
  }

  async #storm(): Promise<void> {
    const { nodes, gateways, stormMs, isTight } = this.#settings;
    if (isTight) this.#counts.count('full lanes, batches and caches');
    for (let i = 0; i < nodes.user; i++) this.#cluster.start('user');
    for (let i = 0; i < nodes.group; i++) this.#cluster.start('group');
    for (let i = 0; i < gateways; i++) this.#startGateway();
    for (const device of this.#devices) this.#workload.goOnline(device);
    this.#workload.start();
    await this.#clock.advance(3_000);
    this.#weather.start();
    // Stop early: what follows a violation only hides it.
    for (let at = 0; at < stormMs && this.#trace.violations.length === 0; at += 1_000)
      await this.#clock.advance(1_000);
  }

  /** Whatever was begun must come to an end by itself now. */
  async #calm(): Promise<void> {
    if (this.#trace.violations.length > 0) return;
    this.#trace.note('storm', 'is over');
    this.#weather.calm();
    this.#workload.stop();
    for (const gateway of this.#gateways) gateway.reattachAll();
    await this.#until('every shard is served once', () => this.#cluster.isServed(), recoveryMs);
    await this.#until('every request is answered', () => this.#workload.outstanding === 0);
    await this.#until('every effect is taken', () => this.#areLanesEmpty());
    await this.#until(
      'every device has everything, of itself',
      () => this.#incompleteDevice() === undefined,
    ).catch((cause: unknown) => {
      throw new Error(`${String(cause)} ${this.#incompleteDevice() ?? ''}`, { cause });
    });
    // Who has missed the head of a large group asks for it after 5 s, and for the last time what was asked in the storm may
    // have been lost: that is known 5 s later.
    await this.#clock.advance(12_000);
    compareAll(this.#comparison());
    if (this.#trace.violations.length === 0) await this.#askEverybody();
  }

  /** All processes die at once; everything must come back from checkpoints, snapshots and journals. */
  async #coldStart(): Promise<void> {
    if (this.#trace.violations.length > 0) return;
    for (const process of this.#cluster.running()) this.#cluster.crash(process, false);
    this.#cluster.start('user');
    this.#cluster.start('group');
    await this.#until(
      'every shard is served once, after a cold start',
      () => this.#cluster.isServed(),
      recoveryMs,
    );
    await this.#askEverybody();
    compareLiveStates(this.#comparison());
  }

  #end(): void {
    for (const process of this.#cluster.running()) this.#cluster.crash(process, false);
    for (const gateway of this.#gateways) gateway.crash(false);
  }

  async #until(what: string, condition: () => boolean, limitMs = 180_000): Promise<void> {
    await this.#clock.until(what, () => this.#trace.violations.length > 0 || condition(), limitMs, 200);
  }

  #areLanesEmpty(): boolean {
    for (const { name, lanesOut } of this.#auditor.shards.values()) {
      for (const [target, effects] of lanesOut)
        if ((this.#auditor.shards.get(target)?.lanesIn.get(name) ?? 0) < effects.length) return false;
    }
    return true;
  }

  #incompleteDevice(): string | undefined {
    for (const device of this.#devices) {
      const { length } = this.#auditor.inboxes.get(`${tenant}.${device.user}`) ?? [];
      if (!device.isComplete || device.position() !== length) return `${device.describe()} of ${length}`;
    }
    return undefined;
  }

  /** Owners answer with what the journals say. */
  async #askEverybody(): Promise<void> {
    const gateway = this.#gateways[0]!;
    for (const user of new Set(this.#devices.map((device) => device.user))) {
      let answer: parley.internal.v1.QueryAnswer | undefined;
      const ask = async (): Promise<void> => {
        answer = await gateway.ask({ type: 'user', tenant, id: user }, { conversations: {} });
      };
      let isAsking = false;
      await this.#until(`${user} is answered`, () => {
        if (answer?.conversations) return true;
        if (!isAsking) {
          isAsking = true;
          void ask().finally(() => (isAsking = false));
        }
        return false;
      });
      this.#checks.conversations(
        user,
        (answer?.conversations?.conversations ?? []) as parley.v1.Conversation[],
      );
    }
  }

  #comparison(): Comparison {
    return {
      settings: this.#settings,
      tenant,
      auditor: this.#auditor,
      cluster: this.#cluster,
      trace: this.#trace,
      devices: this.#devices,
      posts: this.#workload.posts,
    };
  }

  #startGateway(): void {
    const id = `gw${++this.#gatewayIncarnations}`;
    const clock = new ProcessClock(this.#clock);
    const link = this.#cluster.memory.node(id, clock);
    this.#gateways.push(new GatewayModel({ id, clock, link, placement: this.#cluster.placement }));
  }

  /** Devices of a dead gateway come back somewhere else after a while. */
  #replaceGateway(gateway: GatewayModel): void {
    this.#trace.note(gateway.id, 'crashes');
    gateway.crash(this.#random.next() < 0.5);
    this.#gateways = this.#gateways.filter((other) => other !== gateway);
    this.#startGateway();
    for (const device of this.#devices) {
      if (device.gateway !== gateway) continue;
      this.#clock.after(this.#random.next() * 3_000, () => {
        if (device.gateway === gateway) this.#workload.goOnline(device);
      });
    }
  }
}
