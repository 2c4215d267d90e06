// Named limits of the user entity.

export interface UserLimits {
  /** Newest inbox entries kept. Above: the oldest are dropped, and who asks for them gets `limited`. */
  readonly inboxCountMax: number;
  /** Entries in one inbox page at most; also the page size when none is asked for. */
  readonly inboxPageMax: number;
  /** Conversations the user has left that are still listed. Above: the one left longest ago is forgotten. */
  readonly leftConversationsMax: number;
  /** Unread edits, recalls and recalled messages remembered of a conversation. Above: the oldest count as unread again. */
  readonly uncountedMax: number;
  /** Contacts and requests that wait, both ways. Above: LIMIT_REACHED, and the requests of others are refused. */
  readonly contactsMax: number;
  /** Persons a user has blocked. Above: LIMIT_REACHED. */
  readonly blockedMax: number;
  /** Direct conversations that are told at once when the rule who may write changes: the newest. Others take one more message. */
  readonly directsToldMax: number;
  /** Groups compared to find a shared one: the newest. Above: the oldest are not looked at. */
  readonly sharedGroupsMax: number;
  /** Devices that are remembered as logged out. Above: the one longest ago may come back until its token expires. */
  readonly devicesLoggedOutMax: number;
  /** Relations on one page at most; also the page size when none is asked for. */
  readonly relationPageMax: number;
  /** Unread messages of a conversation that mention the user, remembered. Above: the oldest are not counted any more. */
  readonly mentionedMax: number;
  /** Messages of a conversation a user has deleted one by one for themself. Above: refused with DELETED_FULL. */
  readonly deletedMax: number;
  /** Direct conversations whose peers are told of one acknowledgement. Above: the others learn of the next one. */
  readonly deliveredConversationsMax: number;
}

export const userLimits: UserLimits = {
  inboxCountMax: 2_000,
  inboxPageMax: 500,
  leftConversationsMax: 1_000,
  uncountedMax: 256,
  contactsMax: 5_000,
  blockedMax: 1_000,
  directsToldMax: 2_000,
  sharedGroupsMax: 1_000,
  devicesLoggedOutMax: 100,
  relationPageMax: 500,
  mentionedMax: 256,
  deletedMax: 1_000,
  deliveredConversationsMax: 500,
};
