// Assertions for programmer errors. Operating errors are values, never assertions.

/** Thrown when an invariant of our own code does not hold. Never caught to go on: the shard or process dies. */
export class AssertionFailed extends Error {
  override readonly name = 'AssertionFailed';
}

/** Fails with `message` unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailed(message);
}

/** Marks a branch the types say cannot be reached. */
export function assertNever(value: never, what: string): never {
  throw new AssertionFailed(`${what}: unexpected ${JSON.stringify(value)}`);
}
