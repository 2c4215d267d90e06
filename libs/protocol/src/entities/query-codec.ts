// Queries asked of owners and their answers, as bytes. Entity types answer with one of these.
import type {
  Account,
  ConversationHead,
  GroupListName,
  GroupListPage,
  GroupView,
  ConversationView,
  LogPage,
  MembersPage,
  RelationPage,
} from '@parley/domain';
import type { Profile, Reception, ReadersPage, UserConversation } from '@parley/domain';
import { errorBody } from '../error-codes.ts';
import { internal, type parley } from '../messages.ts';
import { encodeInboxAnswer, readInboxAnswer } from './inbox-answer-codec.ts';
import { toWireMessage } from './log-message-codec.ts';
import { toWireProfile, toWireRelation } from './personal-codec.ts';
import { decoded } from './shape.ts';
import { toWireConversation } from './user-parts-codec.ts';

/** A query as its entity answers it; `body` names the kind, `unknown` one this process does not know. */
export type EntityQuery =
  | { readonly body: 'inbox'; readonly after: number; readonly limit: number }
  | { readonly body: 'log'; readonly reader: string; readonly from: number; readonly to: number }
  | { readonly body: 'members'; readonly reader: string; readonly after: string; readonly limit: number }
  | { readonly body: 'head'; readonly reader: string; readonly read: number }
  | { readonly body: 'group'; readonly reader: string }
  | {
      readonly body: 'groupList';
      readonly reader: string;
      readonly list: GroupListName;
      readonly after: string;
      readonly limit: number;
    }
  | { readonly body: 'views'; readonly conversation: string }
  | {
      readonly body: 'readers';
      readonly reader: string;
      readonly sequence: number;
      readonly after: string;
      readonly limit: number;
    }
  | { readonly body: 'account'; readonly from: string }
  | { readonly body: 'relations'; readonly kind: number; readonly after: string; readonly limit: number }
  | { readonly body: 'conversations' | 'unknown' };

/** Throws on bytes that are no internal.Query. */
export function decodeQuery(bytes: Uint8Array): EntityQuery {
  const { inbox, log, members, head, account, relations, group, groupList, views, readers, body } =
    internal.Query.decode(bytes);
  if (inbox) {
    const { after, limit } = decoded(inbox);
    return { body: 'inbox', after, limit };
  }
  if (log) {
    const { reader, from, to } = decoded(log);
    return { body: 'log', reader, from, to };
  }
  if (members) {
    const { reader, after, limit } = decoded(members);
    return { body: 'members', reader, after, limit };
  }
  if (views) return { body: 'views', conversation: decoded(views).conversation };
  if (head) {
    const { reader, read } = decoded(head);
    return { body: 'head', reader, read };
  }
  if (readers) {
    const { reader, sequence, after, limit } = decoded(readers);
    return { body: 'readers', reader, sequence, after, limit };
  }
  if (account) return { body: 'account', from: decoded(account).from };
  if (group) return { body: 'group', reader: decoded(group).reader };
  if (groupList) {
    const { reader, after, limit } = decoded(groupList);
    const list = groupListNames[decoded(groupList).list];
    return list === undefined ? { body: 'unknown' } : { body: 'groupList', reader, list, after, limit };
  }
  if (relations) {
    const { kind, after, limit } = decoded(relations);
    return { body: 'relations', kind, after, limit };
  }
  return { body: body === 'conversations' ? body : 'unknown' };
}

const groupListNames: Readonly<Record<number, GroupListName>> = {
  [internal.GroupList.GROUP_LIST_BANS]: 'bans',
  [internal.GroupList.GROUP_LIST_INVITES]: 'invites',
  [internal.GroupList.GROUP_LIST_REQUESTS]: 'requests',
};

/** The entity a query is for. Throws on bytes that are no internal.Query. */
export function decodeQueryAddress(bytes: Uint8Array): { type: string; tenant: string; id: string } {
  const { type, tenant, id } = internal.Query.decode(bytes);
  return { type, tenant, id };
}

export type QueryAnswerFields = parley.internal.v1.QueryAnswer.$Properties;

/** Throws on bytes that are no internal.QueryAnswer. */
export function decodeQueryAnswer(bytes: Uint8Array): parley.internal.v1.QueryAnswer {
  const inbox = readInboxAnswer(bytes);
  return inbox === undefined ? internal.QueryAnswer.decode(bytes) : new internal.QueryAnswer({ inbox });
}

const encode = (answer: QueryAnswerFields): Uint8Array => internal.QueryAnswer.encode(answer).finish();

export interface AccountDetails {
  /** Of who asks. */
  readonly reception?: Reception | undefined;
  /** What the user shows. */
  readonly profile?: Profile | undefined;
  /** Groups the user is a member of. */
  readonly groupCount?: number;
}

/** Encoded internal.QueryAnswer, one function for each kind. */
export const queryAnswer = {
  error: (code: string, message?: string): Uint8Array => encode({ error: errorBody(code, message) }),

  inbox: encodeInboxAnswer,

  conversations: (conversations: readonly UserConversation[], position: number): Uint8Array =>
    encode({ conversations: { conversations: conversations.map(toWireConversation), position } }),

  account: (
    account: Account | undefined,
    { reception, profile, groupCount = 0 }: AccountDetails = {},
  ): Uint8Array =>
    encode({
      account:
        account === undefined
          ? { exists: false }
          : {
              exists: true,
              ...account,
              ...reception,
              groups: [...(reception?.groups ?? [])],
              ...(profile && { profile: toWireProfile(profile) }),
              groupCount,
            },
    }),

  relations: ({ relations, more, position }: RelationPage): Uint8Array =>
    encode({ relations: { relations: relations.map(toWireRelation), more, position } }),

  log: ({ messages, head, spans, changes, forgetsChanges, reactions, pinned }: LogPage): Uint8Array =>
    encode({
      log: {
        messages: messages.map(toWireMessage),
        head,
        spans: [...spans],
        changes: [...changes],
        forgetsChanges,
        reactions: reactions as parley.internal.v1.ShownReactions.$Properties[],
        pinned: [...pinned],
      },
    }),

  members: (page: MembersPage): Uint8Array =>
    encode({ members: { ...page, members: page.members as parley.internal.v1.Member.$Properties[] } }),

  group: (view: GroupView): Uint8Array =>
    encode({ group: view as parley.internal.v1.GroupAnswer.$Properties }),
  groupList: ({ elements, list, more }: GroupListPage): Uint8Array =>
    encode({ groupList: { [list]: [...elements], more } }),
  views: (views: readonly ConversationView[]): Uint8Array =>
    encode({ views: { views: views as parley.internal.v1.OwnView.$Properties[] } }),
  readers: (page: ReadersPage): Uint8Array => encode({ readers: { ...page, users: [...page.users] } }),
  head: (head: ConversationHead): Uint8Array => encode({ head: { ...head, mentioned: [...head.mentioned] } }),
} as const;
