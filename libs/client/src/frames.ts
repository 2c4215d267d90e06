// The frames as the client sees them after decoding: protobufjs fills absent scalars with their defaults, which its own
// interface types do not promise. codec/frame-codec.ts is the one place that casts to these.
import type { parley } from '@parley/protocol';

export type ClientFrame = parley.v1.IClientFrame;
/** A request's body, e.g. `{ ping: {} }`. */
export type RequestBody = Omit<ClientFrame, 'requestId'>;
export type System = parley.v1.ISystem;

/** `Diffusion` of the wire: how messages of a conversation reach its members. */
export const Diffusion = { unspecified: 0, write: 1, read: 2 } as const;

/** What a message carries beside its text. To send, only what is meant has to be set. */
export type RichContent = parley.v1.IRichContent;

/** What is sent: a text, or more. */
export interface Content {
  readonly text?: string;
  readonly rich?: RichContent;
}

/** One element of a conversation's log. The object never changes; an edited message is another object. */
export interface Message {
  readonly conversation: string;
  readonly sequence: number;
  readonly sender: string;
  readonly clientMessageId: string;
  readonly sentAtMs: number;
  readonly text?: string | null;
  readonly system?: System | null;
  readonly rich?: RichContent | null;
  /** An edit or a recall of the message at this sequence. */
  readonly edited?: {
    readonly sequence?: number;
    readonly text?: string;
    readonly rich?: RichContent | null;
  } | null;
  readonly recalled?: { readonly sequence?: number } | null;
  /** The user has deleted what stood here. */
  readonly gone?: object | null;
  /** Sequence of the change that made the message what it is here; 0: as it was sent. */
  readonly revision?: number;
  readonly changedAtMs?: number;
  readonly isRecalled?: boolean;
  /** Its key was destroyed: nobody can read it any more. */
  readonly isErased?: boolean;
  /** The emojis on the message, the oldest first. */
  readonly reactions?: readonly Reaction[];
  /** Sequence of the newest element `reactions` have seen. */
  readonly reactionsRevision?: number;
}

export interface Reaction {
  readonly emoji: string;
  readonly count: number;
  /** The user of this client is among them. */
  readonly own: boolean;
  /** Who, as far as told: the first 20. */
  readonly users: readonly string[];
}

export interface Cursor {
  readonly conversation: string;
  readonly sequence: number;
}

export interface ConversationInfo {
  readonly conversation: string;
  readonly head: number;
  readonly read: number;
  readonly unread: number;
  readonly firstVisible: number;
  readonly diffusion: number;
  readonly title: string;
  readonly peerRead: number;
  readonly peerDelivered?: number;
  readonly left: number;
  readonly diffusionSince: number;
  readonly uncounted?: readonly number[];
  readonly unreadMentions?: number;
  readonly mentioned?: readonly number[];
  readonly settings?: ConversationSettings | null;
  readonly clearedThrough?: number;
  readonly deleted?: readonly number[];
}

/** The user's own, of one conversation. */
export interface ConversationSettings {
  /** 0: not set. */
  readonly doNotDisturbUntilMs: number;
  readonly pinned: boolean;
  readonly hidden: boolean;
  readonly markedUnread: boolean;
  readonly hiddenThrough: number;
}

export interface Welcome {
  readonly tenant: string;
  readonly user: string;
  readonly connectionId: string;
  readonly inboxPosition: number;
  readonly conversations: readonly ConversationInfo[];
  readonly limited: boolean;
  readonly keepAliveMs: number;
  readonly frameBytesMax: number;
  readonly protocolVersion: number;
  readonly serverTimeMs: number;
}

export interface Entry {
  readonly position: number;
  readonly message?: Message | null;
  readonly readMoved?: {
    readonly conversation: string;
    readonly sequence: number;
    readonly unread: number;
    readonly unreadMentions?: number;
  } | null;
  readonly personal?: PersonalChange | null;
  readonly settingsChanged?: {
    readonly conversation: string;
    readonly settings: ConversationSettings;
  } | null;
  readonly viewNarrowed?: {
    readonly conversation: string;
    readonly clearedThrough: number;
    readonly deleted: readonly number[];
  } | null;
  readonly diffusion: number;
  readonly left: boolean;
  readonly title: string;
  /** On joining a group that shows what was said before: the first the user may see; 0: not said. */
  readonly firstVisible: number;
}

