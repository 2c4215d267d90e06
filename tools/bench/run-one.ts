// One run of one scenario: floors first, then the scenario, then everything a figure has to be read with.
import { type Floors, measureFloors } from './floors.ts';
import type { Result } from './result.ts';
import type { RunOptions, Scenario } from './scenario.ts';
import { commitOf, machine, versions } from './surroundings.ts';

export interface RunOneOptions extends Omit<RunOptions, 'seconds' | 'onStarted'> {
  /** Other scenarios of the same report. */
  readonly resultOf?: (scenario: string) => Result | undefined;
  /** Default: the scenario's own. */
  readonly seconds?: number | undefined;
  /** Measured already, for several runs that share them; `none` skips them. */
  readonly floors?: Floors | 'none' | undefined;
}

const floorSeconds = 2;
const started = new Set<{ stop(): Promise<void> }>();

export async function runOne(scenario: Scenario, options: RunOneOptions): Promise<Result> {
  const { say } = options;
  const surroundings = { machine: machine(), versions: await versions(), commit: commitOf(options.checkout) };
  let floors = options.floors === 'none' ? undefined : options.floors;
  if (options.floors === undefined && !scenario.needsNoFloors) {
    say('measuring the floors');
    floors = await measureFloors(floorSeconds);
  }
  say(`${scenario.name}: ${scenario.work}`);
  try {
    const result = await scenario.run({
      ...options,
      seconds: options.seconds ?? scenario.seconds,
      onStarted: (one) => started.add(one),
    });
    return {
      ...result,
      ...(floors === undefined ? {} : { floors }),
      durability: durabilityOf(scenario),
      ...surroundings,
      targets: scenario.targetsOf(result, floors, options.resultOf ?? (() => undefined)),
    };
  } finally {
    await stopStarted();
  }
}

/** Ends whatever a run has started: at its end, and when the bench is interrupted. */
export async function stopStarted(): Promise<void> {
  const all = [...started];
  started.clear();
  await Promise.all(all.map((one) => one.stop()));
}

const durabilityOf = ({ isSynced }: Scenario): string =>
  isSynced
    ? 'one NATS server, file storage, sync always: every acknowledged message is on disk'
    : 'one NATS server, file storage, sync every 2 minutes: survives a crash of every process, not of the machine';
