import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allocate } from './allocation.ts';
import { balance } from './balance.ts';
import type { OwnerRow } from './owner-row.ts';

const shards = Array.from({ length: 16 }, (_, index) => `user.${index}`);
const nodeIds = ['a', 'b', 'c', 'd', 'e'];
const node = fc.constantFrom(...nodeIds);
const row = fc.record({ owner: fc.option(node), target: fc.option(node) });
const cluster = fc.record({
  rows: fc
    .array(fc.tuple(fc.constantFrom(...shards), row))
    .map((entries) => new Map<string, OwnerRow>(entries)),
  up: fc.uniqueArray(node, { minLength: 1 }),
  leaving: fc.uniqueArray(node),
  hanging: fc.uniqueArray(node),
  movingMax: fc.integer({ min: 1, max: 8 }),
});

const inputOf = ({
  rows,
  up,
  leaving,
  hanging,
  movingMax,
}: typeof cluster extends fc.Arbitrary<infer T> ? T : never) => {
  const alive = new Set([...up, ...leaving]);
  return {
    shards,
    rows,
    up: [...up].sort(),
    alive,
    hanging: new Set(hanging.filter((id) => up.includes(id))),
    movingMax,
  };
};

/** The rows after the changes, with every shard that has no owner or must move having arrived at its target. */
function settle(rows: Map<string, OwnerRow>, changes: Map<string, OwnerRow>): Map<string, OwnerRow> {
  const next = new Map([...rows, ...changes]);
  for (const [shard, { target }] of next) if (target !== null) next.set(shard, { owner: target, target });
  return next;
}

const isMoving = ({ owner, target }: OwnerRow) => owner !== null && target !== null && owner !== target;

describe('allocation', () => {
  test('gives every shard a target that is up and answers, and never leaves a dead owner', () => {
    fc.assert(
      fc.property(cluster, (given) => {
        const input = inputOf(given);
        const answering = input.up.filter((id) => !input.hanging.has(id));
        const next = new Map([...input.rows, ...allocate(input)]);
        for (const shard of shards) {
          const { owner, target } = next.get(shard) ?? { owner: null, target: null };
          expect(owner === null || input.alive.has(owner)).toBe(true);
          if (owner !== null && input.hanging.has(owner)) continue;
          if (answering.length > 0) expect(answering).toContain(target ?? owner);
        }
      }),
    );
  });

  test('leaves a process that hangs what it has', () => {
    fc.assert(
      fc.property(cluster, (given) => {
        const input = inputOf(given);
        for (const shard of allocate(input).keys())
          expect(input.hanging.has(input.rows.get(shard)?.owner ?? '')).toBe(false);
      }),
    );
  });

  test('takes a shard from nobody who lives: only targets change', () => {
    fc.assert(
      fc.property(cluster, (given) => {
        const input = inputOf(given);
        for (const [shard, { owner }] of allocate(input)) {
          const before = input.rows.get(shard)?.owner ?? null;
          expect(owner).toBe(before !== null && input.alive.has(before) ? before : null);
        }
      }),
    );
  });

  test('starts no more moves at once than it may, except away from nodes that leave', () => {
    fc.assert(
      fc.property(cluster, (given) => {
        const input = inputOf(given);
        const isVoluntary = (shard: string, it: OwnerRow) =>
          isMoving(it) && input.alive.has(it.owner!) && input.up.includes(it.owner!) && shard !== '';
        const before = [...input.rows].filter(([shard, it]) => isVoluntary(shard, it)).length;
        const next = new Map([...input.rows, ...allocate(input)]);
        const after = [...next].filter(([shard, it]) => isVoluntary(shard, it)).length;
        expect(after).toBeLessThanOrEqual(Math.max(before, input.movingMax));
      }),
    );
  });

  test('comes to rest with every shard owned and nobody holding two more than anybody else, and then changes nothing', () => {
    fc.assert(
      fc.property(cluster, (given) => {
        const input = inputOf({ ...given, leaving: [], hanging: [] });
        let { rows } = input;
        for (let round = 0; round < shards.length + 2; round++) {
          rows = settle(rows, allocate({ ...input, rows }));
        }
        const counts = input.up.map((id) => [...rows.values()].filter(({ owner }) => owner === id).length);
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(shards.length);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        expect(allocate({ ...input, rows }).size).toBe(0);
      }),
    );
  });

  test('without any node that is up only dead owners are cleared', () => {
    const rows = new Map<string, OwnerRow>([
      ['user.0', { owner: 'a', target: 'a' }],
      ['user.1', { owner: 'b', target: 'b' }],
    ]);
    const input = {
      shards: ['user.0', 'user.1'],
      rows,
      up: [],
      alive: new Set(['a']),
      hanging: new Set<string>(),
      movingMax: 1,
    };
    expect(allocate(input)).toEqual(
      new Map([
        ['user.0', { owner: 'a', target: null }],
        ['user.1', { owner: null, target: null }],
      ]),
    );
  });
});

describe('balance', () => {
  const placements = fc.array(fc.tuple(fc.constantFrom(...shards), node)).map((entries) => new Map(entries));
  const nodes = fc.uniqueArray(node, { minLength: 1 });

  test('leaves everything where it is when the nodes are even', () => {
    fc.assert(
      fc.property(placements, nodes, (placed, up) => {
        const even = balance(shards, placed, up);
        expect(balance(shards, even, up)).toEqual(even);
      }),
    );
  });

  test('moves no more than the surplus of the full nodes and what had no node', () => {
    fc.assert(
      fc.property(placements, nodes, (placed, up) => {
        const next = balance(shards, placed, up);
        const least = Math.floor(shards.length / up.length);
        const surplus = up.map((id) => [...placed.values()].filter((at) => at === id).length - least);
        const homeless = shards.filter((shard) => !up.includes(placed.get(shard) ?? '')).length;
        const moved = shards.filter((shard) => next.get(shard) !== placed.get(shard)).length;
        expect(moved).toBeLessThanOrEqual(surplus.reduce((sum, one) => sum + Math.max(0, one), homeless));
      }),
    );
  });

  test('does not look at the order of nodes, and knows no node', () => {
    const sorted = (rows: Map<string, string>) => [...rows].sort();
    expect(sorted(balance(shards, new Map(), nodeIds))).toEqual(
      sorted(balance(shards, new Map(), [...nodeIds].reverse())),
    );
    expect(balance(shards, new Map(), []).size).toBe(0);
  });
});