/** Something of the user's own changed that others do not see; one member is set: its whole new value. */
export interface PersonalChange {
  readonly relation?: Relation | null;
  readonly writeRule?: { readonly whoMayWrite: number } | null;
  readonly profile?: Profile | null;
  readonly deviceLoggedOut?: {
    readonly deviceId: string;
    readonly atMs: number;
    readonly reason: string;
  } | null;
}

/** Numbers of the class of a device. */
export const DeviceClass = { unknown: 0, phone: 1, desktop: 2 } as const;

/** What a user shows of themself. */
export interface Profile {
  readonly displayName: string;
  /** Id or address of a picture; empty: none. */
  readonly avatar: string;
  readonly fields: readonly { readonly name: string; readonly value: string }[];
}

/** Numbers of `Relation.contact`. */
export const Contact = { none: 0, requested: 1, asked: 2, accepted: 3 } as const;

/** What the user has to do with one other person. */
export interface Relation {
  readonly user: string;
  readonly contact: number;
  readonly isBlocked: boolean;
  /** Of a request that waits. */
  readonly message: string;
  readonly remark: string;
  readonly tags: readonly string[];
  readonly sinceMs: number;
}

export interface HistoryPage {
  readonly conversation: string;
  readonly messages: readonly Message[];
  readonly head: number;
  readonly more: boolean;
  readonly firstVisible: number;
  /** Of a page around a place: the first readable sequence there; 0 of others. */
  readonly around: number;
  /** The same: whether there are further messages at either end. */
  readonly moreBefore: boolean;
  readonly moreAfter: boolean;
  /** Sequences of the messages that are pinned now, the newest pin last. */
  readonly pinned?: readonly number[];
}

export interface SyncPage {
  readonly entries: readonly Entry[];
  readonly inboxPosition: number;
  readonly more: boolean;
  readonly limited: boolean;
  readonly conversations: readonly ConversationInfo[];
  readonly logs: readonly HistoryPage[];
}

export interface Sent {
  readonly conversation: string;
  readonly clientMessageId: string;
  readonly sequence: number;
  readonly sentAtMs: number;
  readonly duplicate: boolean;
}

export interface ReadDone {
  readonly conversation: string;
  readonly sequence: number;
  readonly unread: number;
  readonly unreadMentions?: number;
}

export interface ReadersPage {
  readonly conversation: string;
  readonly sequence: number;
  /** Members who have read it (whoever wrote it, too), of those who were there when it was written. */
  readonly count: number;
  readonly memberCount: number;
  /** Rising; empty in groups that are too large to list them. */
  readonly users: readonly string[];
  readonly more: boolean;
}

export interface Presence {
  readonly user: string;
  readonly online: boolean;
  readonly lastSeenMs: number;
}

export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number;
}

export interface ServerFrame {
  readonly requestId: number;
  /** Names the member that is set; undefined for a body this client does not know. */
  readonly body?: string;
  readonly error?: ErrorBody | null;
  readonly welcome?: Welcome | null;
  readonly sent?: Sent | null;
  readonly syncPage?: SyncPage | null;
  readonly readDone?: ReadDone | null;
  readonly historyPage?: HistoryPage | null;
  readonly presenceList?: { readonly users: readonly Presence[] } | null;
  readonly pong?: { readonly inboxPosition: number; readonly serverTimeMs: number } | null;
  readonly deliver?: { readonly entries: readonly Entry[] } | null;
  readonly live?: { readonly messages: readonly Message[]; readonly heads: readonly Cursor[] } | null;
  readonly readersPage?: ReadersPage | null;
  readonly receipt?: {
    readonly conversation: string;
    readonly user: string;
    readonly sequence: number;
    readonly delivered?: number;
  } | null;
  readonly presence?: Presence | null;
  readonly goAway?: { readonly reason: string; readonly reconnectWithinMs: number } | null;
  readonly syncNeeded?: { readonly inboxPosition: number; readonly heads: readonly Cursor[] } | null;
  readonly typingNotice?: { readonly conversation: string; readonly user: string } | null;
  readonly done?: object | null;
}
