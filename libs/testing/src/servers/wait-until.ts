// Waiting for a condition with a deadline: what tests use instead of sleeping.
import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** What is waited for, for the error message. */
  readonly what: string;
  /** Default 10 seconds. */
  readonly limitMs?: number;
  /** Default 20 ms. */
  readonly everyMs?: number;
}

/** Asks `probe` until it answers with something truthy, and returns that. Fails with the last error when the limit is reached. */
export async function waitUntil<T>(
  probe: () => T | Promise<T>,
  { what, limitMs = 10_000, everyMs = 20 }: WaitOptions,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + limitMs;
  let lastError: unknown;
  for (;;) {
    try {
      const answer = await probe();
      if (answer) return answer;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() >= deadline) {
      throw new Error(`waited ${limitMs} ms in vain: ${what}`, { cause: lastError });
    }
    await delay(everyMs);
  }
}
