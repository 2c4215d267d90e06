// One run of one scenario: floors first, then the scenario, then everything a figure has to be read with.
import { type Floors, measureFloors } from './floors.ts';
import type { Result } from './result.ts';
import type { RunOptions, Scenario, Started } from './scenario.ts';
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
const started = new Set<Started>();

export async function runOne(scenario: Scenario, options: RunOneOptions): Promise<Result> {
  const { say } = options;
  const surroundings = { machine: machine(), versions: await versions(), commit: commitOf(options.checkout) };
  let floors = options.floors === 'none' ? undefined : options.floors;
  if (options.floors === undefined && !scenario.needsNoFloors) {
    say('measuring the floors');
    floors = await measureFloors(floorSeconds);
  }
  say(`${scenario.name}: ${scenario.work}`);
  let breakOff: (error: Error) => void = () => undefined;
  const broken = new Promise<never>((_resolve, reject) => (breakOff = reject));
  const onStarted = (one: Started): void => {
    started.add(one);
    one.died?.catch(breakOff);
  };
  try {
    const running = scenario.run({ ...options, seconds: options.seconds ?? scenario.seconds, onStarted });
    const result = await Promise.race([running, broken]);
    return {
      ...result,
      ...(floors === undefined ? {} : { floors }),
      durability: durabilityOf(scenario, options.natsServers ?? 1),
      ...surroundings,
      measured_at: new Date().toISOString(),
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

function durabilityOf({ isSynced }: Scenario, natsServers: 1 | 3): string {
  const servers = natsServers === 1 ? 'one NATS server' : 'three NATS servers, three copies';
  const sync = isSynced
    ? 'sync always: every acknowledged message is on disk'
    : 'sync every 2 minutes: survives a crash of every process, not of the machine';
  return `${servers}, file storage, ${sync}`;
}
