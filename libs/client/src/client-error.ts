// What a failed operation is rejected with: the server's error body, or one of the client's own codes.
import type { ErrorBody } from './frames.ts';

/** Codes that only the client gives: the server never sends them. */
export type LocalErrorCode =
  'DISCONNECTED' | 'STOPPED' | 'OUTBOX_FULL' | 'BAD_ANSWER' | 'EVENTS_LOST' | 'HTTP_UNREACHABLE';

export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly code: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number;

  constructor(body: ErrorBody) {
    super(`${body.code}: ${body.message}`);
    this.code = body.code;
    this.retryable = body.retryable;
    this.retryAfterMs = body.retryAfterMs;
  }
}

export const localError = (code: LocalErrorCode, message: string, retryable = false): ClientError =>
  new ClientError({ code, message, retryable, retryAfterMs: 0 });

export const timeoutError = (limitMs: number): ClientError =>
  new ClientError({
    code: 'TIMEOUT',
    message: `no answer within ${limitMs} ms`,
    retryable: true,
    retryAfterMs: 0,
  });
