import { expect, test } from 'vitest';
import { stableHash } from './hash.ts';

test('the hash that places entities never changes', () => {
  expect(stableHash('')).toBe(0);
  expect(stableHash('', 1)).toBe(0x514e28b7);
  expect(stableHash('abc')).toBe(0xb3dd93fa);
  expect(stableHash('Hello, world!', 0x9747b28c)).toBe(0x24884cba);
  expect(stableHash('你好, alice')).toBe(974148505);
  expect(stableHash('x'.repeat(300))).toBe(3151173021);
  expect(stableHash('default\0alice')).toBe(stableHash('default\0alice'));
});
