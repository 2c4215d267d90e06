// What a scenario is: a name, what it does, and how it runs. The table is in scenarios.ts.
import type { AppName } from '@parley/testing/servers';
import type { Floors } from './floors.ts';
import type { Figure, Result, Target } from './result.ts';
import type { StandOptions } from './stand.ts';

/** What a scenario has started. */
export interface Started {
  stop(): Promise<void>;
  /** Rejects when it breaks by itself. */
  readonly died?: Promise<never>;
}

export interface RunOptions {
  readonly seconds: number;
  /** Load processes; default: what the scenario needs. */
  readonly loaders?: number | undefined;
  readonly gateways?: number | undefined;
  readonly sessionActors?: number | undefined;
  readonly natsServers?: 1 | 3 | undefined;
  /** Connections, events or users, where the scenario has such a number. */
  readonly n?: number | undefined;
  /** In the store that `search` searches. */
  readonly messages?: number | undefined;
  /** Where a scenario finds and leaves what is slow to make. */
  readonly folder?: string | undefined;
  readonly profiled?: AppName | 'load' | undefined;
  readonly profileFolder?: string | undefined;
  /** Whose built apps run; default: this one's. */
  readonly checkout?: string | undefined;
  readonly say: (line: string) => void;
  /** Told of everything that has to be stopped when the bench is interrupted. */
  readonly onStarted: (started: Started) => void;
}

export interface Scenario {
  readonly name: string;
  readonly work: string;
  readonly seconds: number;
  /** By which two versions are compared; absent where one figure does not tell it. */
  readonly figure?: Figure;
  /** The NATS server syncs before it acknowledges. */
  readonly isSynced?: boolean;
  /** `targetsOf` needs no floors. */
  readonly needsNoFloors?: boolean;
  run(options: RunOptions): Promise<Result>;
  /** `resultOf`: other scenarios of the same report. */
  targetsOf(
    result: Result,
    floors: Partial<Floors> | undefined,
    resultOf: (scenario: string) => Result | undefined,
  ): readonly Target[];
}

/** The part of the stand's options that the command line decides. */
export const standOptionsOf = (options: RunOptions, loaders = 1): StandOptions => ({
  loaders: options.loaders ?? loaders,
  gateways: options.gateways ?? 1,
  sessionActors: options.sessionActors ?? 1,
  natsServers: options.natsServers ?? 1,
  profiled: options.profiled,
  checkout: options.checkout,
  ...(options.profileFolder === undefined ? {} : { profileFolder: options.profileFolder }),
  say: options.say,
});
