// What a member of a group may do. The numbers are those of the wire.

export const Role = {
  UNSPECIFIED: 0,
  MEMBER: 1,
  ADMIN: 2,
  OWNER: 3,
} as const;
export type Role = (typeof Role)[keyof typeof Role];
