// Waits for a condition, with a deadline: never for a guessed time.

const pauseMs = 100;

/** Throws when `condition` does not hold within `limitMs`. */
export async function until(condition: () => boolean, limitMs: number, what: string): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`${what}: not within ${limitMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
