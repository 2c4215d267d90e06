// Named limits of the group entity.
import { type ConversationLimits, conversationLimits } from '../conversation/conversation-limits.ts';

export interface GroupLimits {
  readonly conversation: ConversationLimits;
  /** Members named in one command. Above: refused with BAD_REQUEST; the event must fit into a commit. */
  readonly membersPerCommandMax: number;
  /** Title, UTF-16 units. Above: refused with BAD_REQUEST. */
  readonly titleLengthMax: number;
  /** Ended spans of membership remembered for one user. Above: the oldest is forgotten and not readable any more. */
  readonly endedSpansPerUserMax: number;
  /** Users with ended spans remembered. Above: who left longest ago is forgotten. */
  readonly formerUsersMax: number;
  /**
   * Members who are told of one fact at most, because the list of them must fit into a commit. The dismissal of a group
   * under read-diffusion with more members is in its log and on its live topic only.
   */
  readonly toldMembersMax: number;
  /** Members of a group in which anybody may mention all. Above: only owner and admins, others get FORBIDDEN. */
  readonly mentionAllMembersMax: number;
  /** UTF-8 bytes of the announcement. Above: refused with TEXT_TOO_LARGE. */
  readonly announcementBytesMax: number;
  /** The longest interval of slow mode, milliseconds. Above: refused with BAD_REQUEST. */
  readonly slowModeMsMax: number;
  /** Banned users. Above: refused with LIMIT_REACHED. */
  readonly bansMax: number;
  /** Nickname, UTF-16 units. Above: refused with BAD_REQUEST. */
  readonly nicknameLengthMax: number;
  /** Invites that can still be used. Above: refused with LIMIT_REACHED. */
  readonly invitesMax: number;
  /** Requests to join without an answer. Above: refused with LIMIT_REACHED. */
  readonly requestsMax: number;
  /** Message of a request, UTF-16 units. Above: refused with BAD_REQUEST. */
  readonly requestLengthMax: number;
  /** Members in one page; also the page size when none is asked for. */
  readonly membersPageMax: number;
  /** Newest messages that mention somebody, remembered. Above: the oldest are not counted as unread mentions any more. */
  readonly mentionsMax: number;
  /** Of these the newest that members are told of when the group turns to write-diffusion: they go into one commit. */
  readonly mentionsToldMax: number;
  /** Members of a group of whom is listed who has read a message. Above: only how many. */
  readonly readersListedMembersMax: number;
}

export const groupLimits: GroupLimits = {
  conversation: conversationLimits,
  membersPerCommandMax: 1_000,
  titleLengthMax: 200,
  endedSpansPerUserMax: 16,
  formerUsersMax: 100_000,
  toldMembersMax: 5_000,
  mentionAllMembersMax: 50,
  announcementBytesMax: 4_096,
  slowModeMsMax: 24 * 3_600_000,
  bansMax: 10_000,
  nicknameLengthMax: 64,
  invitesMax: 100,
  requestsMax: 1_000,
  requestLengthMax: 200,
  membersPageMax: 1_000,
  mentionsMax: 256,
  mentionsToldMax: 64,
  readersListedMembersMax: 10_000,
};
