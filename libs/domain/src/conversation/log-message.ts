// One element of a conversation's log as everybody outside the entity sees it: a message somebody wrote, a change of the
// group, or the edit or recall of an earlier message. The shape follows parley.v1.Message, so that texts are encoded
// without conversion.
import type { GroupSettings } from '../group/group-settings.ts';
import type { Role } from '../group/role.ts';
import type { Diffusion } from './diffusion.ts';
import type { EmojiCount } from './message-marks.ts';
import type { RichContent } from './rich-content.ts';

export interface LogMessage {
  readonly conversation: string;
  readonly sequence: number;
  /** Who did it; empty for what the group did by itself. */
  readonly sender: string;
  /** Empty for system messages. */
  readonly clientMessageId: string;
  readonly sentAtMs: number;
  /** Exactly one of `text`, `system`, `edited` and `recalled` is set. */
  readonly text?: string;
  readonly system?: SystemChange;
  readonly edited?: EditedContent;
  readonly recalled?: { readonly sequence: number };
  /** With `text`. */
  readonly rich?: RichContent;
  /** Sequence of the edit or recall that made the message what it is here; absent: it is as it was sent. */
  readonly revision?: number;
  readonly changedAtMs?: number;
  readonly isRecalled?: boolean;
}

/** The new content of the message at `sequence`. Emptied when that message is recalled. */
export interface EditedContent {
  readonly sequence: number;
  readonly text: string;
  readonly rich?: RichContent;
}

export type SystemChange =
  | { readonly type: 'GroupCreated'; readonly title: string; readonly members: readonly string[] }
  | { readonly type: 'MembersAdded'; readonly members: readonly string[] }
  | { readonly type: 'MemberRemoved'; readonly member: string }
  | { readonly type: 'MemberLeft'; readonly member: string }
  | { readonly type: 'GroupDismissed' }
  | { readonly type: 'DiffusionChanged'; readonly diffusion: Diffusion }
  | { readonly type: 'RoleChanged'; readonly member: string; readonly role: Role }
  | { readonly type: 'MemberMuted'; readonly member: string; readonly mutedUntilMs: number }
  | {
      readonly type: 'MessageReacted';
      /** Of the message. */
      readonly sequence: number;
      readonly emoji: string;
      readonly isRemoved: boolean;
      readonly reactions: readonly EmojiCount[];
    }
  | { readonly type: 'MessagePinned'; readonly sequence: number }
  | { readonly type: 'MessageUnpinned'; readonly sequence: number }
  | { readonly type: 'ProfileChanged'; readonly title: string; readonly avatar: string }
  | { readonly type: 'AnnouncementChanged'; readonly text: string }
  | { readonly type: 'SettingsChanged'; readonly settings: GroupSettings }
  | { readonly type: 'BanChanged'; readonly member: string; readonly isBanned: boolean }
  | { readonly type: 'WindowsChanged' }
  | { readonly type: 'JoinRequested'; readonly user: string }
  | { readonly type: 'NicknameChanged'; readonly member: string; readonly nickname: string };
