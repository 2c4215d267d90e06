// Facts of a user entity.
import type { Diffusion } from '../conversation/diffusion.ts';
import type { Mentioning } from '../conversation/mentioning.ts';
import type { Membership } from './membership.ts';
import type { DeviceClaimed } from './device.ts';
import type { PersonalEvent } from './personal.ts';
import type { ConversationSettingsChanged, ViewNarrowed } from './own-conversation.ts';
import type { EntryPush } from './user-push.ts';

export interface UserRegistered {
  readonly type: 'UserRegistered';
  readonly handle: string;
  readonly displayName: string;
  readonly passwordHash: string;
  readonly atMs: number;
}

/**
 * A reference was appended to the inbox. Its position is implicit (the next one), so one event serves all recipients.
 * `push` is not part of the fact: it carries the body from the command to the push effect of the recipients, is never
 * encoded, and is absent on replay, where no effects are asked for.
 */
export interface EntryAppended {
  readonly type: 'EntryAppended';
  readonly conversation: string;
  readonly sequence: number;
  readonly sender: string;
  readonly atMs: number;
  readonly membership: Membership;
  readonly diffusion: Diffusion;
  readonly title: string;
  /** Of an edit, a recall, a reaction or a pin: the sequence of the message it is about. Such elements are nothing to be read. */
  readonly target?: number;
  /** With `target`, when it is a recall. */
  readonly isRecall?: boolean;
  /** With `target`, when it is a reaction or a pin: the message stays what it is. */
  readonly isMark?: boolean;
  /** Whom a message mentions from now on: a new one, an edited one, and as in Deliver. */
  readonly mentions?: readonly Mentioning[];
  /** With JOINED: the first sequence the member may see, where it lies before `sequence`. */
  readonly firstVisible?: number;
  readonly push?: EntryPush;
}

/** The user's own read pointer moved. Takes the next inbox position, so that the other devices learn of it. */
export interface ReadPointerMoved {
  readonly type: 'ReadPointerMoved';
  readonly conversation: string;
  readonly sequence: number;
}

export interface PeerReadNoted {
  readonly type: 'PeerReadNoted';
  readonly conversation: string;
  readonly sequence: number;
}

/** A device has acknowledged `position`. Takes no inbox position. */
export interface InboxDelivered {
  readonly type: 'InboxDelivered';
  readonly position: number;
  /** How far direct conversations have come with it, if further than they are read. */
  readonly directs: readonly { readonly conversation: string; readonly sequence: number }[];
}

export interface PeerDeliveredNoted {
  readonly type: 'PeerDeliveredNoted';
  readonly conversation: string;
  readonly sequence: number;
}

export type UserEvent =
  | UserRegistered
  | EntryAppended
  | ReadPointerMoved
  | PeerReadNoted
  | InboxDelivered
  | PeerDeliveredNoted
  | ConversationSettingsChanged
  | ViewNarrowed
  | PersonalEvent
  | DeviceClaimed;

type UnnumberedEvent = UserRegistered | PeerReadNoted | InboxDelivered | PeerDeliveredNoted | DeviceClaimed;

/** The facts that are numbered: one inbox entry each, of the next position. */
export type NumberedEvent = Exclude<UserEvent, UnnumberedEvent>;

const unnumbered: ReadonlySet<string> = new Set<UnnumberedEvent['type']>([
  'UserRegistered',
  'PeerReadNoted',
  'InboxDelivered',
  'PeerDeliveredNoted',
  'DeviceClaimed',
]);

export const takesPosition = (event: UserEvent): event is NumberedEvent => !unnumbered.has(event.type);
