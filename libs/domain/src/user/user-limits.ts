// Named limits of the user entity.

export interface UserLimits {
  /** Newest inbox entries kept. Above: the oldest are dropped, and who asks for them gets `limited`. */
  readonly inboxCountMax: number;
  /** Entries in one inbox page at most; also the page size when none is asked for. */
  readonly inboxPageMax: number;
  /** Conversations the user has left that are still listed. Above: the one left longest ago is forgotten. */
  readonly leftConversationsMax: number;
}

export const userLimits: UserLimits = {
  inboxCountMax: 2_000,
  inboxPageMax: 500,
  leftConversationsMax: 1_000,
};
