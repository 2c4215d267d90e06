// Whatever a value is, the engine reads back exactly that value and nothing else runs.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClickHouse } from './clickhouse.ts';
import { openEmbeddedClickHouse } from './embedded-clickhouse.ts';
import { sqlInteger, sqlText, sqlTexts, wellFormed } from './literals.ts';
import { RowBuffer } from './row-buffer.ts';
import { foldText, searchTerms, searchTermsExpression } from './search-text.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'parley-literals-'));
let engine: ClickHouse;
beforeAll(async () => {
  engine = await openEmbeddedClickHouse({ folder: path.join(folder, 'clickhouse') });
  await engine.execute('CREATE TABLE kept (number UInt64, value String) ENGINE = MergeTree ORDER BY number');
});
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});

const hostile = [
  "'",
  "''",
  "\\'",
  "\\\\'; DROP TABLE kept; --",
  'a\0b\x01\x1f\x7f',
  '\n\t\r\b\f\v',
  '\\N',
  '',
  'a line of Windows\r',
  '{x:String} ${y} %s ?',
  '/* */ -- # `a` "b"',
  '你好 👍🏽 \u{10ffff} \u2028',
  '\ud800 lone \udfff',
  'x'.repeat(100_000),
];
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(fc.constantFrom("'", '\\', '\0', '\n', ';', '--', '/*', 'x', '你', '\ud83d'), { maxLength: 20 })
    .map((parts) => parts.join('')),
);

describe('a text literal', () => {
  it.each(hostile)('comes back as it was: %j', async (value) => {
    expect(await engine.select(`SELECT ${sqlText(value)}`)).toEqual([[wellFormed(value)]]);
  });

  it('comes back as it was, for any text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyText, { minLength: 1, maxLength: 50 }), async (values) => {
        const rows = await engine.select(`SELECT ${values.map(sqlText).join(', ')}`);
        expect(rows).toEqual([values.map(wellFormed)]);
      }),
      { numRuns: 40 },
    );
  });

  it('is refused where it would be no SQL', () => {
    expect(() => sqlTexts([])).toThrow('empty list');
    expect(() => sqlInteger(1.5)).toThrow('safe integer');
    expect(() => sqlInteger(2 ** 53)).toThrow('safe integer');
  });
});

describe('rows', () => {
  it('come back as they were, for any text', async () => {
    let number = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(anyText, fc.constantFrom(...hostile)), { minLength: 1, maxLength: 30 }),
        async (values) => {
          const first = number + 1;
          const rows = new RowBuffer('kept', ['number', 'value']);
          for (const value of values) rows.add([++number, value]);
          await engine.insert(rows.table, rows.columns, rows.toBytes());
          const found = await engine.select(
            `SELECT value FROM kept WHERE number >= ${first} ORDER BY number LIMIT 100`,
          );
          expect(found.map(([value]) => value)).toEqual(values.map(wellFormed));
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('search terms', () => {
  const folding = 'normalizeUTF8NFKCCasefold';

  it('fold every character as the engine does', async () => {
    const characters: string[] = [];
    for (let code = 1; code < 0x20000; code += 1) {
      if (code < 0xd800 || code > 0xdfff) characters.push(String.fromCodePoint(code));
    }
    const wrong: string[] = [];
    for (let start = 0; start < characters.length; start += 5_000) {
      const part = characters.slice(start, start + 5_000);
      const rows = await engine.select(`SELECT ${folding}(arrayJoin([${part.map(sqlText).join(',')}]))`);
      for (const [index, [folded]] of rows.entries()) {
        if (foldText(part[index] ?? '') !== folded)
          wrong.push((part[index]?.codePointAt(0) ?? 0).toString(16));
      }
    }
    expect(wrong).toEqual([]);
  });

  it.each([
    ['xorg.conf foo_bar', ['xorg', 'conf', 'foo', 'bar']],
    ['STRASSE Straße ẞ', ['strasse', 'strasse', 'ss']],
    ['Über', ['ü', 'ber']],
    ['你好，世界', ['你', '好', '世', '界']],
    ['ｶﾞﾝﾊﾞﾚ ガ', ['ガ', 'ン', 'バ', 'レ', 'ガ']],
    ['e\u0301te\u0301 ﬁn Ⅷ', ['é', 't', 'é', 'fin', 'viii']],
    ["don't ＡＢＣ １２", ['don', 't', 'abc', '12']],
    ['C++ a-b@c.d/e?f=g', ['c', 'a', 'b', 'c', 'd', 'e', 'f', 'g']],
    ['soft\u00adhyphen zero\u200bwidth', ['softhyphen', 'zerowidth']],
    ['Σίσυφος ΣΊΣΥΦΟΣ', [...'σίσυφοσσίσυφοσ']],
    ['ı İ Ꭰ ꭰ', ['ı', 'i', '\u0307', 'Ꭰ', 'Ꭰ']],
  ])('are the same in TypeScript and in SQL: %s', async (text, words) => {
    expect(searchTerms(text).map(({ word }) => word)).toEqual(words);
    const [[tokens] = []] = await engine.select(
      `SELECT tokens(${searchTermsExpression(sqlText(text))}, 'splitByNonAlpha')`,
    );
    expect(tokens).toEqual(words);
  });
});

describe('limits', () => {
  it('end a query that takes too long, and the next one runs', async () => {
    const endless = 'SELECT count() FROM numbers(100000000000) WHERE NOT ignore(sipHash64(number))';
    await expect(engine.select(endless, { timeoutMs: 200 })).rejects.toMatchObject({
      name: 'ClickHouseUnavailable',
    });
    expect(await engine.select('SELECT 1')).toEqual([[1]]);
  });

  it('refuse more rows than asked for instead of cutting them off', async () => {
    await expect(engine.select('SELECT number FROM numbers(100)', { rowsMax: 10 })).rejects.toThrow();
  });

  it('tell a wrong question from a store that is away', async () => {
    await expect(engine.select('SELECT nothing FROM nowhere')).rejects.toMatchObject({
      name: 'ClickHouseRefused',
      code: 60,
    });
  });

  it('do not outlive their query', async () => {
    const limits = { settings: { max_threads: 1 } };
    await Promise.all(Array.from({ length: 10 }, () => engine.select('SELECT sleep(0.01)', limits)));
    const changed = "SELECT count() FROM system.settings WHERE name = 'max_threads' AND value = '1'";
    const counts = await Promise.all(Array.from({ length: 10 }, () => engine.select(changed)));
    expect(new Set(counts.flat(2))).toEqual(new Set([0]));
  });
});
