// How the id of a conversation follows from the entity behind it. The wire's rules for ids are in protocol/ids.ts;
// here ids have been checked already.

/** `d.<first>.<second>` for the direct entity `<first>.<second>`. */
export const conversationOfDirect = (directId: string): string => `d.${directId}`;

/** `g.<group>` */
export const conversationOfGroup = (groupId: string): string => `g.${groupId}`;

export const isDirectConversation = (conversation: string): boolean => conversation.startsWith('d.');

/** Id of the direct entity behind a direct conversation. */
export const directIdOf = (conversation: string): string => conversation.slice(2);

/** Id of the direct entity of two users. */
export const directOf = (one: string, other: string): string =>
  one < other ? `${one}.${other}` : `${other}.${one}`;

/** The two users of a direct entity; equal when a user talks to themself. */
export function usersOfDirect(directId: string): readonly [string, string] {
  const dot = directId.indexOf('.');
  return [directId.slice(0, dot), directId.slice(dot + 1)];
}

/** The other one of a direct conversation, as `user` sees it. */
export function peerOfDirect(conversation: string, user: string): string {
  const [first, second] = usersOfDirect(directIdOf(conversation));
  return first === user ? second : first;
}
