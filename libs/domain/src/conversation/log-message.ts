// One element of a conversation's log as everybody outside the entity sees it: a text, or a change of the group.
// The shape follows parley.v1.Message, so that texts are encoded without conversion.
import type { Role } from '../group/role.ts';
import type { Diffusion } from './diffusion.ts';

export interface LogMessage {
  readonly conversation: string;
  readonly sequence: number;
  /** Who did it; empty for what the group did by itself. */
  readonly sender: string;
  /** Empty for system messages. */
  readonly clientMessageId: string;
  readonly sentAtMs: number;
  /** Exactly one of `text` and `system` is set. */
  readonly text?: string;
  readonly system?: SystemChange;
}

export type SystemChange =
  | { readonly type: 'GroupCreated'; readonly title: string; readonly members: readonly string[] }
  | { readonly type: 'MembersAdded'; readonly members: readonly string[] }
  | { readonly type: 'MemberRemoved'; readonly member: string }
  | { readonly type: 'MemberLeft'; readonly member: string }
  | { readonly type: 'GroupDismissed' }
  | { readonly type: 'DiffusionChanged'; readonly diffusion: Diffusion }
  | { readonly type: 'RoleChanged'; readonly member: string; readonly role: Role }
  | { readonly type: 'MemberMuted'; readonly member: string; readonly mutedUntilMs: number };
