// What waits to go to one client in this turn of the event loop: replies and pushes in order, neighbouring inbox entries
// joined into one Deliver frame. Here a slow client loses pushes instead of costing memory.
import type { ClientSocket, SendOutcome } from '@parley/adapters';
import type { EncodedFrame, FrameCodec, PositionedEntry, PreparedEntry } from '@parley/protocol';
import type { Turn } from '../dispatch/turn.ts';
import type { GatewayMetrics } from '../transport/gateway-metrics.ts';

export interface OutboxLimits {
  readonly pushBacklogBytesMax: number;
  readonly heldPushesMax: number;
  readonly deliverEntriesMax: number;
}

export interface OutboxParts {
  readonly turn: Turn;
  readonly limits: OutboxLimits;
  readonly metrics: GatewayMetrics;
}

interface Framed {
  readonly frame: EncodedFrame;
  readonly isPush: boolean;
}
type Item = Framed | PositionedEntry;

const isEntry = (item: Item): item is PositionedEntry => 'entry' in item;

export class Outbox {
  readonly #socket: ClientSocket;
  readonly #codec: FrameCodec;
  readonly #parts: OutboxParts;
  /** Made when something waits: nearly all connections are idle at any time. */
  #items: Item[] | undefined;
  #held: Item[] | undefined;
  #isHolding = true;
  #isLagging = false;
  /** Something sent waits in memory: only then it is worth asking before each frame how much. */
  #isBacked = false;

  /** `parts` are the same for all outboxes. */
  constructor(socket: ClientSocket, codec: FrameCodec, parts: OutboxParts) {
    this.#socket = socket;
    this.#codec = codec;
    this.#parts = parts;
  }

  /** Pushes were dropped; `recover` says when they may flow again. */
  get isLagging(): boolean {
    return this.#isLagging;
  }

  /** A reply: never dropped while the connection lives. */
  reply(frame: EncodedFrame): void {
    this.#enqueue({ frame, isPush: false });
  }

  /** A push that may be dropped. */
  push(frame: EncodedFrame): void {
    this.#pushItem({ frame, isPush: true });
  }

  entry(entry: PreparedEntry, position: number): void {
    this.#pushItem({ entry, position });
  }

  /** Pushes are held until now, so that the welcome comes first. */
  release(): void {
    const held = this.#held;
    this.#held = undefined;
    this.#isHolding = false;
    for (const item of held ?? []) this.#enqueue(item);
  }

  /** The client was found to have missed something: pushes stop until `recover`. */
  markLagging(): void {
    this.#isLagging = true;
  }

  /** True when a lagging client has read enough to take pushes again: it is to be told to sync now. */
  recover(): boolean {
    if (!this.#isLagging || this.#isHolding) return false;
    if (this.#socket.bufferedBytes > this.#parts.limits.pushBacklogBytesMax / 4) return false;
    this.#isLagging = false;
    return true;
  }

  flush(): void {
    const items = this.#items;
    if (items === undefined || !this.#socket.isOpen) return;
    this.#items = undefined;
    // What is only one frame leaves in one write without a cork, which calls back through the native library.
    if (this.#isOneFrame(items)) return this.#write(items);
    this.#socket.cork(() => this.#write(items));
    // What is sent in a cork leaves behind it.
    this.#isBacked = this.#socket.bufferedBytes > 0;
  }

  #isOneFrame(items: readonly Item[]): boolean {
    return (
      items.length === 1 || (items.length <= this.#parts.limits.deliverEntriesMax && items.every(isEntry))
    );
  }

  #pushItem(item: Item): void {
    const { metrics, limits } = this.#parts;
    if (this.#isLagging) return metrics.pushesDropped.inc();
    if (!this.#isHolding) return this.#enqueue(item);
    const held = (this.#held ??= []);
    if (held.length < limits.heldPushesMax) held.push(item);
    else this.#isLagging = true;
  }

  #enqueue(item: Item): void {
    if (this.#items !== undefined) {
      this.#items.push(item);
      return;
    }
    this.#items = [item];
    this.#parts.turn.atEnd(this);
  }

  #write(items: readonly Item[]): void {
    const { deliverEntriesMax } = this.#parts.limits;
    let at = 0;
    while (at < items.length) {
      const item = items[at]!;
      if (!isEntry(item)) {
        at++;
        if (!item.isPush) this.#sendReply(item.frame);
        else if (this.#takesPushes()) this.#sendPush(item.frame);
        continue;
      }
      let end = at + 1;
      while (end < items.length && isEntry(items[end]!) && end - at < deliverEntriesMax) end++;
      if (this.#takesPushes()) this.#sendPush(this.#codec.deliver(items as PositionedEntry[], at, end));
      at = end;
    }
  }

  #takesPushes(): boolean {
    const isOver = this.#isBacked && this.#socket.bufferedBytes > this.#parts.limits.pushBacklogBytesMax;
    if (isOver) this.#isLagging = true;
    return !this.#isLagging;
  }

  #sendPush(frame: EncodedFrame): void {
    if (this.#send(frame) !== 'dropped') return;
    this.#isLagging = true;
    this.#parts.metrics.pushesDropped.inc();
  }

  /** Not even a reply could be sent: the connection has to end. */
  #sendReply(frame: EncodedFrame): void {
    if (this.#send(frame) === 'dropped' && this.#socket.isOpen) this.#socket.terminate();
  }

  #send(frame: EncodedFrame): SendOutcome {
    this.#parts.metrics.framesOut.inc();
    this.#parts.metrics.bytesOut.inc(frame.length);
    const outcome = this.#socket.send(frame);
    this.#isBacked = outcome !== 'sent';
    return outcome;
  }
}
