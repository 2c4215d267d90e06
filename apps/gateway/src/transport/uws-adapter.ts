// Nest's WebSocket adapter on our client transport: ordinary `@WebSocketGateway({ path: '/nest' })` classes with
// `@SubscribeMessage('…')` work as with Nest's own `ws` adapter: messages are JSON `{ event, data }`, what a handler
// returns (a value, a promise, an observable) is sent as JSON. Parley's own frames do not come through here.
import { EventEmitter } from 'node:events';
import type { ClientSocket, ClientTransport, RouteLimits } from '@parley/adapters';
import type { WebSocketAdapter } from '@nestjs/common';
import { EMPTY, type Observable, filter, first, fromEvent, mergeMap, share, takeUntil } from 'rxjs';

/** What Nest gives an adapter for each event a gateway class subscribes to. */
interface MessageHandler {
  readonly message: unknown;
  callback(...args: unknown[]): unknown;
}
type Transform = (data: unknown) => Observable<unknown>;

export interface UwsAdapterOptions {
  /** Gateways without a port of their own share this transport; they need a path of their own. It listens elsewhere. */
  readonly transport: ClientTransport;
  /** Makes a transport for gateways with a port of their own: `@WebSocketGateway(3001)`. */
  readonly createTransport?: () => ClientTransport;
  readonly limits?: RouteLimits;
  readonly host?: string;
}

const defaultLimits: RouteLimits = { messageBytesMax: 131_072, backlogBytesMax: 1_048_576 };

/** Numbers of the WebSocket specification; Nest tells native sockets by them. */
const readyStates = { open: 1, closed: 3 } as const;

/** What `@WebSocketServer()` injects. */
export class UwsServer extends EventEmitter {
  readonly path: string;
  readonly clients = new Set<UwsClient>();
  readonly #transport: ClientTransport;

  constructor(path: string, transport: ClientTransport) {
    super();
    this.path = path;
    this.#transport = transport;
  }

  /** To every client subscribed to the topic. */
  publish(topic: string, message: Uint8Array | string): void {
    this.#transport.publish(`nest${this.path}/${topic}`, message);
  }
}

/** What `@ConnectedSocket()` injects: like a `ws` WebSocket, with topics. Emits 'message' and 'close'. */
export class UwsClient extends EventEmitter {
  readyState: number = readyStates.open;
  /** Lower-case headers of the upgrade request that gateways usually ask for. */
  readonly headers: Readonly<Record<string, string>>;
  readonly #socket: ClientSocket<unknown>;
  readonly #path: string;

  constructor(socket: ClientSocket<unknown>, path: string, headers: Readonly<Record<string, string>>) {
    super();
    this.#socket = socket;
    this.#path = path;
    this.headers = headers;
  }

  send(message: Uint8Array | string): void {
    this.#socket.send(message);
  }

  subscribe(topic: string): void {
    this.#socket.subscribe(`nest${this.#path}/${topic}`);
  }

  unsubscribe(topic: string): void {
    this.#socket.unsubscribe(`nest${this.#path}/${topic}`);
  }

  close(code = 1000, reason = ''): void {
    this.#socket.end(code, reason);
  }

  terminate(): void {
    this.#socket.terminate();
  }
}

export class UwsAdapter implements WebSocketAdapter<UwsServer, UwsClient> {
  readonly #options: UwsAdapterOptions;
  readonly #transports = new Map<number, ClientTransport>();

  constructor(options: UwsAdapterOptions) {
    this.#options = options;
  }

