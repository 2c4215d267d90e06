// Looks into an encoded Entry without decoding it: does it change how its conversation reaches the user? Nearly no
// entry does, so the hot path pays for a walk over a handful of top-level tags only.
import { wire } from '../messages.ts';

/** What an entry says about its conversation's way to the user. */
export interface EntryTurn {
  readonly conversation: string;
  /** Position in the conversation at which the turn happens. */
  readonly sequence: number;
  /** DIFFUSION_UNSPECIFIED when it does not change. */
  readonly diffusion: number;
  readonly left: boolean;
}

/** undefined for an ordinary entry. Throws RangeError on bytes that are no Entry. */
export function turnOf(entry: Uint8Array): EntryTurn | undefined {
  if (!hasTurn(entry)) return undefined;
  const { message, diffusion, left } = wire.Entry.decode(entry);
  if (!message?.conversation) return undefined;
  return {
    conversation: message.conversation,
    sequence: message.sequence ?? 0,
    diffusion,
    left,
  };
}

/** The device the entry says is logged out; undefined for every other entry. */
export function deviceLoggedOutIn(
  entry: Uint8Array,
): { readonly deviceId: string; readonly atMs: number; readonly reason: string } | undefined {
  if (entry[0] !== personalTag[0] || entry[1] !== personalTag[1]) return undefined;
  const { deviceId, atMs, reason } = wire.Entry.decode(entry).personal?.deviceLoggedOut ?? {};
  return deviceId == null ? undefined : { deviceId, atMs: atMs ?? 0, reason: reason ?? '' };
}

/** Field 50: the first of an entry that is a personal change. */
const personalTag = [0x92, 0x03] as const;

function hasTurn(bytes: Uint8Array): boolean {
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at++]!;
    // A field beyond 15, such as a personal change: rare, and not to be walked over byte by byte.
    if (tag >= 0x80) return true;
    if (tag === 0x20 || tag === 0x28) return true; // diffusion (4) or left (5)
    if ((tag & 7) === 2) {
      let size = 0;
      let scale = 1;
      for (;;) {
        const byte = bytes[at++];
        if (byte === undefined || scale > 2 ** 28) throw new RangeError('entry: truncated');
        size += (byte & 0x7f) * scale;
        scale *= 128;
        if (byte < 0x80) break;
      }
      at += size;
    } else if ((tag & 7) === 0) {
      while ((bytes[at++] ?? 0) >= 0x80);
    } else {
      return true; // nothing we write today: let the decoder look
    }
  }
  return false;
}

/** Whether an encoded Entry brings a message of a direct conversation: its first field is the message, whose first is `d.…`. */
export function isOfDirect(entry: Uint8Array): boolean {
  if (entry[0] !== 0x12) return false;
  let at = 1;
  while ((entry[at++] ?? 0) >= 0x80);
  return entry[at] === 0x0a && entry[at + 2] === 0x64 && entry[at + 3] === 0x2e;
}
