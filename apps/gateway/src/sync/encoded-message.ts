// What can be told of an encoded message without decoding it: the fields before its content come first.

/** Tags of fields of Message: number and kind of value. */
const tags = { sentAtMs: 0x28, text: 0x32, edited: 0x42, recalled: 0x4a };
const lengthDelimited = 2;

/** Whether it is an edit or a recall. */
export function isChange(message: Uint8Array): boolean {
  const tag = scan(message, tags.text).tag;
  return tag === tags.edited || tag === tags.recalled;
}

/** When it was sent; 0: it says no time, as one that has expired. */
export function sentAtMsOf(message: Uint8Array): number {
  const { tag, value } = scan(message, tags.sentAtMs);
  return tag === tags.sentAtMs ? value : 0;
}

/** The first field with this tag or a higher one, and its number; tag 0: there is none. */
function scan(message: Uint8Array, wanted: number): { readonly tag: number; readonly value: number } {
  let at = 0;
  while (at < message.length) {
    const tag = message[at++]!;
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) break;
    }
    if (tag >= wanted) return { tag, value };
    if ((tag & 7) === lengthDelimited) at += value;
  }
  return { tag: 0, value: 0 };
}
