// A bare client for specs: one WebSocket, frames in and out through a codec, everything it heard kept in order.
import { type FrameCodec, type Subprotocol, frameCodecs, type parley } from '@parley/protocol';
import { WebSocket } from 'ws';

type ClientFrame = parley.v1.ClientFrame.$Properties;
type ServerFrame = parley.v1.ServerFrame;

export interface ClientOptions {
  readonly subprotocol?: Subprotocol;
  /** Offered after the subprotocol. */
  readonly offers?: readonly string[];
  readonly headers?: Record<string, string>;
  readonly url?: string;
}

export class SocketClient {
  readonly socket: WebSocket;
  readonly codec: FrameCodec;
  readonly frames: ServerFrame[] = [];
  closed: { code: number; reason: string } | undefined;
  pings = 0;
  #lastRequest = 0;
  readonly #waiting = new Set<() => void>();

  static async connect(port: number, options: ClientOptions = {}): Promise<SocketClient> {
    const client = new SocketClient(port, options);
    await new Promise((resolve, reject) => client.socket.once('open', resolve).once('error', reject));
    return client;
  }

  private constructor(port: number, options: ClientOptions) {
    const {
      subprotocol = 'parley.v1.json',
      offers = [],
      headers = {},
      url = `ws://127.0.0.1:${port}/`,
    } = options;
    this.codec = frameCodecs[subprotocol];
    this.socket = new WebSocket(url, [subprotocol, ...offers], { headers, rejectUnauthorized: false });
    this.socket.on('message', (data: Buffer, isBinary: boolean) => {
      const frame = this.codec.decodeServer(isBinary ? data : data.toString());
      if (!frame.ok) throw new Error('the server sent a frame that cannot be read');
      this.frames.push(frame.value);
      this.#wake();
    });
    this.socket.on('ping', () => this.pings++);
    this.socket.on('error', () => undefined);
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      this.#wake();
    });
  }

  send(frame: ClientFrame): void {
    this.socket.send(this.codec.encodeClient(frame));
  }

  /** Sends with a request id of its own and resolves with the reply. */
  async ask(frame: ClientFrame): Promise<ServerFrame> {
    const requestId = ++this.#lastRequest;
    this.send({ ...frame, requestId });
    return this.until((each) => each.requestId === requestId);
  }

  hello(token: string, fields: parley.v1.Hello.$Properties = {}): Promise<ServerFrame> {
    return this.ask({ hello: { token, deviceId: 'phone', protocolVersion: 1, ...fields } });
  }

  /** The first frame, heard already or to come, that fits. */
  async until(fits: (frame: ServerFrame) => boolean, timeoutMs = 4_000): Promise<ServerFrame> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = this.frames.find(fits);
      if (found !== undefined) return found;
      const leftMs = deadline - Date.now();
      if (leftMs <= 0)
        throw new Error(
          `no such frame; heard ${JSON.stringify(this.frames)} closed ${JSON.stringify(this.closed)}`,
        );
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#waiting.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}
