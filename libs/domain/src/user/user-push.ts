// What a user's connected devices are pushed. The codec turns entries (numbered) into parley.v1.Entry without position,
// and the others (not numbered) into a ServerFrame.
import type { Diffusion } from '../conversation/diffusion.ts';
import type { ConversationSettings } from './own-conversation.ts';
import type { LogMessage } from '../conversation/log-message.ts';
import type { PersonalChange } from './personal.ts';

export interface EntryPush {
  readonly type: 'Entry';
  readonly message: LogMessage;
  readonly diffusion: Diffusion;
  readonly left: boolean;
  readonly title: string;
  readonly firstVisible?: number;
}

export interface ReadMovedPush {
  readonly type: 'ReadMoved';
  readonly conversation: string;
  readonly sequence: number;
  readonly unread: number;
  readonly unreadMentions: number;
}

export interface PersonalPush {
  readonly type: 'Personal';
  readonly change: PersonalChange;
}

export interface ReceiptPush {
  readonly type: 'Receipt';
  readonly conversation: string;
  /** Who has read. */
  readonly user: string;
  readonly sequence: number;
}

export interface DeliveredPush {
  readonly type: 'Delivered';
  readonly conversation: string;
  /** Whose device has got it. */
  readonly user: string;
  readonly delivered: number;
}

export interface SyncNeededPush {
  readonly type: 'SyncNeeded';
  readonly inboxPosition: number;
}

export interface SettingsPush {
  readonly type: 'SettingsChanged';
  readonly conversation: string;
  readonly settings: ConversationSettings;
}

export interface NarrowedPush {
  readonly type: 'ViewNarrowed';
  readonly conversation: string;
  readonly clearedThrough: number;
  readonly deleted: readonly number[];
}

export type UserPush =
  | EntryPush
  | ReadMovedPush
  | PersonalPush
  | ReceiptPush
  | DeliveredPush
  | SyncNeededPush
  | SettingsPush
  | NarrowedPush;
