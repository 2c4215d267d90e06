// What every vault of keys does: compare-and-set, and nothing of an earlier value stays when it is asked to go.
import type { KeyVault } from '@parley/adapters';
import { describe, expect, test } from 'vitest';
import { bytesOf, textOf } from './port-bench.ts';

export function describeKeyVault(name: string, open: () => Promise<KeyVault>): void {
  describe(`KeyVault: ${name}`, () => {
    test('writes only over the value that was read', async () => {
      const vault = await open();
      expect(await vault.get('acme.ann.g.tea')).toBeUndefined();
      const first = await vault.write('acme.ann.g.tea', bytesOf('one'), 0);
      expect(first).toMatchObject({ outcome: 'written' });
      expect(await vault.write('acme.ann.g.tea', bytesOf('late'), 0)).toEqual({ outcome: 'conflict' });
      const { revision } = (await vault.get('acme.ann.g.tea'))!;
      expect(await vault.write('acme.ann.g.tea', bytesOf('two'), revision)).toMatchObject({
        outcome: 'written',
      });
      expect(await vault.write('acme.ann.g.tea', bytesOf('late'), revision)).toEqual({ outcome: 'conflict' });
      expect(textOf((await vault.get('acme.ann.g.tea'))?.value)).toBe('two');
    });

    test('erases what was before, and only of this name', async () => {
      const vault = await open();
      for (const key of ['acme.ben.g.one', 'acme.ben.g.two'])
        for (const value of ['one', 'two', 'three'])
          await vault.write(key, bytesOf(value), (await vault.get(key))?.revision ?? 0);
      expect(await vault.olderValues('acme.ben.g.one')).toBe(2);
      expect(await vault.eraseOlder('acme.ben.g.one')).toBe(2);
      expect(await vault.eraseOlder('acme.ben.g.one')).toBe(0);
      expect(await vault.eraseOlder('acme.ben.g.none')).toBe(0);
      expect([await vault.olderValues('acme.ben.g.one'), await vault.olderValues('acme.ben.g.two')]).toEqual([
        0, 2,
      ]);
      expect(textOf((await vault.get('acme.ben.g.one'))?.value)).toBe('three');
    });

    test('lists the names below a prefix', async () => {
      const vault = await open();
      for (const key of ['acme.cat.g.tea', 'acme.cat.d.ann.cat', 'acme.cathy.g.tea', 'other.cat.g.tea'])
        await vault.write(key, bytesOf('x'), 0);
      expect([...(await vault.names('acme.cat'))].sort()).toEqual(['acme.cat.d.ann.cat', 'acme.cat.g.tea']);
      expect(await vault.names('acme.nobody')).toEqual([]);
    });
  });
}
