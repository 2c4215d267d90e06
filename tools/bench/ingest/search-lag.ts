// How far search is behind, by its own word: each answer says through what time it is complete.
import { setTimeout as delay } from 'node:timers/promises';
import { NatsMessenger, connectNats } from '@parley/adapters';
import { internal, subjects } from '@parley/protocol';
import { benchTenant } from '../stand.ts';

const everyMs = 250;
const answerLimitMs = 5_000;

/** Looks until the answer is called, which tells the worst. A question without an answer counts as long as it was waited for. */
export async function watchSearchLag(natsUrl: string): Promise<() => Promise<{ readonly maxMs: number }>> {
  const link = await connectNats(natsUrl, { name: 'bench-lag' });
  const messenger = new NatsMessenger(link);
  const question = internal.SearchRequest.encode({
    tenant: benchTenant,
    user: 'nobody',
    text: 'nothing',
  }).finish();
  let maxMs = 0;
  let isOver = false;
  const look = async (): Promise<void> => {
    const askedMs = Date.now();
    const result = await messenger.request(subjects.history('search'), question, answerLimitMs);
    const answer = result.outcome === 'answered' ? internal.SearchAnswer.decode(result.bytes) : undefined;
    const throughMs = answer === undefined || answer.error ? askedMs - answerLimitMs : answer.completeThroughMs;
    maxMs = Math.max(maxMs, Date.now() - throughMs);
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
    return { maxMs };
  };
}
