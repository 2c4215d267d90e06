// What went wrong with a question, as the asker learns it. The asker's own mistakes are not logged.
import { ClickHouseRefused, ClickHouseUnavailable } from '@parley/adapters';
import type { ErrorName } from '@parley/protocol';
import type { Log } from '../log.ts';
import { BadRequest } from './bad-request.ts';

export interface Failure {
  readonly code: ErrorName;
  readonly message?: string;
}

/** `context`: the verb of the question. */
export function failureOf(context: string, error: unknown, log: Log): Failure {
  if (error instanceof BadRequest) return { code: error.code, message: error.message };
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  if (error instanceof ClickHouseUnavailable || isWithoutSchema(error)) {
    log.warn({ context, reason }, 'history question failed: the store is away');
    return { code: 'HISTORY_UNAVAILABLE' };
  }
  log.error({ context, reason }, 'history question failed');
  return { code: 'INTERNAL' };
}

/** Asked before the projection has brought the schema up to date: unknown column, table or database. */
const isWithoutSchema = (error: unknown): boolean =>
  error instanceof ClickHouseRefused && [47, 60, 81].includes(error.code);
