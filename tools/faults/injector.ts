// Carries the schedule out: does what is planned, brings the victim back, and keeps a record of who was away when.
import { type NatsLink } from '@parley/adapters';
import { streams } from '@parley/protocol';
import type { AppHandle, AppName, ServerHandle } from '@parley/testing/servers';
import { setTimeout as delay } from 'node:timers/promises';
import type { OwnerWatch } from './owner-watch.ts';
import type { CutManner, Fault, FaultKind } from './schedule.ts';
import type { Stage } from './stage.ts';

/** When something was wrong, from the blow until it was whole again. */
export interface Trouble {
  readonly kind: FaultKind;
  readonly what: string;
  readonly fromMs: number;
  /** Infinity while it lasts. */
  toMs: number;
}

export interface InjectorOptions {
  readonly stage: Stage;
  readonly owners: OwnerWatch;
  /** The tool's own connection, past the proxies. */
  readonly link: NatsLink;
  readonly say: (line: string) => void;
}

const nowMs = (): number => performance.now();
/** A rolling restart waits this long for a peer that serves meanwhile. */
const peerLimitMs = 30_000;
const startTriesMax = 20;
const startPauseMs = 500;

export class Injector {
  readonly #options: InjectorOptions;
  readonly troubles: Trouble[] = [];
  readonly counts: Record<FaultKind, number> = {
    kill: 0,
    pause: 0,
    cut: 0,
    nats: 0,
    redis: 0,
    history: 0,
    drain: 0,
    add: 0,
    roll: 0,
  };
  /** What could not be done or undone. */
  readonly failures: string[] = [];
  skipped = 0;
  readonly #running = new Set<Promise<void>>();
  #isStopped = false;

  constructor(options: InjectorOptions) {
    this.#options = options;
  }

  /** Resolves when the last fault has begun; `settle` waits for what they do. */
  async run(faults: readonly Fault[]): Promise<void> {
    const startMs = nowMs();
    for (const fault of faults) {
      while (!this.#isStopped && nowMs() < startMs + fault.atMs) {
        await delay(Math.min(200, startMs + fault.atMs - nowMs()));
      }
      if (this.#isStopped) return;
      const doing = this.#do(fault).catch((error: unknown) => {
        const failure = `${fault.kind} of ${fault.target}: ${(error as Error).message}`;
        this.failures.push(failure);
        this.#options.say(`FAILED ${failure}`);
      });
      this.#running.add(doing);
      void doing.finally(() => this.#running.delete(doing));
    }
  }

  /** Begins nothing more. */
  stop(): void {
    this.#isStopped = true;
  }

