import { expect, it } from 'vitest';
import { FrameRate } from './frame-rate.ts';

const takenAt = (rate: FrameRate, of: { rateFullAtMs: number }, nowMs: number): number => {
  let taken = 0;
  while (taken < 1_000 && rate.take(of, nowMs)) taken++;
  return taken;
};

it('gives a burst after a rest, then as many as the rate allows', () => {
  const rate = new FrameRate({ framesPerSecond: 10, frameBurstMax: 5 });
  const connection = { rateFullAtMs: 0 };
  expect(takenAt(rate, connection, 7_000)).toBe(5);
  expect(takenAt(rate, connection, 7_099)).toBe(0);
  expect(takenAt(rate, connection, 7_100)).toBe(1);
  expect(takenAt(rate, connection, 7_300)).toBe(2);
  expect(takenAt(rate, connection, 60_000)).toBe(5);
});
