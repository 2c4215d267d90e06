// What a user has to do with one other person: contact or not, blocked or not, and how the user calls them. Only the user
// sees it. The numbers are those of the protocol.

export const Contact = {
  NONE: 0,
  /** The user has asked, and waits. */
  REQUESTED: 1,
  /** The other one has asked, and waits. */
  ASKED: 2,
  ACCEPTED: 3,
} as const;
export type Contact = (typeof Contact)[keyof typeof Contact];

export const RelationAction = {
  UNSPECIFIED: 0,
  BLOCK: 1,
  UNBLOCK: 2,
  REQUEST: 3,
  ACCEPT: 4,
  REFUSE: 5,
  /** Ends being contacts, and takes a waiting request back. */
  REMOVE: 6,
  /** Sets remark and tags. */
  DESCRIBE: 7,
} as const;
export type RelationAction = (typeof RelationAction)[keyof typeof RelationAction];

/** A value: a change makes a new one. */
export interface Relation {
  readonly type: 'Relation';
  readonly user: string;
  readonly contact: Contact;
  readonly isBlocked: boolean;
  /** Of a request that waits for its answer. */
  readonly message: string;
  /** The user's own name for the person. */
  readonly remark: string;
  readonly tags: readonly string[];
  /** Since when `contact` is what it is; of a request that waits: when it was made. */
  readonly sinceMs: number;
}

export interface ChangeRelation {
  readonly type: 'ChangeRelation';
  readonly user: string;
  readonly action: RelationAction;
  readonly message: string;
  readonly remark: string;
  readonly tags: readonly string[];
}

/** The other person requested, accepted, refused or removed: told by their user entity. */
export interface NotePeerRelation {
  readonly type: 'NotePeerRelation';
  readonly peer: string;
  readonly action: RelationAction;
  readonly message: string;
  /** When the request was made that this is or answers: its id between the two. */
  readonly requestMs: number;
}

/** Takes the next inbox position, so that the user's devices learn of it. */
export interface RelationChanged {
  readonly type: 'RelationChanged';
  readonly action: RelationAction;
  readonly isByPeer: boolean;
  readonly relation: Relation;
  readonly requestMs: number;
}

export const noRelation = (user: string): Relation => ({
  type: 'Relation',
  user,
  contact: Contact.NONE,
  isBlocked: false,
  message: '',
  remark: '',
  tags: noTags,
  sinceMs: 0,
});

const noTags: readonly string[] = [];

/** Says nothing any more, and is forgotten. */
export const isBlank = ({ contact, isBlocked, remark, tags }: Relation): boolean =>
  contact === Contact.NONE && !isBlocked && remark === '' && tags.length === 0;
