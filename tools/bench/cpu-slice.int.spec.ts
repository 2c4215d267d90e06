// The keeper of slices against a real process that would like to have a whole core.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { waitUntil } from '@parley/testing/servers';
import { expect, it } from 'vitest';
import { CpuSlice } from './cpu-slice.ts';
import { hasProc } from './process-meter.ts';

const stopped = 'T';

const stateOf = (pid: number): string =>
  /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]!;

it.skipIf(!hasProc)(
  'a process that is ahead of its slice stands still, and runs when slices end',
  async () => {
    const child = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
    try {
      await once(child, 'spawn');
      const pid = child.pid!;
      const slice = await CpuSlice.start({ pids: [pid], share: 0.01 });
      await waitUntil(() => stateOf(pid) === stopped, { what: 'the process stands still', limitMs: 20_000 });
      await slice.stop();
      expect(stateOf(pid)).not.toBe(stopped);
    } finally {
      child.kill('SIGKILL');
    }
  },
);
