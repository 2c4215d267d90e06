// What owner and admins may set for the whole group. The shape is that of parley.v1.GroupSettings.

export interface GroupSettings {
  /** Only owner and admins may write. */
  readonly muteAll: boolean;
  /** A member may write once in this time, milliseconds; 0: as often as they like. */
  readonly slowModeMs: number;
}

/** From the start; shared by all groups that have changed nothing. */
export const groupSettings: GroupSettings = { muteAll: false, slowModeMs: 0 };

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
