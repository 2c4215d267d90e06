// The client transport on uWebSockets.js. The native library is loaded on demand, so that processes without sockets
// (and machines without the build) can import this package.
import type {
  HttpRequest,
  HttpResponse,
  TemplatedApp,
  WebSocket,
  us_listen_socket,
  us_socket,
  us_socket_context_t,
} from 'uWebSockets.js';
import type {
  ClientSocket,
  ClientTransport,
  ListenAddress,
  RouteLimits,
  SendOutcome,
  SocketHandlers,
  TlsFiles,
} from './client-transport.ts';

/** LIBUS_LISTEN_EXCLUSIVE_PORT of the library: without it two processes share a port silently. */
const exclusivePort = 1;
type ListenWithOptions = (
  host: string,
  port: number,
  options: number,
  onListening: (listening: us_listen_socket | false) => void,
) => void;

type Library = typeof import('uWebSockets.js');
type Native<Data> = WebSocket<SlotOf<Data>>;
/** uWebSockets.js hands this object back with every event of a socket. */
interface SlotOf<Data> {
  readonly data: Data;
  socket: UwsSocket<Data> | undefined;
}

export class UwsClientTransport implements ClientTransport {
  readonly #library: Library;
  readonly #app: TemplatedApp;
  #listening: us_listen_socket | undefined;

  /** Rejects when the native library does not load on this machine. */
  static async load(tls?: TlsFiles): Promise<UwsClientTransport> {
    return new UwsClientTransport(await import('uWebSockets.js'), tls);
  }

  private constructor(library: Library, tls: TlsFiles | undefined) {
    this.#library = library;
    this.#app =
      tls === undefined
        ? library.App()
        : library.SSLApp({ cert_file_name: tls.certificateFile, key_file_name: tls.keyFile });
  }

  route<Data>(path: string, limits: RouteLimits, handlers: SocketHandlers<Data>): void {
    const socketOf = (native: Native<Data>): UwsSocket<Data> => {
      const socket = native.getUserData().socket;
      if (socket === undefined) throw new Error('uWebSockets.js: event before open');
      return socket;
    };
    this.#app.ws<SlotOf<Data>>(path, {
      maxPayloadLength: limits.messageBytesMax,
      maxBackpressure: limits.backlogBytesMax,
      closeOnBackpressureLimit: false,
      // Heartbeats are the application's: they follow its clock and its limits.
      idleTimeout: 0,
      sendPingsAutomatically: false,
      upgrade: (response, request, context) => upgrade(path, handlers, { response, request, context }),
      open: (native) => {
        const slot = native.getUserData();
        slot.socket = new UwsSocket(native, slot.data);
        handlers.open(slot.socket);
      },
      message: (native, message, isBinary) =>
        handlers.message(socketOf(native), new Uint8Array(message), isBinary),
      pong: (native) => handlers.pong?.(socketOf(native)),
      drain: (native) => handlers.drain?.(socketOf(native)),
      dropped: (native) => handlers.dropped?.(socketOf(native)),
      close: (native, code, reason) => {
        const socket = socketOf(native);
        socket.markClosed();
        handlers.close(socket, code, Buffer.from(reason).toString());
      },
    });
  }

  listen({ host, port, isPortShared = false }: ListenAddress): Promise<{ port: number }> {
    return new Promise((resolve, reject) => {
      const onListening = (listening: us_listen_socket | false): void => {
        if (!listening)
          return reject(new Error(`cannot listen on ${host}:${port}: address in use or not allowed`));
        this.#listening = listening;
        resolve({ port: this.#library.us_socket_local_port(listening as us_socket) });
      };
      // The library takes these four arguments; its types know only three.
      const listen = this.#app.listen.bind(this.#app) as unknown as ListenWithOptions;
      listen(host, port, isPortShared ? 0 : exclusivePort, onListening);
    });
  }

  publish(topic: string, message: Uint8Array | string): void {
    this.#app.publish(topic, message, typeof message !== 'string');
  }

  stopListening(): void {
    if (this.#listening === undefined) return;
    this.#library.us_listen_socket_close(this.#listening);
    this.#listening = undefined;
  }

  close(): Promise<void> {
    this.#listening = undefined;
    this.#app.close();
    return Promise.resolve();
  }
}

class UwsSocket<Data> implements ClientSocket<Data> {
  readonly data: Data;
  #native: Native<Data> | undefined;

  constructor(native: Native<Data>, data: Data) {
    this.#native = native;
    this.data = data;
  }

  get isOpen(): boolean {
    return this.#native !== undefined;
  }

  get bufferedBytes(): number {
    return this.#native?.getBufferedAmount() ?? 0;
  }

  send(message: Uint8Array | string): SendOutcome {
    if (this.#native === undefined) return 'dropped';
    const status = this.#native.send(message, typeof message !== 'string');
    return status === 1 ? 'sent' : status === 0 ? 'buffered' : 'dropped';
  }

  ping(): void {
    this.#native?.ping();
  }

  subscribe(topic: string): void {
    this.#native?.subscribe(topic);
  }

  unsubscribe(topic: string): void {
    this.#native?.unsubscribe(topic);
  }

  cork(task: () => void): void {
    if (this.#native === undefined) return task();
    this.#native.cork(task);
  }

  end(code: number, reason: string): void {
    this.#native?.end(code, reason);
  }

  terminate(): void {
    this.#native?.close();
  }

  /** @internal using the native socket after its close event ends the process, so it is forgotten. */
  markClosed(): void {
    this.#native = undefined;
  }
}

interface NativeUpgrade {
  readonly response: HttpResponse;
  readonly request: HttpRequest;
  readonly context: us_socket_context_t;
}

function upgrade<Data>(
  path: string,
  handlers: SocketHandlers<Data>,
  { response, request, context }: NativeUpgrade,
): void {
  const offered = request.getHeader('sec-websocket-protocol');
  const decision = handlers.upgrade({
    path,
    header: (name) => request.getHeader(name),
    subprotocols: offered === '' ? [] : offered.split(',').map((name) => name.trim()),
    remoteAddress: Buffer.from(response.getRemoteAddressAsText()).toString(),
  });
  if (!decision.isAccepted) {
    response.writeStatus(`${decision.status} ${decision.reason}`).end(decision.reason, true);
    return;
  }
  const slot: SlotOf<Data> = { data: decision.data, socket: undefined };
  const key = request.getHeader('sec-websocket-key');
  const extensions = request.getHeader('sec-websocket-extensions');
  response.upgrade(slot, key, decision.subprotocol ?? '', extensions, context);
}
