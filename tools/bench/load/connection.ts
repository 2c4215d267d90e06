// One client of a load process: says hello, checks that positions and sequences have no hole, repairs those it finds by a
// sync, acknowledges like a real client, and books what arrives.
import { type parley, wire } from '@parley/protocol';
import { type FrameSink, type ServerFrame, type SyncEnd, scanServerFrame } from './frame-scan.ts';
import { scanJsonFrame } from './json-scan.ts';
import { LoadSocket, type SocketAddress } from './load-socket.ts';
import type { MessageId } from './message-id.ts';
import { StreamTrack } from './stream-ledger.ts';
import { type Encoding, clientMessage } from './web-socket-frame.ts';

export interface ConnectionOptions {
  readonly encoding: Encoding;
  readonly address: SocketAddress;
  readonly user: string;
  /** Made before: real clients have theirs when they come. */
  readonly token: string;
  readonly fromPosition: number | undefined;
  readonly books: Books;
}

/** What a connection tells its process. */
export interface Books {
  /** A message of the server is there; what is in it is told next. */
  frame(): void;
  sent(connection: LoadConnection, requestId: number, sequence: number): void;
  refused(connection: LoadConnection, requestId: number, error: parley.v1.Error.$Properties): void;
  /** A message that is new on this connection. */
  arrived(connection: LoadConnection, id: MessageId): void;
  entries(count: number): void;
  repair(): void;
  repeatedPush(): void;
  /** The sequence is not the one after the last in its conversation, though no position was skipped. */
  outOfSequence(): void;
  closed(connection: LoadConnection, why: string): void;
}

/** As the client library: one acknowledgement for so many entries, or about two seconds after the first of them. */
const ackEntries = 50;
export const ackSweepMs = 500;
const ackSweeps = 4;
const requests = { hello: 1, sync: 2, ping: 3 } as const;
const helloLimitMs = 60_000;
const syncLimit = 500;

export class LoadConnection implements FrameSink {
  readonly user: string;
  /** By stream. */
  readonly tracks = new Map<number, StreamTrack>();
  /** Newest inbox position that arrived without a hole before it. */
  position = 0;
  /** As the server said at hello, or in the answer to the last ping. */
  serverPosition = 0;
  isOpen = false;
  /** Caught up by sync at the last welcome or repair. */
  isSynced = false;
  /** The stream it sends; -1 when it only listens. */
  ownStream = -1;
  readonly #options: ConnectionOptions;
  readonly #books: Books;
  #socket: LoadSocket | undefined;
  /** Newest sequence without a hole, by conversation; only of large groups, whose messages have no position. */
  readonly #tails = new Map<string, number>();
  /** Newest sequence, by conversation, of those that come by the inbox. */
  readonly #sequences = new Map<string, number>();
  readonly #conversationOfStream: readonly string[];
  #isRepairing = false;
  #ackedPosition = 0;
  #sweepsUnacked = 0;
  #hasNewLive = false;
  #welcomed: ((error?: Error) => void) | undefined;

  constructor(options: ConnectionOptions, conversationOfStream: readonly string[]) {
    this.#options = options;
    this.#books = options.books;
    this.#conversationOfStream = conversationOfStream;
    this.user = options.user;
  }

