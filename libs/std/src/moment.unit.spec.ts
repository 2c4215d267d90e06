import { describe, expect, it } from 'vitest';
import { parseMoment } from './moment.ts';

describe('a moment', () => {
  it.each([
    ['2026-01-31', Date.UTC(2026, 0, 31)],
    ['2024-02-29', Date.UTC(2024, 1, 29)],
    ['2026-01-31T13:45Z', Date.UTC(2026, 0, 31, 13, 45)],
    ['2026-01-31T13:45:10.123Z', Date.UTC(2026, 0, 31, 13, 45, 10, 123)],
    ['2026-01-31T13:45:10+01:30', Date.UTC(2026, 0, 31, 12, 15, 10)],
  ])('%s', (text, ms) => {
    expect(parseMoment(text)).toBe(ms);
  });

  it.each([
    '',
    'today',
    '2026',
    '2026-02-31',
    '2025-02-29',
    '2026-13-01',
    '2026-1-1',
    '2026-01-31T13:45:00',
    '2026-01-31T25:00Z',
    '2026-01-31 13:45Z',
    '+012026-01-31',
  ])('is not %j', (text) => {
    expect(parseMoment(text)).toBeUndefined();
  });
});