  create(port: number, options: { path?: string } = {}): UwsServer {
    const transport = this.#transportOf(port);
    const path = pathOf(options.path);
    const server = new UwsServer(path, transport);
    const clients = new WeakMap<ClientSocket<Headers>, UwsClient>();
    transport.route<Headers>(path, this.#options.limits ?? defaultLimits, {
      upgrade: (request) => ({
        isAccepted: true,
        subprotocol: request.subprotocols[0],
        data: headersOf((name) => request.header(name)),
      }),
      open: (socket) => {
        const client = new UwsClient(socket, path, socket.data);
        clients.set(socket, client);
        server.clients.add(client);
        server.emit('connection', client);
      },
      message: (socket, bytes, isBinary) => {
        // The view ends with this call; handlers may run later.
        const message = isBinary ? Buffer.from(bytes) : Buffer.from(bytes).toString();
        clients.get(socket)?.emit('message', message, isBinary);
      },
      close: (socket, code, reason) => {
        const client = clients.get(socket);
        if (client === undefined) return;
        client.readyState = readyStates.closed;
        server.clients.delete(client);
        client.emit('close', code, reason);
      },
    });
    if (port > 0) this.#listen(transport, port, server);
    return server;
  }

  bindClientConnect(server: UwsServer, callback: (client: UwsClient) => void): void {
    server.on('connection', callback);
  }

  bindClientDisconnect(client: UwsClient, callback: (reason: unknown) => void): void {
    client.once('close', (_code: number, reason: string) => callback(reason));
  }

  /** A client that came while the application was still starting. */
  closeClient(client: UwsClient): void {
    client.close(1013, 'starting');
  }

  bindMessageHandlers(client: UwsClient, handlers: MessageHandler[], transform: Transform): void {
    const byEvent = new Map(handlers.map((handler) => [handler.message, handler]));
    const closed = fromEvent(client, 'close').pipe(share(), first());
    const answers = fromEvent(client, 'message', (message: Buffer | string) => message).pipe(
      mergeMap((message) => handle(message, byEvent, transform)),
      filter((answer) => answer !== undefined && answer !== null),
      takeUntil(closed),
    );
    answers.subscribe((answer) => {
      if (client.readyState === readyStates.open) client.send(JSON.stringify(answer));
    });
  }

  close(server: UwsServer): void {
    for (const client of [...server.clients]) client.close(1001, 'going away');
    server.removeAllListeners();
  }

  /** Called by Nest when the application closes. The shared transport belongs to whoever made it. */
  async dispose(): Promise<void> {
    for (const transport of this.#transports.values()) await transport.close();
    this.#transports.clear();
  }

  #transportOf(port: number): ClientTransport {
    if (port === 0) return this.#options.transport;
    let transport = this.#transports.get(port);
    if (transport === undefined) {
      if (this.#options.createTransport === undefined) {
        throw new Error(`UwsAdapter: a gateway wants port ${port}, but createTransport is not given`);
      }
      transport = this.#options.createTransport();
      this.#transports.set(port, transport);
    }
    return transport;
  }

  #listen(transport: ClientTransport, port: number, server: UwsServer): void {
    const { host = '0.0.0.0' } = this.#options;
    // Nest creates servers synchronously; a port that is taken is reported on the server, and fails the process when
    // nobody listens for it, like a `ws` server's error does.
    transport.listen({ host, port }).catch((cause: unknown) => server.emit('error', cause));
  }
}

type Headers = Readonly<Record<string, string>>;

const headerNames = ['authorization', 'cookie', 'host', 'origin', 'user-agent', 'x-forwarded-for'] as const;

const headersOf = (read: (name: string) => string): Headers =>
  Object.fromEntries(headerNames.map((name) => [name, read(name)]).filter(([, value]) => value !== ''));

const pathOf = (path = '/'): string => (path.startsWith('/') ? path : `/${path}`);

/** Messages that are no `{ event, data }`, or whose event nobody subscribed to, are ignored, as by Nest's own adapter. */
function handle(
  message: Buffer | string,
  handlers: ReadonlyMap<unknown, MessageHandler>,
  transform: Transform,
): Observable<unknown> {
  const parsed = parse(message.toString());
  const handler = handlers.get(parsed?.event);
  if (parsed === undefined || handler === undefined) return EMPTY;
  return transform(handler.callback(parsed.data, parsed.event));
}

function parse(text: string): { event: unknown; data: unknown } | undefined {
  try {
    const value = JSON.parse(text) as { event?: unknown; data?: unknown } | null;
    return value === null || typeof value !== 'object' ? undefined : { event: value.event, data: value.data };
  } catch {
    return undefined;
  }
}