  async settle(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Starts whatever does not run. */
  async healAll(): Promise<void> {
    const { stage } = this.#options;
    await stage.heal();
    for (const server of stage.nats.servers) if (!server.isRunning()) await server.restart();
    if (stage.cluster.redis?.isRunning() === false) await stage.cluster.redis.restart();
    await Promise.all(stage.cluster.apps.map((app) => this.#start(app)));
  }

  /** Names of what is away in this span. */
  troublesBetween(fromMs: number, toMs: number): string[] {
    const met = this.troubles.filter((one) => one.fromMs < toMs && one.toMs > fromMs);
    return [...new Set(met.map((one) => one.kind))];
  }

  async #do(fault: Fault): Promise<void> {
    const { cluster } = this.#options.stage;
    switch (fault.kind) {
      case 'kill':
      case 'drain':
      case 'pause':
      case 'cut': {
        const app = cluster.apps.find((one) => one.label === fault.target)!;
        if (!app.isRunning() || !this.#hasFreePeer(app)) return this.#skip(fault);
        return this.#hit(fault, app);
      }
      case 'roll':
        return this.#roll(fault);
      case 'add':
        return this.#trouble(fault, `one more ${fault.target}`, async () => {
          await this.#options.stage.addApp(fault.target as AppName);
        });
      case 'nats':
        return this.#hitNats(fault);
      case 'redis':
        return this.#hitServer(fault, 'redis', cluster.redis!);
      case 'history':
        return this.#hitServer(fault, 'history', cluster.app('history'));
    }
  }

  async #hit(fault: Fault, app: AppHandle): Promise<void> {
    const { owners, stage, say } = this.#options;
    const { nodeId } = app;
    await this.#trouble(fault, `${app.label}${fault.manner ? ` (${fault.manner})` : ''}`, async () => {
      if (fault.kind === 'kill') {
        owners.lost(nodeId, 'kill');
        await app.kill();
        await delay(fault.forMs);
        await this.#start(app);
      } else if (fault.kind === 'drain') {
        owners.lost(nodeId, 'drain');
        await app.stop();
        await delay(fault.forMs);
        await this.#start(app);
      } else if (fault.kind === 'pause') {
        owners.lost(nodeId, 'pause');
        await app.kill('SIGSTOP');
        await delay(fault.forMs);
        say(`${app.label} goes on`);
        await app.kill('SIGCONT');
      } else {
        owners.lost(nodeId, 'cut');
        for (const proxy of stage.proxiesOf(app.label)) cutBy(proxy, fault.manner as CutManner);
        await delay(fault.forMs);
        for (const proxy of stage.proxiesOf(app.label)) proxy.heal();
        owners.mayComeBack(nodeId);
      }
    });
  }

  async #roll(fault: Fault): Promise<void> {
    const apps = this.#options.stage.cluster.apps.filter((one) => one.name === fault.target);
    await this.#trouble(fault, `all ${fault.target}s, one by one`, async () => {
      for (const app of apps) {
        await this.#untilFree(app);
        if (!app.isRunning() || this.#isStopped) continue;
        this.#options.owners.lost(app.nodeId, 'drain');
        await app.stop();
        await this.#start(app);
      }
    });
  }

  /** Its port may be a passing connection's while nobody listens on it: then a little later. */
  async #start(app: AppHandle): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await app.start();
      } catch (error) {
        if (attempt === startTriesMax || !/in use/.test((error as Error).message)) throw error;
        await delay(startPauseMs);
      }
    }
  }

  async #hitNats(fault: Fault): Promise<void> {
    const { stage } = this.#options;
    const { servers } = stage.nats;
    const index = servers.length === 1 ? 0 : await this.#natsVictim(fault.target);
    const server = servers[index]!;
    const role = servers.length === 1 ? '' : ` (${fault.target === 'leader' ? 'a leader' : 'any'})`;
    await this.#trouble(fault, `nats-${index + 1}${role}`, async () => {
      await server.kill();
      await delay(fault.forMs);
      await server.restart();
    });
  }

  /** The server that leads the user journals and so, often, more. */
  async #natsVictim(target: string): Promise<number> {
    const { servers } = this.#options.stage.nats;
    if (target !== 'leader') return Math.floor(nowMs()) % servers.length;
    try {
      const info = await this.#options.link.control.jsm.streams.info(streams.journal('user', 0));
      return Math.max(0, Number(info.cluster?.leader?.split('-')[1] ?? 1) - 1);
    } catch (error) {
      this.#options.say(`nobody says who leads (${(error as Error).message}); taking the first`);
      return 0;
    }
  }

  #hitServer(
    fault: Fault,
    label: string,
    server: Pick<ServerHandle, 'kill'> & { start?(): Promise<void>; restart(): Promise<void> },
  ): Promise<void> {
    return this.#trouble(fault, `${label} (${fault.manner})`, async () => {
      await server.kill(fault.manner === 'paused' ? 'SIGSTOP' : 'SIGKILL');
      await delay(fault.forMs);
      if (fault.manner === 'paused') await server.kill('SIGCONT');
      else await (server.start?.() ?? server.restart());
    });
  }

  async #trouble(fault: Fault, what: string, work: () => Promise<void>): Promise<void> {
    const { say } = this.#options;
    this.counts[fault.kind]++;
    const trouble: Trouble = { kind: fault.kind, what, fromMs: nowMs(), toMs: Infinity };
    this.troubles.push(trouble);
    const span = fault.forMs > 0 ? `, for ${(fault.forMs / 1_000).toFixed(1)} s` : '';
    say(`${fault.kind.padEnd(7)} ${what}${span}`);
    try {
      await work();
      say(`        ${what}: over after ${((nowMs() - trouble.fromMs) / 1_000).toFixed(1)} s`);
    } finally {
      trouble.toMs = nowMs();
    }
  }

  /** The schedule expects starts to be quick; on a busy machine the peer may still be away. */
  #hasFreePeer(app: AppHandle): boolean {
    const { apps } = this.#options.stage.cluster;
    const isHit = (one: AppHandle) =>
      this.troubles.some((trouble) => trouble.toMs === Infinity && trouble.what.startsWith(one.label));
    return apps.some((one) => one !== app && one.name === app.name && one.isRunning() && !isHit(one));
  }

  /** On a slow machine the peer that was hit before the rolling restart may still be starting. */
  async #untilFree(app: AppHandle): Promise<void> {
    const endMs = nowMs() + peerLimitMs;
    while (!this.#isStopped && !this.#hasFreePeer(app) && nowMs() < endMs) await delay(100);
  }

  #skip(fault: Fault): void {
    this.skipped++;
    this.#options.say(`skipped ${fault.kind} of ${fault.target}: it or its peers are still away`);
  }
}

function cutBy(
  proxy: { cut(): void; swallowAnswers(): void; swallowRequests(): void },
  manner: CutManner,
): void {
  if (manner === 'cut') proxy.cut();
  else if (manner === 'answers lost') proxy.swallowAnswers();
  else proxy.swallowRequests();
}
