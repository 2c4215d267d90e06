// What is done to whom, and when: planned from the seed before the run begins, so that a run can be repeated. Never takes
// the last process of an app away, for then nothing could be expected of the cluster.
import { type Random, seededRandom } from '@parley/std';

export const faultKinds = [
  'kill',
  'pause',
  'cut',
  'nats',
  'redis',
  'history',
  'drain',
  'add',
  'roll',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export type CutManner = 'cut' | 'answers lost' | 'requests lost';

export interface Fault {
  readonly kind: FaultKind;
  /** From the start of the run. */
  readonly atMs: number;
  /** How long the victim stays away, before it is brought back. */
  readonly forMs: number;
  /** `session-actor-2`; an app's name for `add` and `roll`; `any` or `leader` for one NATS server of three. */
  readonly target: string;
  readonly manner?: CutManner | 'killed' | 'paused';
}

export interface Fleet {
  readonly gateways: number;
  readonly sessionActors: number;
  readonly groupActors: number;
  readonly natsServers: number;
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly fleet: Fleet;
  readonly kinds: readonly FaultKind[];
}

/** Longer than the lease (20 s) and the margin of those who wait for it. */
const pastLeaseMs = 25_000;
/** Nothing new begins this shortly before the end … */
const quietAtEndMs = 3_000;
/** … nor before people have begun to talk. */
const quietAtStartMs = 2_000;
/** One pause past the lease for each of these; and one cut. */
const longFaultEveryMs = 45_000;
/** After a fault its app is left in peace this long: others take its shards, it starts, shards move back. */
const recoveryMs = 5_000;
/** A process that starts needs about this long on a busy machine. */
const startMs = 4_000;

/** How often each kind is in the deck that faults are dealt from. */
const deckOf: Readonly<Record<FaultKind, number>> = {
  kill: 4,
  cut: 2,
  nats: 2,
  redis: 1,
  history: 1,
  drain: 2,
  add: 1,
  roll: 1,
  pause: 0,
};

export function planFaults(options: ScheduleOptions): Fault[] {
  return new Planner(options).plan();
}

class Planner {
  readonly #options: ScheduleOptions;
  readonly #random: Random;
  readonly #faults: Fault[] = [];
  /** Spans in which somebody is away, by name of the app or server. */
  readonly #away: { readonly name: string; readonly label: string; fromMs: number; toMs: number }[] = [];
  readonly #fleet: Map<string, number>;
  readonly #endMs: number;

  constructor(options: ScheduleOptions) {
    const { fleet } = options;
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#endMs = options.seconds * 1_000 - quietAtEndMs;
    this.#fleet = new Map([
      ['gateway', fleet.gateways],
      ['session-actor', fleet.sessionActors],
      ['group-actor', fleet.groupActors],
    ]);
  }

  plan(): Fault[] {
    this.#planLongOnes();
    const deck: FaultKind[] = [];
    for (let atMs = quietAtStartMs; atMs < this.#endMs; atMs += this.#between(1_000, 3_000)) {
      if (deck.length === 0) deck.push(...this.#newDeck());
      if (deck.length === 0) break;
      // What finds no victim now goes back under the deck.
      for (let tries = deck.length; tries > 0; tries--) {
        const kind = deck.shift()!;
        const fault = this.#deal(kind, atMs);
        if (fault !== undefined) {
          this.#faults.push(fault);
          break;
        }
        deck.push(kind);
      }
    }
    return this.#faults.toSorted((a, b) => a.atMs - b.atMs);
  }

  /** They take most of a short run, so they are planned first and the others happen meanwhile. */
  #planLongOnes(): void {
    const { kinds } = this.#options;
    const wanted = (['pause', 'cut'] as const).filter((kind) => kinds.includes(kind));
    const rounds = Math.floor((this.#endMs - quietAtStartMs) / longFaultEveryMs);
    for (let round = 0; round < Math.max(rounds, this.#fitsOnce() ? 1 : 0); round++) {
      for (const kind of wanted) {
        const fromMs = quietAtStartMs + round * longFaultEveryMs;
        const latestMs = Math.min(fromMs + longFaultEveryMs, this.#endMs) - pastLeaseMs;
        const atMs = this.#between(fromMs, Math.max(fromMs + 1, latestMs));
        // An actor and a gateway in turn, each of them once by each kind.
        const isActor = (round + (kind === 'pause' ? 0 : 1)) % 2 === 0;
        const names = isActor
          ? ['session-actor', 'group-actor']
          : ['gateway', 'group-actor', 'session-actor'];
        const label = this.#victim(atMs, pastLeaseMs, names);
        if (label === undefined) continue;
        const manner = kind === 'cut' ? { manner: this.#manner() } : {};
        this.#faults.push({ kind, atMs, forMs: pastLeaseMs, target: label, ...manner });
      }
    }
  }

  #fitsOnce(): boolean {
    return this.#endMs - quietAtStartMs >= pastLeaseMs;
  }

  #deal(kind: FaultKind, atMs: number): Fault | undefined {
    switch (kind) {
      case 'kill': {
        const forMs = this.#between(300, 3_000);
        const target = this.#victim(atMs, forMs);
        return target === undefined ? undefined : { kind, atMs, forMs, target };
      }
      case 'drain': {
        const forMs = this.#between(0, 3_000);
        const target = this.#victim(atMs, forMs);
        return target === undefined ? undefined : { kind, atMs, forMs, target };
      }
      case 'cut': {
        const forMs = this.#between(2_000, 8_000);
        const target = this.#victim(atMs, forMs);
        return target === undefined ? undefined : { kind, atMs, forMs, target, manner: this.#manner() };
      }
      case 'add': {
        const target = this.#pick(['gateway', 'session-actor', 'group-actor']);
        return this.#reserve('add', target, atMs, 20_000) ? { kind, atMs, forMs: 0, target } : undefined;
      }
      case 'roll':
        return this.#roll(atMs);
      case 'nats': {
        const forMs = this.#between(500, this.#options.fleet.natsServers > 1 ? 6_000 : 2_500);
        const target = this.#random.next() < 0.5 ? 'leader' : 'any';
        return this.#reserve('nats', 'nats', atMs, forMs + 8_000) ? { kind, atMs, forMs, target } : undefined;
      }
      case 'redis':
      case 'history': {
        const forMs = this.#between(1_000, 6_000);
        const manner = this.#random.next() < 0.7 ? 'killed' : 'paused';
        return this.#reserve(kind, kind, atMs, forMs + startMs)
          ? { kind, atMs, forMs, target: kind, manner }
          : undefined;
      }
      case 'pause':
        return undefined;
    }
  }

  /** Every process of one app, one after another. */
  #roll(atMs: number): Fault | undefined {
    const names = this.#shuffled([...this.#fleet.keys()]);
    for (const name of names) {
      const count = this.#fleet.get(name)!;
      const toMs = atMs + count * (startMs + 1_000) + recoveryMs;
      if (toMs > this.#endMs + recoveryMs || count < 2) continue;
      if (this.#away.some((one) => one.name === name && one.fromMs < toMs && one.toMs > atMs)) continue;
      for (let index = 0; index < count; index++)
        this.#away.push({ name, label: `${name}-${index + 1}`, fromMs: atMs, toMs });
      return { kind: 'roll', atMs, forMs: 0, target: name };
    }
    return undefined;
  }

  /** Somebody whose app has another process that nothing happens to meanwhile. */
  #victim(
    atMs: number,
    forMs: number,
    names: readonly string[] = [...this.#fleet.keys(), 'session-actor'],
  ): string | undefined {
    const toMs = atMs + forMs + startMs + recoveryMs;
    for (const name of this.#shuffled(names)) {
      const count = this.#fleet.get(name)!;
      const away = new Set(
        this.#away
          .filter((one) => one.name === name && one.fromMs < toMs && one.toMs > atMs)
          .map((one) => one.label),
      );
      if (count - away.size < 2) continue;
      const labels = Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
      const label = this.#pick(labels.filter((one) => !away.has(one)));
      this.#away.push({ name, label, fromMs: atMs, toMs });
      return label;
    }
    return undefined;
  }

  /** One thing at a time happens to a server. */
  #reserve(name: string, label: string, fromMs: number, forMs: number): boolean {
    const toMs = fromMs + forMs;
    if (this.#away.some((one) => one.name === name && one.fromMs < toMs && one.toMs > fromMs)) return false;
    this.#away.push({ name, label, fromMs, toMs });
    return true;
  }

  #newDeck(): FaultKind[] {
    return this.#shuffled(
      this.#options.kinds.flatMap((kind) => Array.from({ length: deckOf[kind] }, () => kind)),
    );
  }

  #manner(): CutManner {
    return this.#pick(['cut', 'answers lost', 'requests lost'] as const);
  }

  #between(fromMs: number, toMs: number): number {
    return Math.round(fromMs + this.#random.next() * (toMs - fromMs));
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random.next() * from.length)]!;
  }

  #shuffled<T>(from: readonly T[]): T[] {
    const left = [...from];
    const out: T[] = [];
    while (left.length > 0) out.push(left.splice(Math.floor(this.#random.next() * left.length), 1)[0]!);
    return out;
  }
}
