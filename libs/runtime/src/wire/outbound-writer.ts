// Writes what goes to one gateway (see outbound-codec.ts) item by item while it is decided: no item, target or payload
// has an object of its own that would have to outlive the commit. The head counts the items, so it comes last.
import { ByteWriter } from '@parley/std';

/** Bytes of one message to a gateway; what is more goes into further messages, in order. */
const messageBytesMax = 512 * 1024;
/** An answer and a push or two. */
const firstBytes = 1024;

interface Items {
  readonly count: number;
  readonly bytes: Uint8Array;
}

export class OutboundWriter {
  readonly #full: Items[] = [];
  #writer = new ByteWriter(firstBytes);
  #count = 0;
  /** What the last item pushes, and connection and position of those it goes to: more of them may come. */
  #pushed: unknown;
  readonly #targets: number[] = [];

  reply(requestId: number, payload: Uint8Array): void {
    this.#begin(payload.length).u8(0).varint(requestId).blob(payload);
  }

  /** Whether the last item pushes this: then `target` is all that is needed for one more connection. */
  isPushing(pushed: unknown): boolean {
    return this.#targets.length > 0 && this.#pushed === pushed;
  }

  /** Begins a push; its targets come next. `pushed` is what `isPushing` is asked for. */
  push(pushed: unknown, payload: Uint8Array): void {
    this.#begin(payload.length).u8(1).blob(payload);
    this.#pushed = pushed;
  }

  target(connection: number, position: number): void {
    this.#targets.push(connection, position);
  }

  /** The messages; the writer is not used afterwards. */
  finish(shard: string, epoch: number): Buffer[] {
    this.#endPush();
    this.#full.push({ count: this.#count, bytes: this.#writer.finish() });
    return this.#full.map(({ count, bytes }) => {
      const head = new ByteWriter().u8(1).text(shard).varint(epoch).varint(count).finish();
      return Buffer.concat([head, bytes]);
    });
  }

  #begin(payloadBytes: number): ByteWriter {
    this.#endPush();
    if (this.#count > 0 && this.#writer.length + payloadBytes > messageBytesMax) {
      this.#full.push({ count: this.#count, bytes: this.#writer.finish() });
      this.#writer = new ByteWriter(firstBytes);
      this.#count = 0;
    }
    this.#count++;
    return this.#writer;
  }

  #endPush(): void {
    const targets = this.#targets;
    if (targets.length === 0) return;
    this.#writer.varint(targets.length / 2);
    for (let index = 0; index < targets.length; index++) this.#writer.varint(targets[index]!);
    targets.length = 0;
    this.#pushed = undefined;
  }
}
