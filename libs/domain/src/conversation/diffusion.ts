// How a conversation reaches its members. The numbers are those of the wire.

export const Diffusion = {
  UNSPECIFIED: 0,
  /** Each member's inbox gets an entry for each message. */
  WRITE: 1,
  /** Members read the conversation's own log. */
  READ: 2,
} as const;
export type Diffusion = (typeof Diffusion)[keyof typeof Diffusion];
