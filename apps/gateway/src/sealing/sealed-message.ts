// A message of a tenant that seals, in its two forms: sealed, as the cluster knows it, and open, as its readers do. What the
// rules need stays in the clear: who is mentioned, which message is answered, from whom it was forwarded.
import { type SealHead, type SealPlace, type SealingKey, seal, sealHeadOf, unseal } from '@parley/adapters';
import { internal, type parley } from '@parley/protocol';

export type Message = parley.v1.Message.$Properties;
type RichContent = parley.v1.RichContent.$Properties;

/** Text and everything beside it, as a client sends it. */
export interface Content {
  readonly text: string;
  readonly rich?: RichContent;
}

/** What remains of a message beside its sealed content. Undefined where nothing does. */
function inTheClear(rich: RichContent | null | undefined): RichContent | undefined {
  const { mentions, mentionsAll, replyTo, forwardedFrom } = rich ?? {};
  if (!mentions?.length && !mentionsAll && replyTo == null && forwardedFrom == null) return undefined;
  return {
    ...(mentions?.length && { mentions }),
    ...(mentionsAll && { mentionsAll }),
    ...(replyTo != null && { replyTo }),
    ...(forwardedFrom != null && { forwardedFrom }),
  };
}

/** The attachment alone. */
export function attachmentOf(rich: RichContent | null | undefined): RichContent {
  const {
    mentions: _,
    mentionsAll: __,
    replyTo: ___,
    forwardedFrom: ____,
    sealed: _____,
    ...rest
  } = rich ?? {};
  return rest;
}

export interface SealWith {
  readonly place: SealPlace;
  readonly key: SealingKey;
  /** Of the message it is a content of; of an edit: that of the edited one. */
  readonly messageId: string;
}

/** Text and attachment in one; undefined when the key of this message was destroyed. */
export function sealedBytes(
  { text, rich }: Content,
  { place, key, messageId }: SealWith,
): Uint8Array | undefined {
  const messageKey = key.live?.tree.keyOf(messageId);
  if (messageKey === undefined) return undefined;
  const content = internal.SealedContent.encode({ text, rich: attachmentOf(rich) }).finish();
  return seal(content, { place, head: { keyId: key.live!.id, messageId }, key: messageKey });
}

/** A content as it goes into the cluster. */
export const sealedContent = ({ rich }: Content, sealed: Uint8Array): Content => ({
  text: '',
  rich: { ...inTheClear(rich), sealed },
});

/** What is sealed of an element of a log; undefined when nothing is. */
export function sealOf({ rich, edited }: Message): Uint8Array | undefined {
  const sealed = rich?.sealed ?? edited?.rich?.sealed;
  return sealed == null || sealed.length === 0 ? undefined : sealed;
}

/** Why a content cannot be read. */
export type Unreadable =
  /** Its key was destroyed. */
  | 'erased'
  /** Its key is not there, and nobody has destroyed it. */
  | 'lost'
  /** It is not what was sealed for this place. */
  | 'wrong';

/** The content of an element that is sealed. */
export function contentIn(
  message: Message,
  {
    sealed,
    place,
    key,
  }: { readonly sealed: Uint8Array; readonly place: SealPlace; readonly key: SealingKey },
): parley.internal.v1.SealedContent | Unreadable {
  const head = sealHeadOf(sealed);
  if (head === undefined || !isContentOf(message, head)) return 'wrong';
  if (key.live?.id !== head.keyId) return key.destroyed.has(head.keyId) ? 'erased' : 'lost';
  const messageKey = key.live.tree.keyOf(head.messageId);
  if (messageKey === undefined) return 'erased';
  try {
    return internal.SealedContent.decode(unseal(sealed, { place, key: messageKey }));
  } catch {
    return 'wrong';
  }
}

/** An edit carries its own client message id, and the seal that of the message it edits. */
const isContentOf = (message: Message, head: SealHead): boolean =>
  message.edited != null || message.clientMessageId === head.messageId;

export function opened(message: Message, { text, rich }: parley.internal.v1.SealedContent): Message {
  const whole = (clear: RichContent | null | undefined): { rich?: RichContent } => {
    const all = { ...inTheClear(clear), ...attachmentOf(rich) };
    return Object.keys(all).length === 0 ? {} : { rich: all };
  };
  const { rich: clear, edited, ...rest } = message;
  if (edited == null) return { ...rest, text, ...whole(clear) };
  return { ...rest, edited: { sequence: edited.sequence, text, ...whole(edited.rich) } };
}

/** Nothing of the content is left but that there was one. */
export function erased(message: Message): Message {
  const { rich: _, edited, ...rest } = message;
  if (edited == null) return { ...rest, text: '', isErased: true };
  return { ...rest, edited: { sequence: edited.sequence, text: '' }, isErased: true };
}
