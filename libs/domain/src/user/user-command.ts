// Orders to a user entity, and their answers.
import type { Diffusion } from '../conversation/diffusion.ts';
import type { Done } from '../conversation/done.ts';
import type { LogMessage } from '../conversation/log-message.ts';
import type { Mentioning } from '../conversation/mentioning.ts';
import type { NarrowView, SetConversation } from './own-conversation.ts';
import type { Membership } from './membership.ts';
import type { ClaimDevice, LogOutDevice } from './device.ts';
import type { SetProfile, SetWriteRule } from './profile.ts';
import type { ChangeRelation, NotePeerRelation } from './relation.ts';

export interface RegisterUser {
  readonly type: 'RegisterUser';
  readonly handle: string;
  readonly displayName: string;
  readonly passwordHash: string;
}

/** A log element of a conversation reaches a member's inbox. One object is given to many users: see decideDeliver. */
export interface Deliver {
  readonly type: 'Deliver';
  readonly message: LogMessage;
  readonly membership: Membership;
  /** Set with JOINED, and with a change of diffusion; UNSPECIFIED otherwise. */
  readonly diffusion: Diffusion;
  /** Set on joining a group, and when its title changes; empty otherwise. */
  readonly title: string;
  /** Set when a group turns to write-diffusion: whom its newest messages mention, because no inbox has been told. */
  readonly mentions?: readonly Mentioning[];
  /** With JOINED: the first sequence the member may see, where it lies before the message. */
  readonly firstVisible?: number;
}

export interface ReadConversation {
  readonly type: 'ReadConversation';
  readonly conversation: string;
  readonly sequence: number;
}

/** The other member of a direct conversation has read up to here. */
export interface NotePeerRead {
  readonly type: 'NotePeerRead';
  readonly conversation: string;
  readonly peer: string;
  readonly sequence: number;
}

/** A device of the user has everything up to this inbox position. */
export interface AcknowledgeInbox {
  readonly type: 'AcknowledgeInbox';
  readonly position: number;
}

/** The other member of a direct conversation has got it up to here. */
export interface NotePeerDelivered {
  readonly type: 'NotePeerDelivered';
  readonly conversation: string;
  readonly sequence: number;
}

export type UserCommand =
  | RegisterUser
  | Deliver
  | ReadConversation
  | NotePeerRead
  | ChangeRelation
  | NotePeerRelation
  | SetConversation
  | NarrowView
  | SetWriteRule
  | SetProfile
  | LogOutDevice
  | ClaimDevice
  | AcknowledgeInbox
  | NotePeerDelivered;

/** The answer to ReadConversation, shaped like parley.v1.ReadDone. */
export interface ReadDone {
  readonly type: 'ReadDone';
  readonly conversation: string;
  readonly sequence: number;
  readonly unread: number;
  readonly unreadMentions: number;
}

export type UserReply = Done | ReadDone;
