import { expect, it } from 'vitest';
import { BodyCache } from './body-cache.ts';

const body = (text: string) => new TextEncoder().encode(text);

function found(cache: BodyCache, tenant: string, conversation: string, sequences: readonly number[]) {
  const messages = new Map<number, Uint8Array>();
  cache.find(tenant, { conversation, sequences }, messages);
  return [...messages].map(([sequence, bytes]) => [sequence, new TextDecoder().decode(bytes)]);
}

it('finds what was added, of that conversation and tenant only', () => {
  const cache = new BodyCache(1_000_000);
  for (const sequence of [1, 63, 64, 65, 500])
    cache.add('acme', { conversation: 'g.one', sequence }, body(`one ${sequence}`));
  cache.add('acme', { conversation: 'g.two', sequence: 2 }, body('two'));
  expect(found(cache, 'acme', 'g.one', [1, 2, 63, 64, 65, 66, 500])).toEqual([
    [1, 'one 1'],
    [63, 'one 63'],
    [64, 'one 64'],
    [65, 'one 65'],
    [500, 'one 500'],
  ]);
  expect(found(cache, 'other', 'g.one', [1, 2, 63])).toEqual([]);
});

it('keeps bytes of its own', () => {
  const cache = new BodyCache(1_000_000);
  const bytes = body('mine');
  cache.add('acme', { conversation: 'g.one', sequence: 1 }, bytes);
  bytes.fill(0);
  expect(found(cache, 'acme', 'g.one', [1])).toEqual([[1, 'mine']]);
});

it('forgets what was used longest ago when it is full, and counts a message that is added twice once', () => {
  const cache = new BodyCache(1_000);
  const add = (conversation: string) =>
    cache.add('acme', { conversation, sequence: 1 }, body('x'.repeat(200)));
  for (const conversation of ['g.a', 'g.b', 'g.c', 'g.a', 'g.a']) add(conversation);
  expect(found(cache, 'acme', 'g.b', [1])).toHaveLength(1);
  add('g.d');
  const kept = ['g.a', 'g.b', 'g.c', 'g.d'].filter((each) => found(cache, 'acme', each, [1]).length > 0);
  expect(kept).toEqual(['g.a', 'g.b', 'g.d']);
});
