// How the HTTP API reads pages of a conversation. The socket half implements it: it knows all the places where
// messages are (its cache, the Redis tail, the history service, the owner's memory).
import type { parley } from '@parley/protocol';
import type { Result } from '@parley/std';
import type { Identity } from '../auth/token-verifier.ts';
import type { HistoryFailure } from '../query/history-question.ts';

/** `after` pages forward, `before` backward, `around` and `atMs` both ways; with none, the newest page. 0: not given. */
export interface HistoryRequest {
  readonly conversation: string;
  readonly before: number;
  readonly after: number;
  readonly around: number;
  /** Milliseconds since 1970: around the first message sent at or after it. */
  readonly atMs: number;
  readonly limit: number;
}

export interface HistoryReader {
  /** Checks that the asker may read. Never returns a page with a silent hole: HISTORY_BEHIND instead. */
  page(asker: Identity, request: HistoryRequest): Promise<Result<parley.v1.HistoryPage, HistoryFailure>>;
}
