// The load processes of a run: started with it, asked over IPC, gone with it.
import { setTimeout as delay } from 'node:timers/promises';
import path from 'node:path';
import { type GuardedProcess, projectFolder, spawnGuarded } from '@parley/testing/servers';
import { LatencyHistogram } from './latency-histogram.ts';
import type {
  ConnectReport,
  FromLoader,
  LoadCounts,
  LoadPlan,
  LoadReport,
  ToLoader,
  Window,
} from './load/plan.ts';
import { lostExamplesMax } from './load/lost-example.ts';
import { noCounts, sumByName, sumCounts } from './load/counts.ts';
import { type StreamTotal, addFlaws, noFlaws } from './load/stream-ledger.ts';

/** What all load processes tell together. */
export interface FleetReport extends Omit<LoadReport, 'ack' | 'receive' | 'lateness' | 'seconds'> {
  readonly ack: LatencyHistogram;
  readonly receive: LatencyHistogram;
  readonly lateness: LatencyHistogram;
  readonly seconds: readonly {
    readonly delivered: number;
    readonly acked: number;
    readonly receiveP99Ms: number | undefined;
  }[];
}

const answerLimitMs = 600_000;

export class LoadFleet {
  readonly loaders: readonly Loader[];

  private constructor(loaders: readonly Loader[]) {
    this.loaders = loaders;
  }

  /** `profileFolder`: where the first process leaves a CPU profile when it ends. */
  static async start(count: number, profileFolder?: string): Promise<LoadFleet> {
    const starting = Array.from({ length: count }, (_, index) =>
      Loader.start(index + 1, index === 0 ? profileFolder : undefined),
    );
    return new LoadFleet(await Promise.all(starting));
  }

  get counts(): LoadCounts {
    return sumCounts(this.loaders.map((one) => one.counts));
  }

  get connectedCount(): number {
    return this.loaders.reduce((sum, one) => sum + one.connectedCount, 0);
  }

  /** One plan for each process. */
  async connect(plans: readonly LoadPlan[]): Promise<readonly ConnectReport[]> {
    return Promise.all(
      plans.map(async (plan, index) => {
        const answer = await this.loaders[index]!.ask({ do: 'connect', plan }, 'connected');
        return answer.report;
      }),
    );
  }

  async send(window: Window): Promise<readonly StreamTotal[]> {
    const answers = await Promise.all(this.loaders.map((one) => one.ask({ do: 'send', window }, 'sent')));
    return answers.flatMap((answer) => answer.totals);
  }

  async settle(totals: readonly StreamTotal[], limitMs: number): Promise<FleetReport> {
    const answers = await Promise.all(
      this.loaders.map((one) => one.ask({ do: 'settle', totals, limitMs }, 'settled')),
    );
    return mergeReports(answers.map((answer) => answer.report));
  }

  async disconnect(): Promise<void> {
    await Promise.all(this.loaders.map((one) => one.ask({ do: 'disconnect' }, 'disconnected')));
  }

  async stop(): Promise<void> {
    await Promise.all(this.loaders.map((one) => one.stop()));
  }
}

type AnswerOf<Is extends FromLoader['is']> = Extract<FromLoader, { is: Is }>;

export class Loader {
  readonly name: string;
  readonly pid: number;
  counts = noCounts;
  connectedCount = 0;
  readonly exited: GuardedProcess['exited'];
  readonly #process: GuardedProcess;
  #waiting:
    | { is: FromLoader['is']; resolve: (message: FromLoader) => void; reject: (error: Error) => void }
    | undefined;

  static async start(number: number, profileFolder?: string): Promise<Loader> {
    const process = await spawnGuarded({
      command: path.join(projectFolder, 'node_modules/.bin/node'),
      args: [
        '--conditions=source',
        '--disable-warning=ExperimentalWarning',
        ...(profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]),
        path.join(import.meta.dirname, 'load/loader.ts'),
      ],
      output: 2,
      ipc: true,
    });
    const loader = new Loader(`load-${number}`, process);
    await loader.#answer('ready');
    return loader;
  }

  private constructor(name: string, process: GuardedProcess) {
    this.name = name;
    this.pid = process.pid;
    this.#process = process;
    this.exited = process.exited;
    process.child.on('message', (message: FromLoader) => this.#receive(message));
    void process.exited.then(() => this.#fail(`${name} ended`));
  }

  async ask<Is extends FromLoader['is']>(message: ToLoader, is: Is): Promise<AnswerOf<Is>> {
    this.#process.child.send(message);
    return this.#answer(is);
  }

  async stop(): Promise<void> {
    await this.#process.stop(5_000);
  }

  async #answer<Is extends FromLoader['is']>(is: Is): Promise<AnswerOf<Is>> {
    const limit = new AbortController();
    void delay(answerLimitMs, undefined, { signal: limit.signal, ref: false }).then(
      () => this.#fail(`${this.name} has not answered for ${answerLimitMs} ms`),
      () => undefined,
    );
    try {
      return await new Promise<AnswerOf<Is>>((resolve, reject) => {
        this.#waiting = { is, resolve: resolve as (message: FromLoader) => void, reject };
      });
    } finally {
      limit.abort();
    }
  }

  #receive(message: FromLoader): void {
    if (message.is === 'progress') {
      this.counts = message.counts;
      this.connectedCount = message.connected;
    } else if (message.is === 'failed') this.#fail(`${this.name}: ${message.why}`);
    else if (message.is === this.#waiting?.is) {
      this.#waiting.resolve(message);
      this.#waiting = undefined;
    }
  }

  #fail(why: string): void {
    this.#waiting?.reject(new Error(why));
    this.#waiting = undefined;
  }
}

export function mergeReports(reports: readonly LoadReport[]): FleetReport {
  const histogram = (of: 'ack' | 'receive' | 'lateness'): LatencyHistogram => {
    const merged = new LatencyHistogram();
    for (const report of reports) merged.add(report[of]);
    return merged;
  };
  const sum = (of: 'unanswered' | 'resent' | 'repairs' | 'pushesRepeated' | 'closed'): number =>
    reports.reduce((total, report) => total + report[of], 0);
  return {
    window: sumCounts(reports.map((report) => report.window)),
    total: sumCounts(reports.map((report) => report.total)),
    ack: histogram('ack'),
    receive: histogram('receive'),
    lateness: histogram('lateness'),
    flaws: reports.reduce((flaws, report) => addFlaws(flaws, report.flaws), noFlaws),
    unanswered: sum('unanswered'),
    lostExamples: reports.flatMap((report) => report.lostExamples).slice(0, lostExamplesMax),
    resent: sum('resent'),
    repairs: sum('repairs'),
    pushesRepeated: sum('pushesRepeated'),
    closed: sum('closed'),
    errors: sumByName(reports.map((report) => report.errors)),
    seconds: mergeSeconds(reports),
  };
}

function mergeSeconds(reports: readonly LoadReport[]): FleetReport['seconds'] {
  const length = Math.max(0, ...reports.map((report) => report.seconds.length));
  return Array.from({ length }, (_, second) => {
    const receive = new LatencyHistogram();
    let delivered = 0;
    let acked = 0;
    for (const report of reports) {
      const one = report.seconds[second];
      if (one === undefined) continue;
      receive.add(one.receive);
      delivered += one.delivered;
      acked += one.acked;
    }
    return { delivered, acked, receiveP99Ms: receive.percentileMs(0.99) };
  });
}
