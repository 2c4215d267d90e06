// kill -9 in the middle of deletion, again and again: nobody ever sees a hole, and in the end what is old is gone and
// nothing else.
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openEmbeddedClickHouse } from '@parley/adapters';
import { seededRandom } from '@parley/std';

const folder = mkdtempSync(path.join(tmpdir(), 'parley-retention-kill-'));
const children = new Set<ChildProcess>();
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** What a process said before it ended, or was killed so long after it had begun to delete. */
function run(killAfterMs?: number): Promise<string[]> {
  const file = path.join(import.meta.dirname, '../testing/retention-child.ts');
  const child = fork(file, [path.join(folder, 'clickhouse')], {
    execArgv: ['--conditions=source', '--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  children.add(child);
  const said: string[] = [];
  return new Promise((resolve) => {
    child.on('message', (message) => {
      said.push(String(message));
      if (message === 'started' && killAfterMs !== undefined)
        setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    });
    child.on('exit', () => {
      children.delete(child);
      resolve(said);
    });
  });
}

it(
  'leaves no hole at any kill, and exactly what is to be kept in the end',
  { timeout: 120_000 },
  async () => {
    const random = seededRandom(11);
    // The later the kill, the more of the marks, the messages and the events it finds done.
    for (let kill = 0; kill < 6; kill += 1) {
      const said = await run(kill * 25 + random.next() * 25);
      expect(said).not.toContain('hole');
      if (kill === 0) expect(said).toEqual(['started']);
    }
    expect(await run()).toContain('done');
    expect(await run()).toEqual(['done']);

    const engine = await openEmbeddedClickHouse({ folder: path.join(folder, 'clickhouse') });
    try {
      const counts = async (table: string) =>
        (
          await engine.select(`SELECT count(), toUnixTimestamp64Milli(min(at)) FROM parley.${table} FINAL`)
        )[0];
      const kept = [200 * 50, Date.UTC(2026, 0, 1, 0, 50)];
      expect(await counts('messages')).toEqual(kept);
      expect(await counts('events')).toEqual(kept);
      expect(await engine.select('SELECT count() FROM system.detached_parts')).toEqual([[0]]);
    } finally {
      await engine.close();
    }
  },
);
