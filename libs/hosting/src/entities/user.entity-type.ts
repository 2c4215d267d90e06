// The user entity as the runtime runs it: the rules of the domain married to the bytes of the protocol.
import {
  type UserCommand,
  type UserEvent,
  type UserLimits,
  type UserReply,
  type UserState,
  accountOf,
  groupCountOf,
  createUserDecider,
  inboxPage,
  isLimited,
  profileOf,
  receptionOf,
  refusalOfDevice,
  relationPage,
  ownViews,
  userConversations,
  userLimits,
} from '@parley/domain';
import {
  createUserCodec,
  decodeQuery,
  encodeRefusal,
  internal,
  queryAnswer,
  toWireConversation,
  wire,
} from '@parley/protocol';
import type { EntityType } from '@parley/runtime';
import { type EntityAddress, refused } from '@parley/std';

export const createUserEntityType = (
  limits: UserLimits = userLimits,
): EntityType<UserState, UserCommand, UserEvent, UserReply> => ({
  name: 'user',
  decider: createUserDecider(limits),
  codec: createUserCodec(limits),
  query: queryUser,
  attach: attachDevice,
  position: (state) => state.inbox.last,
  nudge: (state) => ({ type: 'SyncNeeded', inboxPosition: state.inbox.last }),
});

export const userEntityType = createUserEntityType();

function queryUser(state: UserState, bytes: Uint8Array): Uint8Array {
  const query = decodeQuery(bytes);
  switch (query.body) {
    case 'inbox': {
      const page = inboxPage(state, query);
      return page.ok ? queryAnswer.inbox(page.value) : queryAnswer.error(page.error);
    }
    case 'conversations':
      return queryAnswer.conversations(userConversations(state), state.inbox.last);
    case 'views':
      return queryAnswer.views(ownViews(state, query.conversation === '' ? undefined : [query.conversation]));
    case 'account':
      return queryAnswer.account(accountOf(state), {
        reception: receptionOf(state, query.from),
        profile: profileOf(state),
        groupCount: groupCountOf(state),
      });
    case 'relations':
      return queryAnswer.relations(relationPage(state, query));
    default:
      return queryAnswer.error('BAD_REQUEST', 'A user does not answer this query.');
  }
}

/** A device says hello: `request` is an internal.Attach. The gateway fills in what concerns the connection. */
function attachDevice(state: UserState, request: Uint8Array, address: EntityAddress): Uint8Array {
  const hello = internal.Attach.decode(request);
  const refusal = refusalOfDevice(state, hello.deviceId, hello.issuedAtMs);
  if (refusal !== undefined) return encodeRefusal(refused(refusal));
  if (hello.inboxPosition > state.inbox.last) return encodeRefusal(refused('SEQUENCE_FROM_FUTURE'));
  const welcome = {
    tenant: address.tenant,
    user: address.id,
    inboxPosition: state.inbox.last,
    conversations: userConversations(state).map(toWireConversation),
    limited: isLimited(state, hello.inboxPosition),
  };
  return wire.ServerFrame.encode({ welcome }).finish();
}
