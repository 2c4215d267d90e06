// What a person has deleted for themself. Copies of a message are the same for everybody, so what this one person is shown is
// taken out here, on the way to them: a gone message keeps its sequence and says nothing.
import { type Result, err, ok } from '@parley/std';
import type { ErrorName, parley } from '@parley/protocol';
import type { Identity } from '../auth/token-verifier.ts';
import type { EntityQuery } from '../query/entity-query.ts';
import type { Message } from './changed-messages.ts';

export type OwnView = parley.internal.v1.OwnView.$Properties;

/** All that the person has deleted, or of one conversation. */
export async function ownViewsOf(
  queries: EntityQuery,
  { tenant, user }: Identity,
  conversation = '',
): Promise<Result<readonly OwnView[], ErrorName>> {
  const answer = await queries.ask({ type: 'user', tenant, id: user }, { views: { conversation } });
  // Somebody without an account has deleted nothing.
  if (!answer.ok) return answer.error === 'USER_NOT_FOUND' ? ok([]) : err(answer.error);
  return ok(answer.value.views?.views ?? []);
}

export const isGoneIn = (view: OwnView | undefined, sequence: number): boolean =>
  view !== undefined &&
  (sequence <= (view.clearedThrough ?? 0) || (view.deleted?.includes(sequence) ?? false));

/** The message as the person is shown it: gone when it, or the message it is about, was deleted. */
export function shownTo(view: OwnView | undefined, message: Message): Message {
  if (view === undefined) return message;
  const { conversation, sequence, edited, recalled, rich } = message;
  const target = edited?.sequence ?? recalled?.sequence ?? 0;
  if (isGoneIn(view, sequence ?? 0) || (target > 0 && isGoneIn(view, target)))
    return { conversation, sequence, gone: {} };
  const answered = rich?.replyTo?.sequence ?? 0;
  if (answered === 0 || !isGoneIn(view, answered)) return message;
  return { ...message, rich: { ...rich, replyTo: { sequence: answered } } };
}
