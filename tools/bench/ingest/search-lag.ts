// How far search is behind, by its own word: each answer says through what time it is complete.
import { setTimeout as delay } from 'node:timers/promises';
import { NatsMessenger, connectNats } from '@parley/adapters';
import { internal, subjects } from '@parley/protocol';
import { median } from '../../percentile.ts';
import { benchTenant } from '../stand.ts';

const everyMs = 250;
const answerLimitMs = 5_000;

export interface SearchLag {
  readonly maxMs: number;
  readonly medianMs: number;
  /** Questions without an answer; each counts as late as it was waited for. */
  readonly unanswered: number;
}

/** Looks until the answer is called, which tells what it has seen. */
export async function watchSearchLag(natsUrl: string): Promise<() => Promise<SearchLag>> {
  const link = await connectNats(natsUrl, { name: 'bench-lag' });
  const messenger = new NatsMessenger(link);
  const asked = { tenant: benchTenant, user: 'nobody', text: 'nothing' };
  const question = internal.SearchRequest.encode(asked).finish();
  const seenMs: number[] = [];
  let unanswered = 0;
  let isOver = false;
  const look = async (): Promise<void> => {
    const askedMs = Date.now();
    const result = await messenger.request(subjects.history('search'), question, answerLimitMs);
    const answer = result.outcome === 'answered' ? internal.SearchAnswer.decode(result.bytes) : undefined;
    const isAnswered = answer !== undefined && !answer.error;
    if (!isAnswered) unanswered += 1;
    seenMs.push(Date.now() - (isAnswered ? answer.completeThroughMs : askedMs));
  };
  const looking = (async () => {
    while (!isOver) {
      await look();
      await delay(everyMs);
    }
  })();
  return async () => {
    isOver = true;
    await looking;
    await link.close();
    return { maxMs: Math.max(...seenMs), medianMs: median(seenMs), unanswered };
  };
}
