// How far a conversation has come, as one reader may know it.
import type { Diffusion } from './diffusion.ts';

export interface ConversationHead {
  /** Newest sequence the reader may see; 0 for someone who never was a member. */
  readonly head: number;
  readonly isMember: boolean;
  readonly diffusion: Diffusion;
  /** First sequence of the reader's newest span of membership. */
  readonly firstVisible: number;
  /** Of a group, for its members. */
  readonly title?: string;
  /** Unread sequences that mention the reader, rising; of groups only, as far as they are remembered. */
  readonly mentioned: readonly number[];
}
