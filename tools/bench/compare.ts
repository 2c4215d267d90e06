// Two versions in turn, pair by pair, in changing order: what else happens on the machine falls on both. The other version's
// built processes are driven by this bench, so that it may be older than the bench itself.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectFolder } from '@parley/testing/servers';
import { median } from '../percentile.ts';
import type { Figure, Result } from './result.ts';
import { type RunOneOptions, runOne } from './run-one.ts';
import type { Scenario } from './scenario.ts';
import { commitOf, nameOf } from './surroundings.ts';

export interface Comparison {
  readonly scenario: string;
  readonly figure: Figure['name'];
  readonly here: string;
  readonly there: string;
  readonly pairs: readonly { readonly here: number; readonly there: number; readonly ratio: number }[];
  /** Here against there: above 1 this tree is better, whichever way the figure counts. */
  readonly ratio_median: number;
  readonly ratio_min: number;
  readonly ratio_max: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly out_of_order: number;
}

/** A scenario that one figure tells the worth of. */
export type ComparableScenario = Scenario & { readonly figure: Figure };

export interface CompareOptions {
  readonly commit: string;
  readonly scenario: ComparableScenario;
  readonly pairs: number;
  readonly run: RunOneOptions;
  readonly onStarted: (started: { stop(): Promise<void> }) => void;
}

export async function compareWith({
  commit,
  scenario,
  pairs,
  run,
  onStarted,
}: CompareOptions): Promise<Comparison> {
  const folder = mkdtempSync(path.join(tmpdir(), 'parley-compare-'));
  const remove = (): Promise<void> => {
    rmSync(folder, { recursive: true, force: true });
    return Promise.resolve();
  };
  onStarted({ stop: remove });
  try {
    await checkOut(commit, folder, run.say);
    const done: { here: Result; there: Result }[] = [];
    for (let pair = 0; pair < pairs; pair += 1) {
      run.say(`pair ${pair + 1} of ${pairs}`);
      const here = () => runOne(scenario, { ...run, floors: 'none' });
      const there = () => runOne(scenario, { ...run, floors: 'none', checkout: folder });
      if (pair % 2 === 0) done.push({ there: await there(), here: await here() });
      else done.push({ here: await here(), there: await there() });
    }
    return comparisonOf(scenario, { here: commitOf(), there: nameOf(commit) }, done);
  } finally {
    await remove();
  }
}

/** @internal For the test. */
export function comparisonOf(
  { name, figure }: Pick<ComparableScenario, 'name' | 'figure'>,
  names: { readonly here: string; readonly there: string },
  done: readonly { readonly here: Result; readonly there: Result }[],
): Comparison {
  const pairs = done.map((pair) => {
    const [here, there] = [pair.here[figure.name] ?? 0, pair.there[figure.name] ?? 0];
    return { here, there, ratio: figure.isLowerBetter ? there / here : here / there };
  });
  const ratios = pairs.map(({ ratio }) => ratio);
  const sum = (of: 'lost' | 'duplicated' | 'out_of_order'): number =>
    done.reduce((total, pair) => total + pair.here[of] + pair.there[of], 0);
  return {
    scenario: name,
    figure: figure.name,
    ...names,
    pairs,
    ratio_median: median(ratios),
    ratio_min: Math.min(...ratios),
    ratio_max: Math.max(...ratios),
    lost: sum('lost'),
    duplicated: sum('duplicated'),
    out_of_order: sum('out_of_order'),
  };
}

export function showComparison(comparison: Comparison): string {
  const { scenario, figure, here, there, pairs, ratio_median, ratio_min, ratio_max } = comparison;
  const rows = pairs.map(
    (pair, index) =>
      `  pair ${index + 1}: ${pair.here.toLocaleString('en')} against ${pair.there.toLocaleString('en')}, ${pair.ratio.toFixed(3)} ×`,
  );
  const spread = `${ratio_min.toFixed(3)} … ${ratio_max.toFixed(3)}`;
  return `${scenario}, ${figure}: ${here || 'this tree'} against ${there}\n${rows.join('\n')}\n  better by ${ratio_median.toFixed(3)} × (${spread}); above 1 this tree is better\n`;
}

/**
 * The commit's files in a folder of its own, prepared by its own bootstrap. Not a git worktree: a bench that is killed
 * would leave its registration in the repository.
 */
async function checkOut(commit: string, folder: string, say: (line: string) => void): Promise<void> {
  say(`checking out ${commit}`);
  const archive = `${folder}.tar`;
  try {
    await runProgram('git', ['archive', '--format=tar', `--output=${archive}`, commit], projectFolder);
    await runProgram('tar', ['-xf', archive, '-C', folder], projectFolder);
  } finally {
    rmSync(archive, { force: true });
  }
  // What is installed here is mostly what is wanted there; its bootstrap installs again where it is not.
  const modules = path.join(projectFolder, 'node_modules');
  if (existsSync(modules)) await runProgram('cp', ['-a', '--reflink=auto', modules, folder], projectFolder);
  say('building it');
  await runProgram(process.execPath, ['tools/bootstrap.mjs', 'build'], folder);
}

function runProgram(program: string, args: readonly string[], cwd: string): Promise<void> {
  const child = spawn(program, [...args], { cwd, stdio: ['ignore', 2, 2] });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => {
      if (exitCode === 0) resolve();
      else reject(new Error(`${program} ${args.join(' ')} ended with ${exitCode}`));
    });
  });
}
