// The group as the runtime runs it: the rules of the domain married to the bytes of the protocol.
import {
  type GroupCommand,
  type GroupEvent,
  type GroupLimits,
  type GroupReply,
  type GroupState,
  createGroupDecider,
  groupAnnouncement,
  groupHead,
  groupLimits,
  groupListPage,
  groupLogPage,
  groupView,
  membersPage,
  readersPage,
} from '@parley/domain';
import { createGroupCodec, decodeQuery, groupConversation, queryAnswer, subjects } from '@parley/protocol';
import type { EntityType } from '@parley/runtime';

export const createGroupEntityType = (
  limits: GroupLimits = groupLimits,
): EntityType<GroupState, GroupCommand, GroupEvent, GroupReply> => ({
  name: 'group',
  decider: createGroupDecider(limits),
  codec: createGroupCodec(limits),
  query: queryGroup,
  topic: (address) => subjects.live(address.tenant, groupConversation(address.id)),
  announce: groupAnnouncement,
});

export const groupEntityType = createGroupEntityType();

function queryGroup(state: GroupState, bytes: Uint8Array): Uint8Array {
  const query = decodeQuery(bytes);
  switch (query.body) {
    case 'log': {
      const page = groupLogPage(state, query);
      return page.ok ? queryAnswer.log(page.value) : queryAnswer.error(page.error);
    }
    case 'members': {
      const page = membersPage(state, query);
      return page.ok ? queryAnswer.members(page.value) : queryAnswer.error(page.error);
    }
    case 'readers': {
      const page = readersPage(state, query);
      return page.ok ? queryAnswer.readers(page.value) : queryAnswer.error(page.error);
    }
    case 'head': {
      const head = groupHead(state, query);
      return head.ok ? queryAnswer.head(head.value) : queryAnswer.error(head.error);
    }
    case 'group': {
      const view = groupView(state, query.reader);
      return view.ok ? queryAnswer.group(view.value) : queryAnswer.error(view.error);
    }
    case 'groupList': {
      const page = groupListPage(state, query);
      return page.ok ? queryAnswer.groupList(page.value) : queryAnswer.error(page.error);
    }
    default:
      return queryAnswer.error('BAD_REQUEST', 'A group does not answer this query.');
  }
}
