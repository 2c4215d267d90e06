// The asker's mistake: answered with a code of the wire's table, never retried.
import type { ErrorName } from '@parley/protocol';

export class BadRequest extends Error {
  override readonly name = 'BadRequest';
  readonly code: ErrorName;

  constructor(code: ErrorName, message: string) {
    super(message);
    this.code = code;
  }
}
