// A bare WebSocket that speaks frames, for tests of single frames: no retry, no repair, everything heard is kept.
import { type FrameCodec, type Subprotocol, frameCodecs, type parley } from '@parley/protocol';
import { type ClientOptions, WebSocket } from 'ws';
import { waitUntil } from '../servers/wait-until.ts';

type ClientFrame = parley.v1.ClientFrame.$Properties;

export interface RawSocketOptions extends ClientOptions {
  readonly subprotocol?: Subprotocol;
  /** Offered beside the subprotocol: a token, as browsers have to give it. */
  readonly offers?: readonly string[];
}

export class RawSocket {
  readonly heard: parley.v1.ServerFrame[] = [];
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
  readonly #socket: WebSocket;
  readonly #codec: FrameCodec;
  #requests = 0;

  private constructor(
    url: string,
    { subprotocol = 'parley.v1.json', offers = [], ...more }: RawSocketOptions,
  ) {
    this.#codec = frameCodecs[subprotocol];
    this.#socket = new WebSocket(url, [subprotocol, ...offers], more);
    this.closed = new Promise((resolve) => this.#socket.once('close', resolve));
    this.#socket.on('message', (data: Buffer, isBinary: boolean) => {
      const frame = this.#codec.decodeServer(isBinary ? data : data.toString('utf8'));
      if (!frame.ok) throw new Error('the server sent a frame that cannot be read');
      this.heard.push(frame.value);
    });
  }

  static async open(url: string, options: RawSocketOptions = {}): Promise<RawSocket> {
    const raw = new RawSocket(url, options);
    await new Promise((resolve, reject) => raw.#socket.once('open', resolve).once('error', reject));
    return raw;
  }

  /** Open, and past `welcome`. */
  static async hello(url: string, token: string, options: RawSocketOptions = {}): Promise<RawSocket> {
    const raw = await RawSocket.open(url, options);
    const frame = await raw.ask({ hello: { token, deviceId: 'raw', protocolVersion: 1 } });
    if (!frame.welcome) throw new Error(`no welcome: ${JSON.stringify(frame)}`);
    return raw;
  }

  /** The WebSocket itself: for bytes that are no frame, and for not reading. */
  get socket(): WebSocket {
    return this.#socket;
  }

  get subprotocol(): string {
    return this.#socket.protocol;
  }

  /** The reply, also when it is an error. */
  async ask(frame: ClientFrame): Promise<parley.v1.ServerFrame> {
    const requestId = ++this.#requests;
    this.#socket.send(this.#codec.encodeClient({ ...frame, requestId }));
    return waitUntil(() => this.heard.find((each) => each.requestId === requestId), {
      what: `the answer to ${JSON.stringify(frame).slice(0, 200)}`,
      everyMs: 5,
    });
  }

  /** The first push that `pick` finds something in. */
  push<T>(
    what: string,
    pick: (frame: parley.v1.ServerFrame) => T | undefined | null,
  ): Promise<NonNullable<T>> {
    return waitUntil(
      () => {
        for (const frame of this.heard) {
          const found = frame.requestId === 0 ? pick(frame) : undefined;
          if (found) return found;
        }
        return undefined;
      },
      { what },
    );
  }

  close(): void {
    this.#socket.close();
  }
}
