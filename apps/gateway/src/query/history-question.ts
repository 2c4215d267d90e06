// One question to the history service: asked over the messenger, answered by whichever of its processes takes it.
import { type ErrorName, type parley, errorNameOf, subjects } from '@parley/protocol';
import type { Messenger } from '@parley/runtime';
import { type Result, err, ok } from '@parley/std';

export interface HistoryFailure {
  readonly code: ErrorName;
  readonly message?: string;
  readonly retryAfterMs?: number;
}

/** Every answer carries its error in a field of its own. */
interface Answer {
  readonly error?: parley.v1.Error.$Properties | null;
}

export interface HistoryQuestion<A extends Answer> {
  /** `hst.<verb>` */
  readonly verb: string;
  readonly bytes: Uint8Array;
  readonly timeoutMs: number;
  readonly decode: (bytes: Uint8Array) => A;
}

/** HISTORY_UNAVAILABLE when nobody answers in time; whatever the history service refused with. */
export async function askHistory<A extends Answer>(
  messenger: Messenger,
  { verb, bytes, timeoutMs, decode }: HistoryQuestion<A>,
): Promise<Result<A, HistoryFailure>> {
  const result = await messenger.request(subjects.history(verb), bytes, timeoutMs);
  if (result.outcome !== 'answered') return err({ code: 'HISTORY_UNAVAILABLE' });
  return unlessRefused(decode(result.bytes));
}

/** The answer, or what it was refused with. An error this gateway does not know is INTERNAL, and nothing else is told of it. */
export function unlessRefused<A extends Answer>(answer: A): Result<A, HistoryFailure> {
  const { error } = answer;
  if (error === null || error === undefined) return ok(answer);
  const code = errorNameOf(error.code ?? '');
  if (code !== error.code) return err({ code });
  return err({
    code,
    ...(error.message ? { message: error.message } : {}),
    ...(error.retryAfterMs ? { retryAfterMs: error.retryAfterMs } : {}),
  });
}
