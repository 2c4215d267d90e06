// What waits to go to one client in this turn of the event loop: replies and pushes in order, neighbouring inbox entries
// joined into one Deliver frame. Here a slow client loses pushes instead of costing memory.
import type { ClientSocket } from '@parley/adapters';
import type { EncodedFrame, FrameCodec, PositionedEntry, PreparedEntry } from '@parley/protocol';
import type { Turn } from '../dispatch/turn.ts';
import type { GatewayMetrics } from '../transport/gateway-metrics.ts';

export interface OutboxLimits {
  readonly pushBacklogBytesMax: number;
  readonly heldPushesMax: number;
  readonly deliverEntriesMax: number;
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
  readonly #turn: Turn;
  readonly #limits: OutboxLimits;
  readonly #metrics: GatewayMetrics;
  readonly #onOverflow: () => void;
  #items: Item[] = [];
  #held: Item[] | undefined = [];
  #isLagging = false;

  /** `onOverflow`: not even a reply could be sent; the connection has to end. */
  constructor(
    socket: ClientSocket,
    codec: FrameCodec,
    parts: { turn: Turn; limits: OutboxLimits; metrics: GatewayMetrics; onOverflow: () => void },
  ) {
    this.#socket = socket;
    this.#codec = codec;
    this.#turn = parts.turn;
    this.#limits = parts.limits;
    this.#metrics = parts.metrics;
    this.#onOverflow = parts.onOverflow;
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
    for (const item of held ?? []) this.#enqueue(item);
  }

  /** The client was found to have missed something: pushes stop until `recover`. */
  markLagging(): void {
    this.#isLagging = true;
  }

  /** True when a lagging client has read enough to take pushes again: it is to be told to sync now. */
  recover(): boolean {
    if (!this.#isLagging || this.#held !== undefined) return false;
    if (this.#socket.bufferedBytes > this.#limits.pushBacklogBytesMax / 4) return false;
    this.#isLagging = false;
    return true;
  }

  flush(): void {
    const items = this.#items;
    if (items.length === 0 || !this.#socket.isOpen) return;
    this.#items = [];
    this.#socket.cork(() => this.#write(items));
  }

  #pushItem(item: Item): void {
    if (this.#isLagging) return this.#metrics.pushesDropped.inc();
    if (this.#held === undefined) return this.#enqueue(item);
    if (this.#held.length < this.#limits.heldPushesMax) this.#held.push(item);
    else this.#isLagging = true;
  }

  #enqueue(item: Item): void {
    this.#items.push(item);
    if (this.#items.length === 1) this.#turn.atEnd(this);
  }

  #write(items: readonly Item[]): void {
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
      while (end < items.length && isEntry(items[end]!) && end - at < this.#limits.deliverEntriesMax) end++;
      if (this.#takesPushes()) this.#sendPush(this.#codec.deliver(items.slice(at, end) as PositionedEntry[]));
      at = end;
    }
  }

  #takesPushes(): boolean {
    if (!this.#isLagging && this.#socket.bufferedBytes > this.#limits.pushBacklogBytesMax)
      this.#isLagging = true;
    return !this.#isLagging;
  }

  #sendPush(frame: EncodedFrame): void {
    this.#count(frame);
    if (this.#socket.send(frame) !== 'dropped') return;
    this.#isLagging = true;
    this.#metrics.pushesDropped.inc();
  }

  #sendReply(frame: EncodedFrame): void {
    this.#count(frame);
    if (this.#socket.send(frame) === 'dropped' && this.#socket.isOpen) this.#onOverflow();
  }

  #count(frame: EncodedFrame): void {
    this.#metrics.framesOut.inc();
    this.#metrics.bytesOut.inc(frame.length);
  }
}