  /** Resolves when the server has said welcome; with `fromPosition`, a sync is under way then. */
  async open(): Promise<void> {
    const { address, encoding, fromPosition } = this.#options;
    const scan = encoding === 'json' ? scanJsonFrame : scanServerFrame;
    this.#socket = await LoadSocket.open(address, {
      encoding,
      events: {
        message: (bytes, from, to) => {
          this.#books.frame();
          scan(bytes, from, to, this);
        },
        closed: (why) => {
          this.isOpen = false;
          this.#welcomed?.(new Error(why));
          this.#books.closed(this, why);
        },
      },
    });
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => this.#welcomed?.(new Error(`no welcome in ${helloLimitMs} ms`)),
        helloLimitMs,
      );
      this.#welcomed = (error) => {
        clearTimeout(timer);
        this.#welcomed = undefined;
        if (error === undefined) resolve();
        else reject(error);
      };
      const { user, token } = this.#options;
      const hello = {
        token,
        deviceId: `load-${user}`,
        protocolVersion: 1,
        inboxPosition: fromPosition ?? 0,
      };
      this.#request({ requestId: requests.hello, hello });
    });
  }

  close(): void {
    this.isOpen = false;
    this.#socket?.close();
  }

  /** A whole WebSocket message. */
  write(message: Uint8Array): void {
    this.#socket!.send(message);
  }

  ping(): void {
    this.#request({ requestId: requests.ping, ping: {} });
  }

  /** Newest sequence of a conversation that has come without a hole before it; 0 where none has. */
  sequenceIn(conversation: string): number {
    return this.#tails.get(conversation) ?? this.#sequences.get(conversation) ?? 0;
  }

  /** Called every ackSweepMs: acknowledges what has waited for long enough. */
  sweep(): void {
    if (!this.isOpen || (this.position === this.#ackedPosition && !this.#hasNewLive)) return;
    this.#sweepsUnacked += 1;
    if (this.#sweepsUnacked >= ackSweeps) this.#acknowledge();
  }

  #acknowledge(): void {
    this.#sweepsUnacked = 0;
    this.#ackedPosition = this.position;
    this.#hasNewLive = false;
    const cursors = [...this.#tails].map(([conversation, sequence]) => ({ conversation, sequence }));
    this.#request({ ack: { inboxPosition: this.position, cursors } });
  }

  sent(requestId: number, sequence: number): void {
    this.#books.sent(this, requestId, sequence);
  }

  entry(position: number, sequence: number, id: MessageId | undefined, conversation: string): void {
    if (position <= this.position) {
      this.#books.repeatedPush();
      return;
    }
    if (position !== this.position + 1) {
      this.#repair();
      return;
    }
    this.position = position;
    if (sequence > 0) {
      const where = id === undefined ? conversation : this.#conversationOfStream[id.stream]!;
      const last = this.#sequences.get(where);
      if (last !== undefined && sequence !== last + 1) this.#books.outOfSequence();
      this.#sequences.set(where, sequence);
    }
    if (id !== undefined) this.#book(id, sequence);
    if (position - this.#ackedPosition >= ackEntries && this.isOpen) this.#acknowledge();
  }

  live(sequence: number, id: MessageId | undefined, conversation: string): void {
    const where = id === undefined ? conversation : this.#conversationOfStream[id.stream]!;
    const tail = this.#tails.get(where);
    if (tail !== undefined && sequence <= tail) {
      this.#books.repeatedPush();
      return;
    }
    if (tail !== undefined && sequence !== tail + 1) {
      this.#repair();
      return;
    }
    this.#tails.set(where, sequence);
    this.#hasNewLive = true;
    if (id !== undefined) this.#book(id, sequence);
  }

  /** Nothing may follow that shows the hole: a lost last message is noticed here, or never. */
  head(sequence: number, conversation: string): void {
    const tail = this.#tails.get(conversation);
    if (tail !== undefined && sequence > tail) this.#repair();
  }

  page(_requestId: number, { inboxPosition, more, limited }: SyncEnd): void {
    this.#isRepairing = false;
    this.serverPosition = inboxPosition;
    if (limited) this.close();
    else if (more) this.#sync();
    else this.isSynced = true;
  }

  batch(size: number): void {
    this.#books.entries(size);
  }

  other(frame: ServerFrame): void {
    switch (frame.body) {
      case 'welcome':
        this.#welcome(frame.welcome!);
        break;
      case 'pong':
        this.serverPosition = frame.pong?.inboxPosition ?? 0;
        break;
      case 'syncNeeded':
        this.#repair();
        break;
      case 'error':
        this.#fail(frame.requestId ?? 0, frame.error!);
        break;
      default:
    }
  }

  #welcome(welcome: parley.v1.Welcome.$Properties): void {
    const inboxPosition = welcome.inboxPosition ?? 0;
    this.isOpen = true;
    this.serverPosition = inboxPosition;
    for (const { conversation, head, diffusion } of welcome.conversations ?? [])
      if (diffusion === wire.Diffusion.DIFFUSION_READ) this.#tails.set(conversation ?? '', head ?? 0);
    this.position = this.#options.fromPosition ?? inboxPosition;
    this.#ackedPosition = this.position;
    this.isSynced = this.position === inboxPosition;
    if (!this.isSynced) this.#sync();
    this.#welcomed?.();
  }

  #fail(requestId: number, error: parley.v1.Error.$Properties): void {
    if (requestId === requests.hello) this.#welcomed?.(new Error(error.code ?? 'refused'));
    else {
      if (requestId === requests.sync) {
        this.#isRepairing = false;
        setTimeout(() => this.#repair(), error.retryAfterMs || 100);
      }
      this.#books.refused(this, requestId, error);
    }
  }

  /** A hole in what came: everything after what we have is asked for, and what comes meanwhile is dropped. */
  #repair(): void {
    if (this.#isRepairing || !this.isOpen) return;
    this.#books.repair();
    this.#sync();
  }

  #sync(): void {
    this.#isRepairing = true;
    const cursors = [...this.#tails].map(([conversation, sequence]) => ({ conversation, sequence }));
    this.#request({
      requestId: requests.sync,
      sync: { inboxPosition: this.position, limit: syncLimit, cursors },
    });
  }

  #book(id: MessageId, sequence: number): void {
    let track = this.tracks.get(id.stream);
    if (track === undefined) this.tracks.set(id.stream, (track = new StreamTrack()));
    const before = track.received;
    track.note(id.number, sequence);
    if (track.received > before) this.#books.arrived(this, id);
  }

  #request(frame: parley.v1.ClientFrame.$Shape): void {
    const { encoding } = this.#options;
    const payload =
      encoding === 'json'
        ? Buffer.from(
            JSON.stringify(
              wire.ClientFrame.toObject(wire.ClientFrame.fromObject(frame), {
                longs: String,
                enums: String,
                json: true,
              }),
            ),
          )
        : wire.ClientFrame.encode(frame).finish();
    this.write(clientMessage(payload, encoding));
  }
}
