import { readFileSync } from 'node:fs';
import path from 'node:path';
import { variableName } from '@parley/platform';
import { describe, expect, it } from 'vitest';
import { historySettings } from './history-config.ts';

const page = readFileSync(path.join(import.meta.dirname, '../../../docs/operations.md'), 'utf8');

describe('docs/operations.md', () => {
  it('has every setting of the history process, and none that does not exist', () => {
    const names = Object.keys(historySettings.shape).map(variableName);
    expect(names.filter((name) => !page.includes(`| \`${name}\``))).toEqual([]);
    const told = page.match(/PARLEY_HISTORY_\w+/g) ?? [];
    expect(told.filter((name) => !names.includes(name))).toEqual([]);
  });
});
