// The checks must fail when a rule is broken on purpose: each breach is planted in a copy of the layout, beside code
// that keeps the rules.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { copyFile, mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Outcome, checks, projectFolder, runCheck } from './checks.ts';

const libraries = ['std', 'domain', 'protocol', 'runtime', 'adapters', 'platform', 'client', 'testing'];
let folder: string;
let directions: Outcome;
let lint: Outcome;

/** A file of the copy, and the rule it must be caught by. */
const breaches: readonly { readonly file: string; readonly code: string; readonly rule: string }[] = [
  breach('libs/std/src/a.ts', `import '@parley/domain';`, 'std-imports-only-nothing'),
  breach('libs/domain/src/a.ts', `import '@parley/runtime';`, 'domain-and-runtime-do-not-know-each-other'),
  breach('libs/runtime/src/a.ts', `import '@parley/domain';`, 'domain-and-runtime-do-not-know-each-other'),
  breach('libs/domain/src/b.ts', `import 'node:crypto';`, 'domain-is-pure'),
  breach('libs/runtime/src/b.ts', `import 'node:net';`, 'runtime-reaches-the-world-through-ports'),
  breach('libs/runtime/src/c.ts', `import 'node:zlib';`, 'zlib-only-in-wire'),
  breach('libs/domain/src/c.ts', `import 'zod';`, 'no-packages-in-the-core'),
  breach(
    'libs/adapters/src/a.ts',
    `import '@parley/platform';`,
    'adapters-imports-only-std-runtime-protocol',
  ),
  breach('libs/client/src/a.ts', `import '@parley/runtime';`, 'client-imports-only-std-protocol'),
  breach('libs/client/src/b.ts', `import '../../std/src/inner.ts';`, 'packages-by-their-name'),
  breach('libs/adapters/src/b.ts', `import '@nestjs/common';`, 'nest-stays-at-the-door'),
  breach('apps/gateway/src/a.ts', `import '../../history/src/index.ts';`, 'apps-do-not-import-apps'),
  breach('apps/gateway/src/b.ts', `import '@parley/testing';`, 'testing-is-for-tests'),
  breach('apps/gateway/src/c.ts', `import './d.ts';`, 'no-cycles'),
  breach('apps/gateway/src/e.ts', `import './nowhere.ts';`, 'everything-is-found'),
];

const impurities: readonly { readonly file: string; readonly code: string; readonly rule: string }[] = [
  breach(
    'libs/domain/src/clock.ts',
    'export const now = (): number => Date.now();',
    'no-restricted-properties',
  ),
  breach(
    'libs/runtime/src/dice.ts',
    'export const dice = (): number => Math.random();',
    'no-restricted-properties',
  ),
  breach(
    'libs/runtime/src/timer.ts',
    'export const wait = (f: () => void) => setTimeout(f, 1);',
    'no-restricted-globals',
  ),
  breach(
    'libs/adapters/src/floating.ts',
    'const work = async (): Promise<void> => {};\nexport const start = (): void => {\n  work();\n};',
    'no-floating-promises',
  ),
];

function breach(file: string, code: string, rule: string) {
  return { file, code, rule };
}

function write(file: string, code: string): void {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  writeFileSync(path.join(folder, file), `${code}\n`);
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'parley-breach-'));
  for (const file of ['.dependency-cruiser.mjs', '.oxlintrc.json', 'tsconfig.base.json', 'package.json']) {
    await copyFile(path.join(projectFolder, file), path.join(folder, file));
  }
  mkdirSync(path.join(folder, 'node_modules/@parley'), { recursive: true });
  for (const name of ['@nestjs', 'zod', '@types', 'typescript', '.bin']) {
    symlinkSync(path.join(projectFolder, 'node_modules', name), path.join(folder, 'node_modules', name));
  }
  for (const name of libraries) {
    write(`libs/${name}/src/index.ts`, `export const ${name} = '${name}';`);
    await copyFile(
      path.join(projectFolder, 'libs', name, 'package.json'),
      path.join(folder, 'libs', name, 'package.json'),
    );
    write(`libs/${name}/tsconfig.json`, '{ "extends": "../../tsconfig.base.json", "include": ["src"] }');
    symlinkSync(path.join(folder, 'libs', name), path.join(folder, 'node_modules/@parley', name));
  }
  write('libs/std/src/inner.ts', 'export const inner = 1;');
  write('libs/adapters/src/kept.ts', `import '@parley/runtime';\nimport '@parley/std';`);
  write('libs/runtime/src/wire/kept.ts', `import 'node:zlib';`);
  write('apps/history/src/index.ts', `import '@parley/domain';`);
  write('apps/gateway/src/d.ts', `import './c.ts';`);
  write('tools/kept.ts', `import '@parley/testing';`);
  for (const { file, code } of [...breaches, ...impurities]) write(file, code);
  const named = (name: string) => checks.find((check) => check.name === name)!;
  directions = await runCheck(named('import directions'), folder);
  lint = await runCheck(named('lint'), folder);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the check of import directions', () => {
  it.each(breaches)('catches $rule in $file', ({ file, rule }) => {
    expect(directions.isPassed).toBe(false);
    expect(linesOf(directions.output)).toContainEqual(expect.stringMatching(`${rule}: ${file}( |$)`));
  });

  it.each([
    'libs/adapters/src/kept.ts',
    'libs/runtime/src/wire/kept.ts',
    'apps/history/src/index.ts',
    'tools/kept.ts',
  ])('has nothing against %s', (file) => {
    expect(directions.output).not.toContain(`: ${file} →`);
  });
});

describe('the lint check', () => {
  it.each(impurities)('catches $rule in $file', ({ file, rule }) => {
    expect(lint.isPassed).toBe(false);
    const blocks = lint.output.split(/\n\s*\n/);
    expect(blocks).toContainEqual(expect.stringMatching(new RegExp(`\\(${rule}\\)[^]*${file}`)));
  });
});

function linesOf(output: string): string[] {
  return output.split('\n').map((line) => line.trim());
}
