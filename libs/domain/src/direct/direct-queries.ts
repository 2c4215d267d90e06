// Reads of a direct conversation: pure functions of committed state.
import { type Result, err, ok } from '@parley/std';
import { type ConversationHead } from '../conversation/conversation-head.ts';
import { Diffusion } from '../conversation/diffusion.ts';
import { type LogPage, logPage } from '../conversation/log-page.ts';
import type { Span } from '../conversation/span.ts';
import type { DirectState } from './direct-state.ts';

/** Both users may read everything. */
const spans: readonly Span[] = [{ from: 1, to: 0 }];

export const directLogPage = (
  state: DirectState,
  query: { readonly reader: string; readonly from: number; readonly to: number },
): Result<LogPage, 'NOT_A_MEMBER'> =>
  state.users.includes(query.reader) ? ok(logPage(state.log, spans, query)) : err('NOT_A_MEMBER');

export const directHead = (state: DirectState, reader: string): ConversationHead =>
  state.users.includes(reader)
    ? { head: state.log.head, isMember: true, diffusion: Diffusion.WRITE, firstVisible: 1, mentioned: [] }
    : { head: 0, isMember: false, diffusion: Diffusion.WRITE, firstVisible: 0, mentioned: [] };
