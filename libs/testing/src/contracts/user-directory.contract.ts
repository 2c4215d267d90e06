// What every UserDirectory does.
import type { UserDirectory } from '@parley/adapters';
import { ok } from '@parley/std';
import { beforeEach, describe, expect, it } from 'vitest';

export function describeUserDirectory(name: string, create: () => Promise<UserDirectory>): void {
  describe(`UserDirectory: ${name}`, () => {
    let directory: UserDirectory;
    beforeEach(async () => {
      directory = await create();
      for (const user of ['alice', 'Albert', 'al', 'bob', 'al-2', 'al_3']) await directory.add('acme', user);
      await directory.add('other', 'alan');
    });
    const find = (prefix: string, after = '', limit = 10) => directory.find('acme', { prefix, after, limit });

    it('finds by the beginning, upper or lower case, inside the tenant', async () => {
      expect(await find('AL')).toEqual(ok(['al-2', 'al', 'al_3', 'Albert', 'alice']));
      expect(await find('ali')).toEqual(ok(['alice']));
      expect(await find('x')).toEqual(ok([]));
    });

    it('pages by the last id, and forgets repetitions', async () => {
      await directory.add('acme', 'alice');
      expect(await find('al', '', 2)).toEqual(ok(['al-2', 'al']));
      expect(await find('al', 'al', 2)).toEqual(ok(['al_3', 'Albert']));
      expect(await find('al', 'Albert', 2)).toEqual(ok(['alice']));
      expect(await find('al', 'alice')).toEqual(ok([]));
    });
  });
}
