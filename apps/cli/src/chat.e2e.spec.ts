// The terminal chat as a process, against a real cluster: two people, a group, history, and a clean end.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Cluster, projectFolder, startCluster, waitUntil } from '@parley/testing/servers';
import { afterAll, beforeAll, expect, test } from 'vitest';

let cluster: Cluster;
const homes: string[] = [];
const chats: Chat[] = [];

beforeAll(async () => {
  cluster = await startCluster();
});

afterAll(async () => {
  for (const chat of chats) chat.process.kill('SIGKILL');
  await cluster.stop();
  for (const home of homes) rmSync(home, { recursive: true, force: true });
});

interface Chat {
  readonly process: ChildProcess;
  readonly exited: Promise<number | null>;
  output: string;
  type(line: string): void;
  sees(text: string | RegExp): Promise<void>;
}

function startChat(
  as: string,
  options: readonly string[] = [],
  home = mkdtempSync(path.join(tmpdir(), 'parley-chat-')),
): Chat {
  homes.push(home);
  const args = [
    path.join(projectFolder, 'apps/cli/dist/main.js'),
    '--as',
    as,
    '--url',
    cluster.gateways[0]!.httpUrl,
  ];
  const child = spawn(process.execPath, [...args, ...options], {
    env: { ...process.env, XDG_CONFIG_HOME: home },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const chat: Chat = {
    process: child,
    exited: new Promise((resolve) => child.on('exit', resolve)),
    output: '',
    type: (line) => child.stdin.write(`${line}\n`),
    sees: async (text) => {
      const isSeen = () => (typeof text === 'string' ? chat.output.includes(text) : text.test(chat.output));
      await waitUntil(isSeen, { limitMs: 20_000, what: `${as} sees ${String(text)}` });
    },
  };
  child.stdout.on('data', (bytes: Buffer) => (chat.output += bytes.toString('utf8')));
  chats.push(chat);
  return chat;
}

const two = (number: number) => String(number).padStart(2, '0');

test('two people sign up, talk, make a group and quit', async () => {
  const home = mkdtempSync(path.join(tmpdir(), 'parley-chat-'));
  const alice = startChat('alice', [], home);
  const bob = startChat('bob', ['--json']);
  await Promise.all([alice.sees('connected as alice'), bob.sees('connected as bob')]);
  alice.type('/to bob');
  alice.type('hello, 你好');
  await bob.sees('[alice] (1 unread)');
  await bob.sees('alice: hello, 你好');
  bob.type('/to alice');
  bob.type('hi alice');
  await alice.sees('bob: hi alice');
  alice.type('/group new team bob');
  await bob.sees('[team]');
  bob.type('/to team');
  bob.type('here I am');
  await alice.sees('bob: here I am');
  bob.type('/members');
  await bob.sees('alice (owner)');
  const now = new Date();
  bob.type(`/history ${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`);
  await bob.sees(/\* \d{4}-\d\d-\d\d\n.* alice made the group team/);
  const file = path.join(home, 'team.jsonl');
  bob.type(`/export ${file}`);
  await bob.sees(`written to ${file}`);
  expect(readFileSync(file, 'utf8')).toContain('"text":"here I am"');
  bob.type(`/export ${file}`);
  await bob.sees('EEXIST');
  bob.type('/edit here I really am');
  await alice.sees('bob edited #2: here I really am');
  await bob.sees('you edited #2');
  bob.type('/history');
  await bob.sees('you: here I really am (edited)');
  bob.type('/recall');
  await alice.sees('bob recalled #2');
  await bob.sees('you recalled #2');
  alice.type('/to team');
  await alice.sees('bob: message recalled');
  alice.type('/group announce tea at five');
  await bob.sees('alice announces: tea at five');
  bob.type('/nick Bobby');
  await alice.sees('bob is called Bobby here');
  alice.type('/group invite');
  await alice.sees(/\/join team [\w-]{22}/);
  alice.type('/group ban bob');
  await bob.sees('alice removed bob');
  bob.type('/join team');
  await bob.sees('BANNED');
  alice.type('/nonsense');
  await alice.sees('there is no /nonsense');
  alice.type('/to nobody-here');
  await alice.sees('USER_NOT_FOUND');
  alice.type('/quit');
  expect(await alice.exited).toBe(0);

  bob.type('/to alice');
  bob.type('while you were away');
  await bob.sees('you: while you were away');
  const again = startChat('alice', [], home);
  await again.sees('bob (1 unread)');
  again.type('/to bob');
  await again.sees('bob: while you were away');
  expect(again.output).not.toContain('your account was made');
  again.process.kill('SIGINT');
  expect(await again.exited).toBe(0);
  bob.process.stdin!.end();
  expect(await bob.exited).toBe(0);
});

test('a handle of somebody else is refused with a hint', async () => {
  const carol = startChat('carol');
  await carol.sees('connected as carol');
  const stranger = startChat('carol', ['--password', 'not-the-password']);
  await stranger.sees('carol exists, and the password is wrong');
  expect(await stranger.exited).toBe(1);
});
