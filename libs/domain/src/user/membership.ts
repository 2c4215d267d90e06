// What an inbox entry does to the user's membership of its conversation. The numbers are those of the protocol.

export const Membership = {
  UNCHANGED: 0,
  JOINED: 1,
  LEFT: 2,
} as const;
export type Membership = (typeof Membership)[keyof typeof Membership];
