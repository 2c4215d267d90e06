// A bare WebSocket client on node:net for load processes: no copies on the way in, one write a socket and turn on the
// way out. The `ws` library costs three times the CPU, which on a shared machine is taken from the server.
import { randomBytes } from 'node:crypto';
import { type Socket, connect } from 'node:net';
import { type Encoding, pong } from './web-socket-frame.ts';

export interface SocketAddress {
  /** Default: /. */
  readonly path?: string;
  readonly host: string;
  readonly port: number;
}

export interface SocketEvents {
  /** The bytes are valid during the call only. */
  message(bytes: Buffer, from: number, to: number): void;
  closed(why: string): void;
}

/** One buffer for all sockets: it is read from before the next read begins. */
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024);
/** One for all: it tells answers of a cache from those of a server, and nothing is between us. */
const handshakeKey = randomBytes(16).toString('base64');
const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export class LoadSocket {
  readonly #socket: Socket;
  readonly #events: SocketEvents;
  readonly #onOpen: (error?: Error) => void;
  #isUpgraded = false;
  #isClosed = false;
  /** Bytes of a frame whose rest has not come yet. */
  #rest: Buffer | undefined;
  #outgoing: Buffer[] = [];

  static open(
    address: SocketAddress,
    options: { readonly encoding?: Encoding; readonly events: SocketEvents },
  ): Promise<LoadSocket> {
    return new Promise((resolve, reject) => {
      const socket = new LoadSocket(address, options, (error) =>
        error === undefined ? resolve(socket) : reject(error),
      );
    });
  }

  private constructor(
    address: SocketAddress,
    { encoding, events }: { readonly encoding?: Encoding; readonly events: SocketEvents },
    onOpen: (error?: Error) => void,
  ) {
    this.#events = events;
    this.#onOpen = onOpen;
    this.#socket = connect({
      host: address.host,
      port: address.port,
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (size, buffer) => {
          this.#receive(buffer as Buffer, size);
          return true;
        },
      },
    });
    this.#socket.once('connect', () => this.#socket.write(upgradeRequest(address, encoding)));
    this.#socket.once('error', (error) => this.#end(error.message));
    this.#socket.once('close', () => this.#end('the connection was closed'));
  }

  /** Copies the bytes, and writes everything of this turn at its end. */
  send(bytes: Uint8Array): void {
    if (this.#outgoing.length === 0) process.nextTick(this.#flush);
    this.#outgoing.push(Buffer.from(bytes));
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  readonly #flush = (): void => {
    const outgoing = this.#outgoing;
    this.#outgoing = [];
    if (this.#isClosed) return;
    this.#socket.write(outgoing.length === 1 ? outgoing[0]! : Buffer.concat(outgoing));
  };

  #end(why: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#isUpgraded) this.#events.closed(why);
    else this.#onOpen(new Error(why));
    this.#socket.destroy();
  }

  #receive(chunk: Buffer, size: number): void {
    let bytes = chunk;
    let end = size;
    if (this.#rest !== undefined) {
      bytes = Buffer.concat([this.#rest, chunk.subarray(0, size)]);
      end = bytes.length;
      this.#rest = undefined;
    }
    const at = this.#isUpgraded ? 0 : this.#upgrade(bytes, end);
    const used = at < 0 ? 0 : this.#messages(bytes, at, end);
    if (used < end && !this.#isClosed) this.#rest = Buffer.from(bytes.subarray(used, end));
  }

  /** Where the first frame begins; -1 when the server's answer is not complete. */
  #upgrade(bytes: Buffer, end: number): number {
    const headEnd = bytes.subarray(0, end).indexOf('\r\n\r\n');
    if (headEnd < 0) return -1;
    const head = bytes.toString('latin1', 0, headEnd);
    if (!head.startsWith('HTTP/1.1 101')) {
      this.#end(head.slice(0, head.indexOf('\r\n')));
      return end;
    }
    this.#isUpgraded = true;
    this.#onOpen();
    return headEnd + 4;
  }

  /** Returns where the first frame that is not complete begins. */
  #messages(bytes: Buffer, from: number, end: number): number {
    let at = from;
    while (end - at >= 2) {
      let size = bytes[at + 1]!;
      let head = 2;
      if (size === 126) {
        if (end - at < 4) return at;
        size = bytes.readUInt16BE(at + 2);
        head = 4;
      } else if (size === 127) {
        if (end - at < 10) return at;
        size = bytes.readUInt32BE(at + 6);
        head = 10;
      }
      const start = at + head;
      if (start + size > end) return at;
      this.#message(bytes[at]!, bytes, start, start + size);
      if (this.#isClosed) return end;
      at = start + size;
    }
    return at;
  }

  #message(first: number, bytes: Buffer, from: number, to: number): void {
    const opcode = first & 0x0f;
    const isWhole = (first & 0x80) !== 0;
    if (opcode === opcodes.ping) this.send(pong(bytes.subarray(from, to)));
    else if (opcode === opcodes.close)
      this.#end(`closed by the server: ${to - from >= 2 ? bytes.readUInt16BE(from) : 'no code'}`);
    else if (opcode === opcodes.pong) return;
    else if (!isWhole || opcode === opcodes.continuation)
      this.#end('a message in several frames: this client does not read those');
    else this.#events.message(bytes, from, to);
  }
}

function upgradeRequest({ host, port, path = '/' }: SocketAddress, encoding: Encoding | undefined): string {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}:${port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${handshakeKey}`,
    'Sec-WebSocket-Version: 13',
    ...(encoding === undefined ? [] : [`Sec-WebSocket-Protocol: parley.v1.${encoding}`]),
    '\r\n',
  ].join('\r\n');
}
