// Lets thousands of clients in one process share what they receive: the same live frame is decoded once, and equal messages
// are one object. Each client still gets every frame over its own socket and keeps a log of its own.
import { type FrameCodec, MemoryStore, type Message, type ServerFrame, protobufCodec } from '@parley/client';

/** Live frames remembered by their bytes; the oldest is forgotten. */
const framesMax = 512;
/** First byte of a push that has `live` first: field 11, length-delimited. */
const liveTag = 0x5a;

export function sharedDecoding(): FrameCodec {
  const frames = new Map<string, ServerFrame>();
  return {
    ...protobufCodec,
    decode(data) {
      if (typeof data === 'string' || data[0] !== liveTag) return protobufCodec.decode(data);
      const key = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1');
      let frame = frames.get(key);
      if (frame === undefined) {
        frame = protobufCodec.decode(data);
        frames.set(key, frame);
        const oldest = frames.size > framesMax ? frames.keys().next().value : undefined;
        if (oldest !== undefined) frames.delete(oldest);
      }
      return frame;
    },
  };
}

/** One object for each message everybody agrees on; a message that differs stays what it is, and the check finds it. */
export class SharedMessages {
  readonly #known = new Map<string, Map<string, Message>>();

  canonical(message: Message): Message {
    // Emojis change without a new revision, and what is gone is so for one user only.
    if (message.reactions !== undefined || message.gone) return message;
    let messages = this.#known.get(message.conversation);
    if (messages === undefined) this.#known.set(message.conversation, (messages = new Map()));
    const version = `${message.sequence} ${message.revision ?? 0}`;
    const known = messages.get(version);
    if (known === undefined) messages.set(version, message);
    return known === undefined || known === message || !isEqual(known, message) ? message : known;
  }
}

const isEqual = (one: Message, other: Message): boolean =>
  one.sender === other.sender &&
  one.clientMessageId === other.clientMessageId &&
  one.sentAtMs === other.sentAtMs &&
  (one.text ?? '') === (other.text ?? '') &&
  (one.isRecalled ?? false) === (other.isRecalled ?? false) &&
  one.edited?.sequence === other.edited?.sequence &&
  one.edited?.text === other.edited?.text &&
  one.recalled?.sequence === other.recalled?.sequence &&
  (one.system === other.system ||
    JSON.stringify(one.system ?? null) === JSON.stringify(other.system ?? null));

export class SharingStore extends MemoryStore {
  readonly #shared: SharedMessages;

  constructor(shared: SharedMessages) {
    super();
    this.#shared = shared;
  }

  override append(message: Message, startsSegment: boolean): void {
    super.append(this.#shared.canonical(message), startsSegment);
  }

  override replace(message: Message): void {
    super.replace(this.#shared.canonical(message));
  }
}
