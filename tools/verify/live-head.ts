// Where a conversation has got to now, for what seems to be too many and may only be newer than what was read.
import { isDirectConversation } from '@parley/domain';
import { internal } from '@parley/protocol';
import { parseShardName } from '@parley/runtime';
import type { Membership } from '../journals/membership.ts';
import type { Sources } from './sources.ts';

export interface ConversationPlace {
  readonly tenant: string;
  readonly id: string;
  readonly shard: string;
  readonly head: number;
  readonly membership: Membership;
}

/** The head its actor tells a member; undefined when it does not answer. */
export async function liveHead(
  { tenant, id, shard, head, membership }: ConversationPlace,
  sources: Pick<Sources, 'ask'>,
): Promise<number | undefined> {
  const [reader] = [...membership.spans].find(([, spans]) => spans.at(-1)?.to === 0) ?? [];
  // Without members nobody can have gone on.
  if (reader === undefined) return head;
  const type = isDirectConversation(id) ? 'direct' : 'group';
  const query = internal.Query.encode({ type, tenant, id: id.slice(2), head: { reader } }).finish();
  const result = await sources.ask(parseShardName(shard), query);
  if (result.outcome !== 'answered') return undefined;
  return internal.QueryAnswer.decode(result.bytes).head?.head ?? undefined;
}
