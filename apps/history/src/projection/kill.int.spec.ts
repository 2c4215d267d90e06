// kill -9 in the middle of the projection, again and again: what is in the store in the end is exact.
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { seededRandom } from '@parley/std';
import { openEmbeddedClickHouse } from '@parley/adapters';
import { killScript } from '../testing/kill-script.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'parley-kill-'));
const children = new Set<ChildProcess>();
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

interface Run {
  /** The child dies by itself before this insert; 0: it does not. */
  readonly dieBefore?: number;
  /** Killed this long after it has begun. */
  readonly killAfterMs?: number;
}

/** Resolves to whether the child came to the end of the script. */
function run({ dieBefore = 0, killAfterMs }: Run): Promise<boolean> {
  const child = fork(
    path.join(import.meta.dirname, '../testing/projection-child.ts'),
    [path.join(folder, 'clickhouse'), String(dieBefore)],
    {
      execArgv: ['--conditions=source', '--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    },
  );
  children.add(child);
  return new Promise((resolve) => {
    let isDone = false;
    child.on('message', (message) => {
      if (message === 'started' && killAfterMs !== undefined)
        setTimeout(() => child.kill('SIGKILL'), killAfterMs);
      if (message === 'done') isDone = true;
    });
    child.on('exit', () => {
      children.delete(child);
      resolve(isDone);
    });
  });
}

it('resumes after kills anywhere with exactly the rows of the journal', { timeout: 300_000 }, async () => {
  const random = seededRandom(7);
  // Messages without memberships, rows without watermark, mid-insert.
  for (const dieBefore of [1, 2, 3, 6]) expect(await run({ dieBefore })).toBe(false);
  for (let kill = 0; kill < 4; kill += 1) await run({ killAfterMs: 20 + random.next() * 150 });
  expect(await run({})).toBe(true);

  const script = killScript();
  const expected = script.conversations
    .map((key) => [key.slice(key.indexOf('/') + 1), script.head(key)])
    .sort();
  const engine = await openEmbeddedClickHouse({ folder: path.join(folder, 'clickhouse') });
  try {
    const rows = await engine.select(
      `SELECT conversation, count(), max(sequence), uniqExact(sequence) FROM parley.messages FINAL
       GROUP BY conversation ORDER BY conversation LIMIT 1000`,
    );
    expect(rows.map(([conversation, count]) => [conversation, count]).sort()).toEqual(expected);
    for (const [, count, head, distinct] of rows) expect([head, distinct]).toEqual([count, count]);
    const edited = await engine.select(
      `SELECT concat(conversation, '/', toString(sequence)), text FROM parley.messages FINAL
       WHERE state = 'edited' ORDER BY 1 LIMIT 1000`,
    );
    expect(edited).toEqual([...script.editedTexts].sort());
    const [[memberships] = []] = await engine.select('SELECT count() FROM parley.memberships FINAL');
    // Both of 50 directs, owner and first member of 20 groups, one change in each later commit.
    expect(memberships).toBe(100 + 40 + 980);
    const detached = await engine.select('SELECT count() FROM system.detached_parts');
    expect(detached).toEqual([[0]]);
  } finally {
    await engine.close();
  }
});

it('refuses a folder that another process is using', async () => {
  const child = fork(
    path.join(import.meta.dirname, '../testing/folder-holder.ts'),
    [path.join(folder, 'held')],
    {
      execArgv: ['--conditions=source', '--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    },
  );
  children.add(child);
  await new Promise((resolve) => child.once('message', resolve));
  await expect(openEmbeddedClickHouse({ folder: path.join(folder, 'held') })).rejects.toThrow(
    /another process \(\d+\) is using the history folder/,
  );
  child.kill('SIGKILL');
});
