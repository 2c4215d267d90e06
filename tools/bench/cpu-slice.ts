// Holds processes to a slice of one core each, so that a machine with few cores shows what several small ones would do: a
// process that has used up its slice is stopped (SIGSTOP) until it has some again. Works wherever there is /proc; control
// groups and CPU sets would be finer, but need rights or cores that are not everywhere. The work is done by a process of its
// own, which lets everything run again when the bench is gone, however it ended.
import path from 'node:path';
import { type GuardedProcess, projectFolder, spawnGuarded } from '@parley/testing/servers';

export interface SliceOrder {
  readonly pids: readonly number[];
  /** Of one core, 0 … 1; each process has its own. */
  readonly share: number;
}

export class CpuSlice {
  readonly #process: GuardedProcess;

  private constructor(process: GuardedProcess) {
    this.#process = process;
  }

  static async start(order: SliceOrder): Promise<CpuSlice> {
    const process = await spawnGuarded({
      command: path.join(projectFolder, 'node_modules/.bin/node'),
      args: [
        '--disable-warning=ExperimentalWarning',
        path.join(import.meta.dirname, 'cpu-slice-process.ts'),
        JSON.stringify(order),
      ],
      output: 2,
      ipc: true,
    });
    return new CpuSlice(process);
  }

  get exited(): GuardedProcess['exited'] {
    return this.#process.exited;
  }

  /** Afterwards all processes run freely. */
  async stop(): Promise<void> {
    await this.#process.stop(2_000);
  }
}
