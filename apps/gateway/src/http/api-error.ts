// How a handler of the HTTP API says no: with a code of the one table, and what is particular to this case.
import type { ErrorName } from '@parley/protocol';
import type { Result } from '@parley/std';
import type { ServerFrame } from './command-sender.ts';
import { errorNameIn } from './command-sender.ts';

export class ApiError extends Error {
  readonly code: ErrorName;
  readonly detail: string | undefined;
  readonly retryAfterMs: number | undefined;

  /** `retryAfterMs` replaces the table's. */
  constructor(code: ErrorName, detail?: string, retryAfterMs?: number) {
    super(detail === undefined ? code : `${code}: ${detail}`);
    this.name = 'ApiError';
    this.code = code;
    this.detail = detail;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The value, or the error thrown as an ApiError. */
export function valueOf<T>(result: Result<T, ErrorName>): T {
  if (!result.ok) throw new ApiError(result.error);
  return result.value;
}

/** Throws when an entity refused a command. */
export function mustBeDone(reply: ServerFrame): void {
  const code = errorNameIn(reply);
  if (code === undefined) return;
  throw new ApiError(code, reply.error?.message ?? undefined, reply.error?.retryAfterMs || undefined);
}
