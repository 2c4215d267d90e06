// How a sealed content looks: AES-256-GCM around it, and in front of it, in the clear and authenticated, which key of whom
// reads it. Tenant, conversation and author are authenticated too, so it opens nowhere else and as nobody else's.
//
//   1 version · 8 key id · 1 length of the message id · message id · 12 nonce · sealed content · 16 tag
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Where a content belongs. An edit's belongs to the message that is edited: it has that one's key, and ends with it. */
export interface SealPlace {
  readonly tenant: string;
  readonly conversation: string;
  /** Who wrote it. */
  readonly user: string;
}

/** What a seal says about itself. Believed only once it is open. */
export interface SealHead {
  /** Hexadecimal. */
  readonly keyId: string;
  /** The client message id of the message it is a content of. */
  readonly messageId: string;
}

const version = 1;
const cipher = 'aes-256-gcm';
const keyIdBytes = 8;
const nonceBytes = 12;
const tagBytes = 16;
const fixedBytes = 2 + keyIdBytes;

export function seal(
  content: Uint8Array,
  { place, head, key }: { readonly place: SealPlace; readonly head: SealHead; readonly key: Uint8Array },
): Uint8Array {
  const messageId = Buffer.from(head.messageId);
  const front = Buffer.concat([
    Buffer.of(version),
    Buffer.from(head.keyId, 'hex'),
    Buffer.of(messageId.length),
    messageId,
  ]);
  const nonce = randomBytes(nonceBytes);
  const sealing = createCipheriv(cipher, key, nonce).setAAD(associated(place, front));
  return Buffer.concat([front, nonce, sealing.update(content), sealing.final(), sealing.getAuthTag()]);
}

/** undefined for bytes of another form, or of a version that is not known here. */
export function sealHeadOf(sealed: Uint8Array): SealHead | undefined {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length);
  if (bytes[0] !== version) return undefined;
  const end = fixedBytes + (bytes[fixedBytes - 1] ?? 0);
  if (bytes.length < end + nonceBytes + tagBytes) return undefined;
  return {
    keyId: bytes.toString('hex', 1, 1 + keyIdBytes),
    messageId: bytes.toString('latin1', fixedBytes, end),
  };
}

/** Throws when it was not sealed with this key for this place, or was changed since. `sealed` has a head. */
export function unseal(
  sealed: Uint8Array,
  { place, key }: { readonly place: SealPlace; readonly key: Uint8Array },
): Uint8Array {
  const contentStart = fixedBytes + sealed[fixedBytes - 1]! + nonceBytes;
  const front = sealed.subarray(0, contentStart - nonceBytes);
  const nonce = sealed.subarray(contentStart - nonceBytes, contentStart);
  const opening = createDecipheriv(cipher, key, nonce).setAAD(associated(place, front));
  opening.setAuthTag(sealed.subarray(sealed.length - tagBytes));
  return Buffer.concat([
    opening.update(sealed.subarray(contentStart, sealed.length - tagBytes)),
    opening.final(),
  ]);
}

/** Ids have no zero bytes. */
const associated = ({ tenant, conversation, user }: SealPlace, front: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`${tenant}\0${conversation}\0${user}\0`), front]);

export const newKeyId = (): string => randomBytes(keyIdBytes).toString('hex');
