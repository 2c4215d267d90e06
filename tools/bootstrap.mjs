// The way into every command of the project: brings a fresh clone to the point where TypeScript tools run, then runs
// the task. Plain JavaScript for whatever Node the machine has (>= 20); the task itself runs on the Node 22 that npm
// brings.   node tools/bootstrap.mjs <task> [arguments]
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ToolchainError, ensureToolchain } from './toolchain.mjs';

const root = path.resolve(import.meta.dirname, '..');
const node = path.join(root, 'node_modules/.bin/node');
const lockFile = path.join(root, '.parley/bootstrap.lock');
const heartbeatMs = 10_000;
const lockPollMs = 200;
const parentPollMs = 500;

/** What each task needs before it runs, and the file that is the task. */
const tasks = {
  start: { steps: ['packages', 'code', 'build', 'servers'], file: 'tools/start.ts' },
  demo: { steps: ['packages', 'code', 'build', 'servers'], file: 'tools/demo.ts' },
  faults: { steps: ['packages', 'code', 'build', 'servers'], file: 'tools/faults.ts' },
  durability: { steps: ['packages', 'code', 'servers'], file: 'tools/durability.ts' },
  simulate: { steps: ['packages', 'code'], file: 'tools/simulate.ts' },
  verify: { steps: ['packages', 'code'], file: 'tools/verify.ts' },
  'rebuild-history': { steps: ['packages', 'code'], file: 'tools/rebuild-history.ts' },
  past: { steps: ['packages', 'code'], file: 'tools/past.ts' },
  erasure: { steps: ['packages', 'code'], file: 'tools/erasure.ts' },
  replay: { steps: ['packages', 'code', 'build', 'servers'], file: 'tools/replay.ts' },
  bench: { steps: ['packages', 'code', 'build', 'servers'], file: 'tools/bench.ts' },
  chat: { steps: ['packages', 'code', 'build'], file: 'apps/cli/dist/main.js' },
  // Type checking is one of its checks, so the build is its own.
  test: { steps: ['packages', 'code', 'servers'], file: 'tools/test.ts' },
  check: { steps: ['packages', 'code'], file: 'tools/test.ts', args: ['--checks-only'] },
  build: { steps: ['packages', 'code', 'build'] },
  'analyst-access': { steps: ['packages', 'code'], file: 'tools/analyst-access.ts' },
  generate: { steps: ['packages', 'code'] },
};

const stepTitles = { packages: 'packages', code: 'protobuf code', build: 'build', servers: 'servers' };
const externalVariables = { 'nats-server': 'PARLEY_NATS_URL', 'redis-server': 'PARLEY_REDIS_URL' };
const overrideVariables = { 'nats-server': 'NATS_SERVER_BIN', 'redis-server': 'REDIS_SERVER_BIN' };

/** A step that failed for a reason already shown, or told in its message. */
class StepFailed extends Error {}

const [taskName = '', ...taskArgs] = process.argv.slice(2);
const task = tasks[taskName];
if (!task) {
  process.stderr.write(`usage: node tools/bootstrap.mjs <${Object.keys(tasks).join('|')}> [arguments]\n`);
  process.exit(2);
}

let current; // the child that runs now, for forwarding signals
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    interrupted = true;
    // The terminal may have sent it to the child already: tasks count signals of one instant once.
    current?.kill(signal);
  });
}

// npm's shell does not pass signals on: killed, it leaves us behind. Its end is the signal then.
if (process.env.npm_lifecycle_event) {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    interrupted = true;
    current?.kill('SIGTERM');
  }, parentPollMs);
  watch.unref();
}

try {
  await exclusively(() => prepare(task, taskName));
  process.exitCode = task.file ? await runTask(task) : 0;
} catch (error) {
  if (!(error instanceof StepFailed || error instanceof ToolchainError)) throw error;
  if (error.message) process.stderr.write(`\n${error.message}\n`);
  process.exitCode = interrupted ? 130 : 1;
}

async function prepare({ steps }, name) {
  const actions = { packages, code, build, servers };
  for (const [index, step] of steps.entries()) {
    const label = `${index + 1}/${steps.length} ${stepTitles[step]}`;
    const startedAt = performance.now();
    const seconds = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
    say(`${label} …`);
    const heartbeat = setInterval(() => say(`${label} … ${seconds()}`), heartbeatMs);
    try {
      const done = await actions[step](name);
      say(`${label}: ${done}, ${seconds()}`);
    } finally {
      clearInterval(heartbeat);
    }
    if (interrupted) throw new StepFailed('interrupted');
  }
}

