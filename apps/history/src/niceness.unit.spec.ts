// In a process of its own: a process cannot take its niceness back.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const script = `
import { readdirSync, readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { giveWay } from './niceness.ts';
const niceness = () =>
  readdirSync('/proc/self/task').map((id) => {
    const stat = readFileSync('/proc/self/task/' + id + '/stat', 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
  });
for (const each of JSON.parse(process.argv[1])) giveWay(each);
const worker = new Worker('setInterval(() => undefined, 1000)', { eval: true });
worker.once('online', () => {
  console.log(JSON.stringify([...new Set(niceness())]));
  process.exit();
});
`;

/** The niceness of all threads, those that were started afterwards too. */
function nicenessAfter(...calls: readonly number[]): unknown {
  const told = execFileSync(
    process.execPath,
    ['--conditions=source', '--input-type=module', '--eval', script, JSON.stringify(calls)],
    { cwd: path.join(import.meta.dirname), encoding: 'utf8' },
  );
  return JSON.parse(told);
}

describe.runIf(process.platform === 'linux')('giveWay', () => {
  it('holds for every thread, the later ones too', () => {
    expect(nicenessAfter(19)).toEqual([19]);
  });

  it('never takes back what the process was started with', () => {
    expect(nicenessAfter(19, 18)).toEqual([19]);
  });
});
