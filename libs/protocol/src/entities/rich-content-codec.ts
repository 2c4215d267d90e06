// What a message carries beside its text, from the generated code's objects. Domain values encode as they are.
import type { ChangeWindow, ContactCard, Custom, Forward, Location, MessageHeader } from '@parley/domain';
import type { Media, MessageChange, Reply, RichContent, Sticker } from '@parley/domain';
import { type Shape, list, listOf, optional, plain, required } from './shape.ts';

const media = optional<Media>({
  ref: plain,
  mimeType: plain,
  sizeBytes: plain,
  name: plain,
  width: plain,
  height: plain,
  durationMs: plain,
});

/** By hand: its `type` is a field and no name of a shape. */
function custom(message: Custom | null | undefined): Custom | undefined {
  return message == null ? undefined : { type: message.type, payload: message.payload };
}

/** A copy, because what is read here may live longer than the message it came in. Undefined where there is none. */
export const readSealed = (bytes: Uint8Array | null | undefined): Uint8Array | undefined =>
  bytes == null || bytes.length === 0 ? undefined : new Uint8Array(bytes);

/** Undefined where there is none. */
export const readRich = optional<RichContent>({
  image: media,
  gif: media,
  voice: media,
  video: media,
  file: media,
  sticker: optional<Sticker>({ pack: plain, id: plain, emoji: plain }),
  location: optional<Location>({ latitude: plain, longitude: plain, name: plain, address: plain }),
  contactCard: optional<ContactCard>({ user: plain, displayName: plain }),
  custom,
  sealed: readSealed,
  mentions: list,
  mentionsAll: plain,
  replyTo: optional<Reply>({ sequence: plain, sender: plain, text: plain, kind: plain }),
  forwardedFrom: optional<Forward>({
    conversation: plain,
    sequence: plain,
    sender: plain,
    sentAtMs: plain,
  }),
});

export const readHeader = required<MessageHeader>({
  sequence: plain,
  sender: plain,
  clientMessageId: plain,
  sentAtMs: plain,
  kind: plain,
});

const windowShape: Shape<ChangeWindow> = { ownMs: plain, managerMs: plain };
export const readWindow = required(windowShape);
export const readOptionalWindow = optional(windowShape);

export const readChanges = listOf<MessageChange>({
  target: plain,
  sequence: plain,
  atMs: plain,
  isRecall: plain,
});