async function packages() {
  if (packagesAreCurrent()) return 'up to date';
  // npm run sets npm_execpath to the npm that is in use; started by hand, npm is taken from the PATH.
  const npm = process.env.npm_execpath?.endsWith('.js')
    ? [process.execPath, process.env.npm_execpath]
    : ['npm'];
  // npm removes node_modules first, our own Node among it when npm put that on the PATH.
  const command = existsSync(npm[0]) || npm[0] === 'npm' ? npm : ['npm'];
  const [program, ...args] = [...command, 'ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const code = await runQuietly(program, args, { showOnFailure: true });
  if (code !== 0)
    throw new StepFailed(
      'Installing the npm packages failed (see above). Is the npm registry reachable? Run it again when it is.',
    );
  if (!existsSync(node))
    throw new StepFailed(
      `The package "node" did not bring its program (${node}). Are install scripts switched off (npm config get ignore-scripts)?`,
    );
  return 'installed';
}

/** npm's own record of what it installed, compared with the lock file: right also after a hand-made `npm install`. */
function packagesAreCurrent() {
  const installedFile = path.join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installedFile) || !existsSync(node)) return false;
  const wanted = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages;
  return Object.entries(wanted).every(([folder, entry]) => {
    if (folder === '') return true;
    const present = installed[folder];
    if (!present) return entry.optional === true; // another platform's
    return (
      present.version === entry.version &&
      present.integrity === entry.integrity &&
      present.link === entry.link
    );
  });
}

async function code() {
  const exitCode = await runQuietly(node, [path.join(root, 'tools/generate.mjs')], { showOnFailure: true });
  if (exitCode !== 0) throw new StepFailed('Generating the protobuf code failed (see above).');
  return 'ready';
}

async function build() {
  const exitCode = await runQuietly(node, [path.join(root, 'node_modules/typescript/bin/tsc'), '-b'], {
    showOnFailure: true,
  });
  if (exitCode !== 0) throw new StepFailed('The build failed (see above).');
  return 'ready';
}

async function servers(name) {
  // Tests and the demo start servers of their own, so an external server does not replace the programs there.
  const isReplaced = (tool) => name === 'start' && process.env[externalVariables[tool]];
  const names = Object.keys(externalVariables).filter((tool) => !isReplaced(tool));
  const found = await ensureToolchain({ names, log: (line) => say(`    ${line}`) });
  for (const [tool, file] of Object.entries(found)) process.env[overrideVariables[tool]] = file;
  return names.length === 0 ? 'external' : 'ready';
}

async function runTask({ file, args = [] }) {
  const target = path.join(root, file);
  if (!existsSync(target)) throw new StepFailed(`${file} is not there.`);
  // Tools and libraries run straight from TypeScript; built apps load the built libraries.
  const conditions = file.endsWith('.ts')
    ? ['--conditions=source', '--disable-warning=ExperimentalWarning']
    : [];
  const child = spawn(node, [...conditions, target, ...args, ...taskArgs], {
    stdio: 'inherit',
    env: environment(),
  });
  return watch(child);
}

/** Runs a step's program and keeps its output back unless it fails. */
async function runQuietly(program, args, { showOnFailure }) {
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: environment() });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
  const exitCode = await watch(child);
  if (exitCode !== 0 && showOnFailure) process.stderr.write(Buffer.concat(output));
  return exitCode;
}

function watch(child) {
  current = child;
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new StepFailed(`${child.spawnfile} does not run: ${error.message}`)));
    child.on('close', (exitCode, signal) => {
      current = undefined;
      resolve(exitCode ?? 128 + (os.constants.signals[signal] ?? 0));
    });
  });
}

/** npm's script environment, whoever started us: the project's own programs come first. */
function environment() {
  return { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? ''}` };
}

/** Two commands at once: the second waits until the first has prepared the folder. A lock of a dead process is void. */
async function exclusively(action) {
  mkdirSync(path.dirname(lockFile), { recursive: true });
  let hasSaidSo = false;
  while (!tryLock()) {
    if (interrupted) throw new StepFailed('interrupted');
    if (!hasSaidSo)
      say(`waiting for another Parley command to finish preparing (process ${lockOwner() ?? '?'})`);
    hasSaidSo = true;
    await delay(lockPollMs);
  }
  try {
    await action();
  } finally {
    rmSync(lockFile, { force: true });
  }
}

function tryLock() {
  try {
    writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const owner = lockOwner();
  if (owner !== undefined && !isAlive(owner)) rmSync(lockFile, { force: true });
  return false;
}

function lockOwner() {
  try {
    return Number(readFileSync(lockFile, 'utf8')) || undefined;
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

// Progress goes to stderr, so that a task's own output (a JSON line, say) can be piped.
function say(line) {
  process.stderr.write(`[parley] ${line}\n`);
}
