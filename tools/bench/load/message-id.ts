// The client message id of a load message says everything a receiver needs to check and time it, in a fixed width that is
// patched in place: 6 digits of the stream (one sender in one conversation), 8 of its number in the stream (from 0), 12 of
// the microsecond at which it was meant to be sent.

export const idBytes = 26;
const streamDigits = 6;
const numberDigits = 8;
const timeDigits = 12;
export const streamsMax = 10 ** streamDigits;
const timeModulus = 10 ** timeDigits;

export interface MessageId {
  stream: number;
  number: number;
  sentUs: number;
}

export function writeMessageId(target: Uint8Array, at: number, { stream, number, sentUs }: MessageId): void {
  writeDigits(target, at, streamDigits, stream);
  writeDigits(target, at + streamDigits, numberDigits, number);
  writeDigits(target, at + streamDigits + numberDigits, timeDigits, Math.floor(sentUs) % timeModulus);
}

export function messageIdText(id: MessageId): string {
  const bytes = Buffer.alloc(idBytes);
  writeMessageId(bytes, 0, id);
  return bytes.toString('latin1');
}

/** Fills `into`; false when the bytes are no id of ours. */
export function readMessageId(bytes: Uint8Array, from: number, to: number, into: MessageId): boolean {
  if (to - from !== idBytes) return false;
  into.stream = readDigits(bytes, from, streamDigits);
  into.number = readDigits(bytes, from + streamDigits, numberDigits);
  into.sentUs = readDigits(bytes, from + streamDigits + numberDigits, timeDigits);
  return into.stream >= 0 && into.number >= 0 && into.sentUs >= 0;
}

function writeDigits(target: Uint8Array, at: number, count: number, value: number): void {
  let rest = value;
  for (let index = at + count - 1; index >= at; index -= 1) {
    const tenth = Math.floor(rest / 10);
    target[index] = 48 + rest - tenth * 10;
    rest = tenth;
  }
}

/** -1 when there is anything but digits. */
function readDigits(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let index = at; index < at + count; index += 1) {
    const digit = bytes[index]! - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
