// The identifiers of the wire: what they may contain, and how a conversation's id is made of them.
// All of them are safe as a token of a NATS subject, a KV key and a URL path.

/** Users, groups, devices: 1 … 64 of letters, digits, `_` and `-`. */
export const idPattern = /^[A-Za-z0-9_-]{1,64}$/;
/** Tenants: 1 … 32 of the same. */
export const tenantPattern = /^[A-Za-z0-9_-]{1,32}$/;
/** Client message ids: 1 … 64 printable ASCII characters without space. */
export const clientMessageIdPattern = /^[\x21-\x7e]{1,64}$/;

export type ConversationAddress =
  | { readonly type: 'direct'; readonly id: string; readonly first: string; readonly second: string }
  | { readonly type: 'group'; readonly id: string };

/** `d.<smaller id>.<greater id>`: the one direct conversation of two users. A user may talk to themself. */
export const directConversation = (one: string, other: string): string =>
  one <= other ? `d.${one}.${other}` : `d.${other}.${one}`;

/** `g.<group id>` */
export const groupConversation = (group: string): string => `g.${group}`;

/** Reads a conversation id; undefined when it is none. The entity id of a direct conversation is `<first>.<second>`. */
export function parseConversation(conversation: string): ConversationAddress | undefined {
  const [kind, first, second, ...rest] = conversation.split('.');
  if (first === undefined || !idPattern.test(first) || rest.length > 0) return undefined;
  if (kind === 'g') return second === undefined ? { type: 'group', id: first } : undefined;
  if (kind !== 'd' || second === undefined || !idPattern.test(second) || first > second) return undefined;
  return { type: 'direct', id: `${first}.${second}`, first, second };
}

/** The other member of a direct conversation. */
export const peerOf = (direct: { first: string; second: string }, user: string): string =>
  direct.first === user ? direct.second : direct.first;
