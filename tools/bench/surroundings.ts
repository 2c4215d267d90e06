// What a figure was measured on: without it figures of two days cannot be compared.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { projectFolder, toolPath } from '@parley/testing/servers';

const wanted = ['uWebSockets.js', '@nats-io/jetstream', 'protobufjs'] as const;

export async function versions(): Promise<Record<string, string>> {
  const packages = wanted.map((name) => {
    const file = path.join(projectFolder, 'node_modules', name, 'package.json');
    return [name, (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version];
  });
  return {
    node: process.version,
    nats: await programVersion('nats-server'),
    ...Object.fromEntries(packages),
  } as Record<string, string>;
}

async function programVersion(name: 'nats-server'): Promise<string> {
  const output = execFileSync(await toolPath(name), ['--version'], { encoding: 'utf8' });
  return /\d+\.\d+\.\d+\S*/.exec(output)?.[0] ?? output.trim();
}

export function machine(): Record<string, string | number> {
  const [first] = os.cpus();
  return {
    cpu: first?.model ?? 'unknown',
    cores: os.availableParallelism(),
    memory_gb: Math.round(os.totalmem() / 2 ** 30),
    kernel: os.release(),
    load_before: Math.round(os.loadavg()[0]! * 100) / 100,
  };
}

/** What figures depend on. A commit that changes only documents or the report measures the same as the one before. */
const measuredPaths = ['apps', 'libs', 'proto', 'package.json', 'package-lock.json', 'tools/bench/load'];

/** The last commit that changed what is measured; `+` behind it: with changes that are not committed. Empty without git. */
export function commitOf(folder: string = projectFolder): string {
  try {
    const hash = git(folder, 'log', '-1', '--abbrev=10', '--format=%h', '--', ...measuredPaths);
    const isClean =
      git(folder, 'status', '--porcelain', '--untracked-files=no', '--', ...measuredPaths) === '';
    return `${hash}${isClean ? '' : '+'}`;
  } catch {
    return '';
  }
}

/** The short hash of a branch, a tag or `main~3`. */
export const nameOf = (commit: string, folder: string = projectFolder): string =>
  git(folder, 'rev-parse', '--short=10', commit);

const git = (folder: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
