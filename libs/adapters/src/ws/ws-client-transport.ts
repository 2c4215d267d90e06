// The client transport on the `ws` package: the twin of the one on uWebSockets.js, pure JavaScript. Slower; same
// behaviour, as the contract suite shows.
import { readFileSync } from 'node:fs';
import { type IncomingMessage, type Server, createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type {
  ClientSocket,
  ClientTransport,
  ListenAddress,
  RouteLimits,
  SendOutcome,
  SocketHandlers,
  TlsFiles,
} from '../uws/client-transport.ts';

type Upgrade = (request: IncomingMessage, stream: Duplex, head: Buffer) => void;

export class WsClientTransport implements ClientTransport {
  readonly #server: Server;
  readonly #routes = new Map<string, Upgrade>();
  readonly #topics = new Map<string, Set<WsSocket<unknown>>>();
  readonly #open = new Set<WsSocket<unknown>>();

  constructor(tls?: TlsFiles) {
    this.#server =
      tls === undefined
        ? createServer((_, response) => response.writeHead(404).end())
        : createTlsServer({ cert: readFileSync(tls.certificateFile), key: readFileSync(tls.keyFile) });
    this.#server.on('upgrade', (request, stream, head) => {
      const path = (request.url ?? '/').split('?', 1)[0]!;
      const serve = this.#routes.get(path) ?? this.#routes.get('/*');
      if (serve === undefined) refuse(stream, 404, 'Not Found');
      else serve(request, stream, head);
    });
  }

  route<Data>(path: string, limits: RouteLimits, handlers: SocketHandlers<Data>): void {
    const server = new WebSocketServer({
      noServer: true,
      maxPayload: limits.messageBytesMax,
      perMessageDeflate: false,
      // The choice was made by the upgrade handler; ws only repeats it.
      handleProtocols: (_, request) => chosen.get(request) ?? false,
    });
    const chosen = new WeakMap<IncomingMessage, string>();
    this.#routes.set(path, (request, stream, head) => {
      const offered = request.headers['sec-websocket-protocol'];
      const decision = handlers.upgrade({
        path,
        header: (name) => String(request.headers[name] ?? ''),
        subprotocols: offered === undefined ? [] : offered.split(',').map((name) => name.trim()),
        remoteAddress: request.socket.remoteAddress ?? '',
      });
      if (!decision.isAccepted) return refuse(stream, decision.status, decision.reason);
      if (decision.subprotocol !== undefined) chosen.set(request, decision.subprotocol);
      server.handleUpgrade(request, stream, head, (native) =>
        this.#adopt(native, decision.data, limits, handlers),
      );
    });
  }

  listen({ host, port, isPortShared = false }: ListenAddress): Promise<{ port: number }> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, host, reusePort: isPortShared }, () => {
        this.#server.off('error', reject);
        resolve({ port: (this.#server.address() as AddressInfo).port });
      });
    });
  }

  publish(topic: string, message: Uint8Array | string): void {
    for (const socket of this.#topics.get(topic) ?? []) socket.send(message);
  }

  stopListening(): void {
    this.#server.close();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of [...this.#open]) socket.terminate();
    this.#server.closeAllConnections();
    await closed;
  }

  #adopt<Data>(native: WebSocket, data: Data, limits: RouteLimits, handlers: SocketHandlers<Data>): void {
    const socket = new WsSocket<Data>(native, data, this.#topics, {
      backlogBytesMax: limits.backlogBytesMax,
      onDrain: () => handlers.drain?.(socket),
      onDropped: () => handlers.dropped?.(socket),
    });
    this.#open.add(socket);
    native.on('message', (message: Buffer, isBinary: boolean) => handlers.message(socket, message, isBinary));
    native.on('pong', () => handlers.pong?.(socket));
    // A protocol error (an oversized message, say) is followed by close; there is nothing else to do about it.
    native.on('error', () => native.terminate());
    native.on('close', (code, reason) => {
      this.#open.delete(socket);
      socket.markClosed();
      handlers.close(socket, code, reason.toString());
    });
    handlers.open(socket);
  }
}

interface WsSocketOptions {
  readonly backlogBytesMax: number;
  onDrain(): void;
  onDropped(): void;
}

class WsSocket<Data> implements ClientSocket<Data> {
  readonly data: Data;
  readonly #native: WebSocket;
  readonly #topics: Map<string, Set<WsSocket<unknown>>>;
  readonly #subscribed = new Set<string>();
  readonly #options: WsSocketOptions;
  #isOpen = true;

  constructor(
    native: WebSocket,
    data: Data,
    topics: Map<string, Set<WsSocket<unknown>>>,
    options: WsSocketOptions,
  ) {
    this.#native = native;
    this.data = data;
    this.#topics = topics;
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get bufferedBytes(): number {
    return this.#native.bufferedAmount;
  }

  send(message: Uint8Array | string): SendOutcome {
    if (!this.#isOpen) return 'dropped';
    if (this.bufferedBytes > this.#options.backlogBytesMax) {
      this.#options.onDropped();
      return 'dropped';
    }
    // ws keeps a reference to the bytes until they are written; the caller may reuse its buffer.
    const copy = typeof message === 'string' ? message : Buffer.from(message);
    let isWritten = false;
    let wasBuffered = false;
    this.#native.send(copy, { binary: typeof message !== 'string' }, () => {
      isWritten = true;
      if (wasBuffered && this.#isOpen) this.#options.onDrain();
    });
    wasBuffered = !isWritten && this.bufferedBytes > 0;
    return wasBuffered ? 'buffered' : 'sent';
  }

  ping(): void {
    if (this.#isOpen) this.#native.ping();
  }

  subscribe(topic: string): void {
    if (!this.#isOpen) return;
    let subscribers = this.#topics.get(topic);
    if (subscribers === undefined) this.#topics.set(topic, (subscribers = new Set()));
    subscribers.add(this);
    this.#subscribed.add(topic);
  }

  unsubscribe(topic: string): void {
    const subscribers = this.#topics.get(topic);
    subscribers?.delete(this);
    if (subscribers?.size === 0) this.#topics.delete(topic);
    this.#subscribed.delete(topic);
  }

  cork(task: () => void): void {
    task();
  }

  end(code: number, reason: string): void {
    if (!this.#isOpen) return;
    this.#native.close(code, reason);
  }

  terminate(): void {
    this.#native.terminate();
  }

  markClosed(): void {
    this.#isOpen = false;
    for (const topic of [...this.#subscribed]) this.unsubscribe(topic);
  }
}

function refuse(stream: Duplex, status: number, reason: string): void {
  const length = Buffer.byteLength(reason);
  stream.end(
    `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n${reason}`,
  );
}
