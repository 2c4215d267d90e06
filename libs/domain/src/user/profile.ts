// Who a user is for others, and who may write to them. The numbers are those of the protocol.

export const WhoMayWrite = {
  EVERYONE: 0,
  CONTACTS: 1,
  /** Contacts, those one has talked with, and people who are in a group with the user. */
  SHARED_GROUP: 2,
} as const;
export type WhoMayWrite = (typeof WhoMayWrite)[keyof typeof WhoMayWrite];

export interface WriteRule {
  readonly type: 'WriteRule';
  readonly whoMayWrite: WhoMayWrite;
}

/** What a user shows of themself to all of the tenant. A value: a change makes a new one. */
export interface Profile {
  readonly type: 'Profile';
  readonly displayName: string;
  /** Id or address in the store of media; opaque. */
  readonly avatar: string;
  readonly fields: readonly ProfileField[];
}

export interface ProfileField {
  readonly name: string;
  readonly value: string;
}

export interface SetWriteRule {
  readonly type: 'SetWriteRule';
  readonly whoMayWrite: WhoMayWrite;
}

export interface WriteRuleChanged {
  readonly type: 'WriteRuleChanged';
  readonly whoMayWrite: WhoMayWrite;
}

export interface SetProfile {
  readonly type: 'SetProfile';
  readonly displayName: string;
  readonly avatar: string;
  readonly fields: readonly ProfileField[];
}

export interface UserProfileChanged {
  readonly type: 'UserProfileChanged';
  readonly profile: Profile;
}
