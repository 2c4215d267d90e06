// What owner and admins may set for the whole group. The shape is that of parley.v1.GroupSettings.

export interface GroupSettings {
  /** Only owner and admins may write. */
  readonly muteAll: boolean;
  /** A member may write once in this time, milliseconds; 0: as often as they like. */
  readonly slowModeMs: number;
  readonly joining: Joining;
  /** Who becomes a member sees what was said before. */
  readonly historyVisible: boolean;
}

/** How people become members who are not added by owner and admins. The numbers are those of the wire. */
export const Joining = {
  /** Only with an invite's code. */
  INVITE: 1,
  /** Owner and admins approve of each. */
  REQUEST: 2,
  OPEN: 3,
} as const;
export type Joining = (typeof Joining)[keyof typeof Joining];

/** From the start; shared by all groups that have changed nothing. */
export const groupSettings: GroupSettings = {
  muteAll: false,
  slowModeMs: 0,
  joining: Joining.INVITE,
  historyVisible: false,
};

/** A text for all, shown until there is another. */
export interface Announcement {
  readonly text: string;
  readonly by: string;
  readonly atMs: number;
}

export interface Ban {
  readonly user: string;
  readonly by: string;
  readonly atMs: number;
}
