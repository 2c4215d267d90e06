// Generates the protobuf code of libs/protocol from proto/: protobufjs static code and its types, into src/generated
// (for sources run directly) and dist/generated (for built apps). Not committed; does nothing while it is fresh.
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const root = path.resolve(import.meta.dirname, '..');
const bin = (name) => path.join(root, 'node_modules', '.bin', name);
const out = path.join(root, 'libs/protocol/src/generated');
const copy = path.join(root, 'libs/protocol/dist/generated');
const code = path.join(out, 'messages.js');
const types = path.join(out, 'messages.d.ts');

export function generate() {
  if (!isFresh()) {
    mkdirSync(out, { recursive: true });
    // Types are read from the comments; the code that ships has none.
    runPbjs([], code);
    execFileSync(bin('pbts'), ['-o', types, code], { cwd: root, stdio: 'inherit' });
    runPbjs(['--no-comments'], code);
    const banner = '// Generated from proto/ by `npm run generate`. Do not edit.\n';
    for (const file of [code, types]) writeFileSync(file, banner + readFileSync(file, 'utf8'));
  }
  mkdirSync(copy, { recursive: true });
  for (const file of [code, types]) copyFileSync(file, path.join(copy, path.basename(file)));
}

function protos() {
  return readdirSync(path.join(root, 'proto'), { recursive: true })
    .filter((name) => name.endsWith('.proto'))
    .sort()
    .map((name) => `proto/${name}`);
}

function isFresh() {
  if (!existsSync(code) || !existsSync(types)) return false;
  const generatedAt = Math.min(statSync(code).mtimeMs, statSync(types).mtimeMs);
  return [...protos(), import.meta.filename].every(
    (file) => statSync(path.resolve(root, file)).mtimeMs < generatedAt,
  );
}

function runPbjs(options, target) {
  const fixed = [
    '-t',
    'static-module',
    '-w',
    'es6',
    '--es6',
    '--no-delimited',
    '--no-verify',
    '--no-service',
    '--force-number',
  ];
  execFileSync(bin('pbjs'), [...fixed, ...options, '-p', 'proto', '-o', target, ...protos()], {
    cwd: root,
    stdio: 'inherit',
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) generate();
