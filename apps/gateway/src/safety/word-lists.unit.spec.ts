// Lists of words that change while messages come: every gateway goes over, nothing is lost when two change at once.
import { MemoryCluster, type MemoryNode } from '@parley/adapters';
import { systemClock } from '@parley/std';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WordLists } from './word-lists.ts';

let cluster: MemoryCluster;
let opened: WordLists[];
const failures: object[] = [];

beforeEach(() => {
  cluster = new MemoryCluster({ clock: systemClock });
  opened = [];
  failures.length = 0;
});
afterEach(() => opened.forEach((lists) => lists.stop()));

async function open(node: MemoryNode, wordsMax = 100): Promise<WordLists> {
  const lists = new WordLists({
    tenants: await node.keyValues.bucket('tenants'),
    lists: node.snapshots('words'),
    clock: systemClock,
    log: { error: (fields) => failures.push(fields) },
    limits: { wordsMax, wordCharactersMax: 64 },
  });
  await lists.start();
  opened.push(lists);
  return lists;
}

describe('word lists', () => {
  it('are used by every gateway soon after the change, by one that starts later at once, and by one tenant only', async () => {
    const one = await open(cluster.node('one'));
    const two = await open(cluster.node('two'));
    expect(two.has('acme')).toBe(false);
    expect(await one.change('acme', { mask: ['rude'] })).toMatchObject({ ok: true, value: { words: 1 } });
    await vi.waitFor(() => expect(two.check('acme', 'so rude')?.text).toBe('so ****'));
    expect(two.check('other', 'so rude')).toBeUndefined();
    expect((await open(cluster.node('three'))).check('acme', 'so rude')?.text).toBe('so ****');
    expect(failures).toEqual([]);
  });

  it('keep each word where it was put last, and are gone with their last word', async () => {
    const lists = await open(cluster.node('one'));
    await lists.change('acme', { mask: ['rude', 'odd'] });
    await lists.change('acme', { reject: ['rude'], remove: ['odd'] });
    expect(await lists.list('acme')).toEqual({ reject: ['rude'], mask: [], flag: [] });
    await lists.change('acme', { remove: ['rude'] });
    await vi.waitFor(() => expect(lists.has('acme')).toBe(false));
  });

  it('lose no word when many change them at once', async () => {
    const gateways = await Promise.all(['one', 'two', 'three'].map((name) => open(cluster.node(name))));
    const changes = await Promise.all(
      gateways.map((lists, n) => lists.change('acme', { flag: [`word${n}`] })),
    );
    expect(changes.every(({ ok }) => ok)).toBe(true);
    const [first] = gateways;
    expect((await first!.list('acme')).flag.toSorted()).toEqual(['word0', 'word1', 'word2']);
    for (const lists of gateways) {
      await vi.waitFor(() => expect(lists.check('acme', 'word0 word1 word2')?.words.length).toBe(3));
    }
  });

  it('refuse what no list can hold', async () => {
    const lists = await open(cluster.node('one'), 2);
    const bad = [{ mask: ['...'] }, { mask: ['a', 'b', 'c'] }, { mask: ['x'.repeat(65)] }];
    for (const change of bad) {
      expect(await lists.change('acme', change)).toMatchObject({ ok: false, error: { code: 'BAD_REQUEST' } });
    }
    expect(await lists.list('acme')).toEqual({ reject: [], mask: [], flag: [] });
  });
});
