import { readFileSync } from 'node:fs';
import path from 'node:path';
import { variableName } from '@parley/platform';
import { describe, expect, it } from 'vitest';
import { actorSettings } from './actor-settings.ts';

const page = readFileSync(path.join(import.meta.dirname, '../../../docs/operations.md'), 'utf8');

describe('docs/operations.md', () => {
  it('has every setting of the actors, and none that does not exist', () => {
    const names = Object.keys(actorSettings.shape).map(variableName);
    expect(names.filter((name) => !page.includes(`| \`${name}\``))).toEqual([]);
    const told = page.match(/PARLEY_ACTOR_\w+/g) ?? [];
    expect(told.filter((name) => !names.includes(name))).toEqual([]);
  });
});
