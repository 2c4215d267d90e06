// What a message carries beside its text: an attachment, mentions, a reply, where it was forwarded from. The shape is that
// of parley.v1.RichContent, so that it is encoded without conversion. Media are references: the bytes are kept elsewhere.
import { type Refused, refused, utf8Bytes } from '@parley/std';
import type { ConversationLimits } from './conversation-limits.ts';
import type { LogMessage } from './log-message.ts';

export interface RichContent {
  readonly image?: Media;
  readonly gif?: Media;
  readonly voice?: Media;
  readonly video?: Media;
  readonly file?: Media;
  readonly sticker?: Sticker;
  readonly location?: Location;
  readonly contactCard?: ContactCard;
  readonly custom?: Custom;
  /** Text and attachment, readable for whoever has the key. The rules see only that something is there. */
  readonly sealed?: Uint8Array;
  /** Users who are meant. One who is no member is not reached. */
  readonly mentions: readonly string[];
  readonly mentionsAll: boolean;
  readonly replyTo?: Reply;
  readonly forwardedFrom?: Forward;
}

/** 0 and empty: not known, or without meaning for this kind. */
export interface Media {
  readonly ref: string;
  readonly mimeType: string;
  readonly sizeBytes: number;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly durationMs: number;
}

export interface Sticker {
  readonly pack: string;
  readonly id: string;
  readonly emoji: string;
}

export interface Location {
  /** Degrees. */
  readonly latitude: number;
  readonly longitude: number;
  readonly name: string;
  readonly address: string;
}

export interface ContactCard {
  readonly user: string;
  readonly displayName: string;
}

export interface Custom {
  readonly type: string;
  readonly payload: string;
}

/** The message that is answered. In a command only `sequence` counts: the preview is the server's. */
export interface Reply {
  readonly sequence: number;
  readonly sender: string;
  readonly text: string;
  readonly kind: string;
}

/** Who wrote it first. In a frame conversation and sequence name the message; in the log both are empty. */
export interface Forward {
  readonly conversation: string;
  readonly sequence: number;
  readonly sender: string;
  readonly sentAtMs: number;
}

const mediaKinds = ['image', 'gif', 'voice', 'video', 'file'] as const;
const otherKinds = ['sticker', 'location', 'contactCard', 'custom', 'sealed'] as const;
type AttachmentName = (typeof mediaKinds)[number] | (typeof otherKinds)[number];

export type MessageKind =
  'text' | 'system' | 'edit' | 'recall' | Exclude<AttachmentName, 'contactCard'> | 'contact_card';

/** What a log element is; a message with an attachment is what that is. */
export function kindOf(message: LogMessage): MessageKind {
  if (message.system !== undefined) return 'system';
  if (message.edited !== undefined) return 'edit';
  if (message.recalled !== undefined) return 'recall';
  const name = message.rich && attachmentName(message.rich);
  return name === undefined ? 'text' : name === 'contactCard' ? 'contact_card' : name;
}

/** Whether a person wrote it, so that it can be answered, edited and recalled. */
export const isWritten = (message: LogMessage): boolean => message.text !== undefined;

export const hasAttachment = (rich: RichContent | undefined): boolean =>
  rich !== undefined && attachmentName(rich) !== undefined;

/** The reference of a message's media, if it has any. */
export function mediaRefOf(rich: RichContent | undefined): string | undefined {
  if (rich === undefined) return undefined;
  for (const kind of mediaKinds) if (rich[kind] !== undefined) return rich[kind].ref;
  return undefined;
}

/** Undefined instead of a content that says nothing. */
export function orNothing(rich: RichContent): RichContent | undefined {
  const says =
    hasAttachment(rich) ||
    rich.mentions.length > 0 ||
    rich.mentionsAll ||
    rich.replyTo !== undefined ||
    rich.forwardedFrom !== undefined;
  return says ? rich : undefined;
}

/** CONTENT_TOO_LARGE or BAD_CONTENT, saying what is wrong. */
export function refusalOfRich(rich: RichContent, limits: ConversationLimits): Refused | undefined {
  const { mentionsMax, payloadBytesMax } = limits;
  if (rich.mentions.length > mentionsMax) return tooLarge(`Mention at most ${mentionsMax} users.`);
  if (attachmentNames(rich).length > 1) return bad('A message has at most one attachment.');
  if (new Set(rich.mentions).size < rich.mentions.length) return bad('A user is mentioned twice.');
  if (rich.custom !== undefined) {
    if (rich.custom.type === '') return bad('A custom payload needs a type.');
    if (utf8Bytes(rich.custom.payload) > payloadBytesMax)
      return tooLarge(`A custom payload has at most ${payloadBytesMax} bytes.`);
  }
  if (rich.location !== undefined && !isOnEarth(rich.location)) return bad('There is no such place.');
  if (rich.contactCard?.user === '') return bad('A contact card needs a user.');
  if (rich.sticker?.id === '') return bad('A sticker needs an id.');
  for (const kind of mediaKinds) if (rich[kind]?.ref === '') return bad('Media need a reference.');
  const { labelBytesMax } = limits;
  if ((rich.sealed?.length ?? 0) > limits.textBytesMax + payloadBytesMax + sealOverheadBytes)
    return tooLarge('A sealed content is larger than any text with its attachment.');
  return labelsOf(rich).some((label) => utf8Bytes(label) > labelBytesMax)
    ? tooLarge(`References, names and types have at most ${labelBytesMax} bytes.`)
    : undefined;
}

/** What it takes in memory and in bytes, roughly. */
export function richBytes(rich: RichContent): number {
  const { custom, replyTo, sealed } = rich;
  let bytes =
    richOverheadBytes +
    (sealed?.length ?? 0) +
    (custom?.payload.length ?? 0) +
    (replyTo?.text.length ?? 0) * 3;
  for (const user of rich.mentions) bytes += user.length + 16;
  for (const label of labelsOf(rich)) bytes += label.length;
  return bytes;
}

const richOverheadBytes = 200;
/** Head, nonce and tag of a seal, and the labels of an attachment. */
const sealOverheadBytes = 8_192;

const bad = (message: string): Refused => refused('BAD_CONTENT', message);
const tooLarge = (message: string): Refused => refused('CONTENT_TOO_LARGE', message);

const attachmentNames = (rich: RichContent): readonly AttachmentName[] =>
  [...mediaKinds, ...otherKinds].filter((kind) => rich[kind] !== undefined);

const attachmentName = (rich: RichContent): AttachmentName | undefined => attachmentNames(rich)[0];

/** False for what is no number, too. */
const isOnEarth = ({ latitude, longitude }: Location): boolean =>
  Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;

function labelsOf(rich: RichContent): string[] {
  const { sticker, location, contactCard, custom } = rich;
  const labels = mediaKinds.flatMap((kind) => {
    const media = rich[kind];
    return media === undefined ? [] : [media.ref, media.mimeType, media.name];
  });
  if (sticker !== undefined) labels.push(sticker.pack, sticker.id, sticker.emoji);
  if (location !== undefined) labels.push(location.name, location.address);
  if (contactCard !== undefined) labels.push(contactCard.displayName);
  if (custom !== undefined) labels.push(custom.type);
  return labels;
}
