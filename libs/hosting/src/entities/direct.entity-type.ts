// The direct conversation as the runtime runs it: the rules of the domain married to the bytes of the protocol.
import {
  type ConversationLimits,
  type DirectCommand,
  type DirectEvent,
  type DirectReply,
  type DirectState,
  conversationLimits,
  createDirectDecider,
  directHead,
  directLogPage,
} from '@parley/domain';
import { createDirectCodec, decodeQuery, queryAnswer } from '@parley/protocol';
import type { EntityType } from '@parley/runtime';

export const createDirectEntityType = (
  limits: ConversationLimits = conversationLimits,
): EntityType<DirectState, DirectCommand, DirectEvent, DirectReply> => ({
  name: 'direct',
  decider: createDirectDecider(limits),
  codec: createDirectCodec(limits),
  query: queryDirect,
});

export const directEntityType = createDirectEntityType();

function queryDirect(state: DirectState, bytes: Uint8Array): Uint8Array {
  const query = decodeQuery(bytes);
  switch (query.body) {
    case 'log': {
      const page = directLogPage(state, query);
      return page.ok ? queryAnswer.log(page.value) : queryAnswer.error(page.error);
    }
    case 'head':
      return queryAnswer.head(directHead(state, query.reader));
    default:
      return queryAnswer.error('BAD_REQUEST', 'A direct conversation does not answer this query.');
  }
}
