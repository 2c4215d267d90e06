// Finds the two servers Parley stands on, nats-server and redis-server, and gets what is missing: Debian's own package,
// downloaded by a private apt (own sources, state and cache) and unpacked into a cache folder. The system is not changed.
// Plain JavaScript without packages: it runs on Node 20 before anything is installed.
//   node tools/toolchain.mjs [nats-server] [redis-server]     prints one JSON line: {"nats-server": path, ...}
import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { accessSync, constants, createReadStream, existsSync, readFileSync, readdirSync } from 'node:fs';
import { chmod, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const manifestName = 'parley-tool.json';
const aptTimeoutSeconds = 30;
const aptRetries = 2;
const versionTimeoutMs = 10_000;
// Libraries of libraries: the deepest chain seen is two.
const libraryRoundsMax = 4;
const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** A tool: where it may be given, which version is enough, and which Debian packages bring it. */
const tools = {
  'nats-server': {
    overrideVariable: 'NATS_SERVER_BIN',
    externalVariable: 'PARLEY_NATS_URL',
    versionFloor: [2, 12],
    versionPattern: /v(\d+)\.(\d+)\.(\d+)/,
    // Debian 12 and 13 have older ones; the program needs nothing but libc, so the newest suite's runs everywhere.
    suites: ['forky', 'sid'],
    packages: ['nats-server'],
    executable: 'usr/sbin/nats-server',
  },
  'redis-server': {
    overrideVariable: 'REDIS_SERVER_BIN',
    externalVariable: 'PARLEY_REDIS_URL',
    versionFloor: [6, 2],
    versionPattern: /v=(\d+)\.(\d+)\.(\d+)/,
    // The machine's own suite, because the program uses shared libraries of that suite.
    suites: ['own'],
    packages: ['redis-server', 'redis-tools'],
    executable: 'usr/bin/redis-server',
  },
};

/** Something the person at the machine can repair; shown without a stack. */
export class ToolchainError extends Error {
  name = 'ToolchainError';
}

/**
 * Finds or fetches the named tools and returns their paths.
 * Safe to call from several processes at once. `log` gets progress lines.
 */
export async function ensureToolchain({ names = Object.keys(tools), log = () => {} } = {}) {
  const found = {};
  for (const name of names) found[name] = await ensureTool(name, log);
  return found;
}

async function ensureTool(name, log) {
  const tool = tools[name];
  if (!tool) throw new ToolchainError(`unknown tool ${name}`);
  const given = process.env[tool.overrideVariable];
  if (given) {
    const version = await versionOf(tool, given);
    if (!version) throw new ToolchainError(`${tool.overrideVariable}=${given} is not a ${name} that runs`);
    if (!isEnough(tool, version))
      throw new ToolchainError(
        `${tool.overrideVariable}=${given} is ${version.join('.')}, needed is ${floor(tool)}`,
      );
    return given;
  }
  const onPath = lookUp(name);
  if (onPath && isEnough(tool, await versionOf(tool, onPath))) return onPath;
  return (await cached(name)) ?? (await download(name, tool, log));
}

function lookUp(name) {
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter((folder) => folder !== '');
  // Debian keeps servers in sbin, which is not on the PATH of ordinary users.
  for (const folder of [...folders, ...(folders.length > 0 ? ['/usr/local/sbin', '/usr/sbin'] : [])]) {
    const file = path.join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch (error) {
      if (!['ENOENT', 'EACCES', 'ENOTDIR'].includes(error.code)) throw error;
    }
  }
  return undefined;
}

async function versionOf(tool, executable) {
  try {
    const { stdout, stderr } = await run(executable, ['--version'], { timeout: versionTimeoutMs });
    const match = tool.versionPattern.exec(stdout + stderr);
    return match ? match.slice(1, 4).map(Number) : undefined;
  } catch {
    return undefined; // does not run: the same as not there
  }
}

function isEnough(tool, version) {
  if (!version) return false;
  const [major, minor] = tool.versionFloor;
  return version[0] > major || (version[0] === major && version[1] >= minor);
}

const floor = (tool) => `${tool.versionFloor.join('.')} or newer`;

function toolsFolder() {
  const cache = process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache');
  return path.join(cache, 'parley', 'tools');
}

/** The cached tool when it is whole: every file still has the SHA-256 recorded at download. */
async function cached(name) {
  const folder = path.join(toolsFolder(), name);
  let manifest;
  try {
    manifest = JSON.parse(await readFile(path.join(folder, manifestName), 'utf8'));
    for (const [file, sha256] of Object.entries(manifest.files)) {
      if ((await sha256Of(path.join(folder, file))) !== sha256) return undefined;
    }
  } catch {
    return undefined; // never downloaded, or damaged: fetched anew
  }
  return path.join(folder, manifest.executable);
}

async function download(name, tool, log) {
  const wanted = `Parley needs ${name} ${floor(tool)}.`;
  const otherWays = `Install it, or set ${tool.overrideVariable} to its path, or set ${tool.externalVariable} to a running server.`;
  for (const program of ['apt-get', 'dpkg']) {
    if (!lookUp(program))
      throw new ToolchainError(
        `${wanted} It can be fetched only where ${program} exists (Debian). ${otherWays}`,
      );
  }
  const sources = debianSources();
  if (!sources.some((source) => source.isBase))
    throw new ToolchainError(
      `${wanted} No Debian archive is named in /etc/apt, so it cannot be fetched. ${otherWays}`,
    );

  const target = path.join(toolsFolder(), name);
  const work = path.join(toolsFolder(), `.${name}-${process.pid}-${randomBytes(4).toString('hex')}`);
  const failures = [];
  try {
    for (const suite of tool.suites) {
      try {
        await mkdir(work, { recursive: true });
        const unpacked = await fetchAndUnpack({ name, tool, suite, sources, work, log });
        return await putInPlace({ name, unpacked, target, work });
      } catch (error) {
        failures.push(`  ${suite}: ${lastLines(error)}`);
        await rm(work, { recursive: true, force: true });
      }
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  throw new ToolchainError(
    `${wanted} Fetching it from the Debian archive failed (offline?):\n${failures.join('\n')}\n${otherWays}`,
  );
}

async function fetchAndUnpack({ name, tool, suite, sources, work, log }) {
  for (const folder of ['etc', 'state/lists/partial', 'cache/archives/partial', 'root']) {
    await mkdir(path.join(work, folder), { recursive: true });
  }
  const lines = sources.flatMap((source) => sourceLines(source, suite));
  await writeFile(path.join(work, 'etc/sources.list'), [...new Set(lines)].join('\n') + '\n');
  await writeFile(path.join(work, 'state/status'), '');
  const apt = (args, folder = work) => aptGet(work, args, folder);

  log(
    `${name}: reading the package list of Debian ${suite === 'own' ? sources.find((source) => source.isBase).suite : suite}`,
  );
  await apt(['update']);
  log(`${name}: downloading`);
  const root = path.join(work, 'root');
  const unpacked = [];
  let wanted = tool.packages;
  for (let round = 0; wanted.length > 0 && round < libraryRoundsMax; round += 1) {
    const folder = path.join(work, `round-${round}`);
    await mkdir(folder);
    await apt(['download', ...wanted], folder);
    const packages = debs(folder);
    for (const file of packages) await run('dpkg', ['-x', file, root]);
    unpacked.push(...packages);
    wanted = (await lacksLibraries(path.join(root, tool.executable), root))
      ? await absentLibraries(packages)
      : [];
  }
  log(
    `${name}: unpacked ${unpacked.map((file) => decodeURIComponent(path.basename(file, '.deb'))).join(', ')}`,
  );

  const executable = await makeRunnable(name, tool, root);
  const version = await versionOf(tool, path.join(root, executable));
  if (!isEnough(tool, version))
    throw new Error(`unpacked ${executable} is ${version ? version.join('.') : 'not able to run here'}`);
  const manifest = {
    name,
    version: version.join('.'),
    suite,
    executable,
    files: await sha256OfPrograms(root),
  };
  await writeFile(path.join(root, manifestName), JSON.stringify(manifest, undefined, 2) + '\n');
  return root;
}

/** True when the loader misses a shared library of the program, the unpacked ones counted in. */
async function lacksLibraries(executable, root) {
  const folders = libraryFolders(root).map((folder) => path.join(root, folder));
  const { stdout } = await run('ldd', [executable], {
    env: { ...process.env, LC_ALL: 'C', LD_LIBRARY_PATH: folders.join(':') },
  });
  return stdout.includes('not found');
}

/** The library packages these packages depend on that the machine does not have. */
async function absentLibraries(packages) {
  const names = new Set();
  for (const file of packages) {
    const { stdout } = await run('dpkg-deb', ['--field', file, 'Depends']);
    for (const dependency of stdout.split(/[,|]/)) {
      const library = /^\s*(lib[a-z0-9.+-]+)/.exec(dependency)?.[1];
      if (library && library !== 'libc6' && !(await isInstalled(library))) names.add(library);
    }
  }
  return [...names];
}

async function isInstalled(packageName) {
  try {
    const { stdout } = await run('dpkg-query', ['--show', '--showformat=${db:Status-Status}', packageName]);
    return stdout === 'installed';
  } catch {
    return false; // dpkg-query fails for a name it has never seen
  }
}

function libraryFolders(root) {
  return ['usr/lib', 'lib'].flatMap((base) => {
    const folder = path.join(root, base);
    if (!existsSync(folder)) return [];
    const multiarch = readdirSync(folder).filter((entry) => /-linux-/.test(entry));
    return multiarch.map((entry) => `${base}/${entry}`);
  });
}

/** Unpacked libraries are found by a wrapper that names their folders relative to itself; without libraries, none is needed. */
async function makeRunnable(name, tool, root) {
  const folders = libraryFolders(root);
  if (folders.length === 0) return tool.executable;
  const library = folders.map((folder) => `$here/${folder}`).join(':');
  const script = `#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\nLD_LIBRARY_PATH="${library}" exec "$here/${tool.executable}" "$@"\n`;
  await writeFile(path.join(root, name), script);
  await chmod(path.join(root, name), 0o755);
  return name;
}

/** One rename makes the tool visible; when another process was quicker, its result is used. */
async function putInPlace({ name, unpacked, target, work }) {
  try {
    await rename(unpacked, target);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
    const theirs = await cached(name);
    if (theirs) return theirs;
    await rename(target, path.join(work, 'damaged'));
    await rename(unpacked, target);
  }
  const placed = await cached(name);
  if (!placed) throw new Error(`${target} is not what was unpacked`);
  return placed;
}

/** apt that shares nothing with the system but the trusted keys and the proxy settings; for it, nothing is installed. */
async function aptGet(work, args, folder) {
  const options = {
    'Dir::Etc::sourcelist': path.join(work, 'etc/sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State': path.join(work, 'state'),
    'Dir::Cache': path.join(work, 'cache'),
    'Dir::State::status': path.join(work, 'state/status'),
    'Debug::NoLocking': 'true',
    'APT::Sandbox::User': os.userInfo().username,
    'APT::Update::Error-Mode': 'any',
    'APT::Get::List-Cleanup': 'false',
    'Acquire::Languages': 'none',
    'Acquire::Retries': String(aptRetries),
    'Acquire::http::Timeout': String(aptTimeoutSeconds),
    'Acquire::https::Timeout': String(aptTimeoutSeconds),
  };
  const flags = Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  const child = spawn('apt-get', ['-q', ...flags, ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) throw new Error(`apt-get ${args[0]} failed:\n${output}`);
}

/** The machine's own Debian archives, its security archive included: the entries for main of the installed suite. */
function debianSources() {
  const codename = /^VERSION_CODENAME=(\S+)/m.exec(readTextOrEmpty('/etc/os-release'))?.[1] ?? 'stable';
  const names = [codename, 'stable', 'oldstable', 'oldoldstable', 'testing', 'sid', 'unstable'];
  const folder = '/etc/apt/sources.list.d';
  const parts = existsSync(folder) ? readdirSync(folder).sort() : [];
  const textsOf = (ending) =>
    parts.filter((file) => file.endsWith(ending)).map((file) => readTextOrEmpty(path.join(folder, file)));
  const entries = [
    ...[readTextOrEmpty('/etc/apt/sources.list'), ...textsOf('.list')].flatMap(parseOneLine),
    ...textsOf('.sources').flatMap(parseDeb822),
  ].filter((entry) => entry.components.includes('main'));
  return entries.flatMap(({ uris, suites, isTrusted }) => {
    const base = suites.find((suite) => names.includes(suite));
    const security = suites.find((suite) => names.some((name) => suite === `${name}-security`));
    const found = [
      ...(base ? [{ suite: base, isBase: true }] : []),
      ...(security ? [{ suite: security, isBase: false }] : []),
    ];
    return found.flatMap((suite) => uris.map((uri) => ({ uri, isTrusted, ...suite })));
  });
}

/** `deb [option=value ...] uri suite component ...` lines. */
export function parseOneLine(text) {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    if (!match) return [];
    const [, options = '', uri, suite, components] = match;
    return [
      {
        uris: [uri],
        suites: [suite],
        components: words(components),
        isTrusted: /\btrusted=yes\b/.test(options),
      },
    ];
  });
}

/** deb822 stanzas (`*.sources`). */
export function parseDeb822(text) {
  const uncommented = text.split('\n').filter((line) => !line.startsWith('#'));
  return uncommented
    .join('\n')
    .split(/\n\s*\n/)
    .flatMap((stanza) => {
      const fields = {};
      let last;
      for (const line of stanza.split('\n')) {
        const match = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
        if (match) fields[(last = match[1].toLowerCase())] = match[2];
        else if (last && /^\s/.test(line)) fields[last] += ` ${line.trim()}`;
      }
      if (
        !fields.uris ||
        !fields.suites ||
        !words(fields.types ?? 'deb').includes('deb') ||
        fields.enabled === 'no'
      )
        return [];
      const { uris, suites, components = '' } = fields;
      return [
        {
          uris: words(uris),
          suites: words(suites),
          components: words(components),
          isTrusted: fields.trusted === 'yes',
        },
      ];
    });
}

function sourceLines({ uri, suite: own, isBase, isTrusted }, suite) {
  if (suite !== 'own' && !isBase) return [];
  const options = [
    ...(existsSync(debianKeyring) ? [`signed-by=${debianKeyring}`] : []),
    ...(isTrusted ? ['trusted=yes'] : []),
  ];
  return [
    `deb ${options.length > 0 ? `[${options.join(' ')}] ` : ''}${uri} ${suite === 'own' ? own : suite} main`,
  ];
}

async function sha256OfPrograms(root) {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath ?? entry.path, entry.name)))
    .filter((file) => !/^(usr\/share|etc|var)\//.test(file))
    .sort();
  const sums = {};
  for (const file of files) sums[file] = await sha256Of(path.join(root, file));
  return sums;
}

async function sha256Of(file) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}

const debs = (folder) =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.deb'))
    .map((file) => path.join(folder, file));
const words = (text) => text.split(/\s+/).filter((word) => word !== '');
const lastLines = (error) => String(error.message).trim().split('\n').slice(-6).join('\n    ');

function readTextOrEmpty(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'EACCES'].includes(error.code)) return '';
    throw error;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const names = process.argv.slice(2);
  try {
    const log = (line) => process.stderr.write(`${line}\n`);
    const found = await ensureToolchain({ log, ...(names.length > 0 ? { names } : {}) });
    process.stdout.write(`${JSON.stringify(found)}\n`);
  } catch (error) {
    if (!(error instanceof ToolchainError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
