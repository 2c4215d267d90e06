// The port to clients' WebSockets: listen, upgrade, messages in, frames out with back-pressure, topics for fan-out.
// Implemented on uWebSockets.js (production) and on the `ws` package (tests, machines without the native build).

/** What a client asks for before its socket opens. Valid during the call only. */
export interface UpgradeRequest {
  readonly path: string;
  /** Lower-case name; empty when the header is missing. */
  header(name: string): string;
  /** The client's subprotocols in its order of preference. */
  readonly subprotocols: readonly string[];
  readonly remoteAddress: string;
}

export type UpgradeDecision<Data> =
  /** `subprotocol` must be one the client offered; undefined answers without one. */
  | { readonly isAccepted: true; readonly subprotocol: string | undefined; readonly data: Data }
  | {
      readonly isAccepted: false;
      readonly status: 400 | 401 | 403 | 404 | 429 | 503;
      readonly reason: string;
    };

/** sent: handed to the system. buffered: waits in memory, `drain` follows. dropped: over backlogBytesMax, not sent. */
export type SendOutcome = 'sent' | 'buffered' | 'dropped';

/** One open socket. After `close` was called back every method is a no-op. */
export interface ClientSocket<Data = unknown> {
  readonly data: Data;
  readonly isOpen: boolean;
  /** Bytes that wait in memory for this client. */
  readonly bufferedBytes: number;
  /** Strings go as text messages, bytes as binary ones. */
  send(message: Uint8Array | string): SendOutcome;
  /** Sends a WebSocket ping; the client's pong is called back. */
  ping(): void;
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  /** What `task` sends leaves in one write. */
  cork(task: () => void): void;
  /** Closes with a close frame. */
  end(code: number, reason: string): void;
  /** Drops the TCP connection. */
  terminate(): void;
}

/** Called from the event loop, one at a time per transport; must not throw. */
export interface SocketHandlers<Data> {
  upgrade(request: UpgradeRequest): UpgradeDecision<Data>;
  open(socket: ClientSocket<Data>): void;
  /** `bytes` are a view that is valid during the call. */
  message(socket: ClientSocket<Data>, bytes: Uint8Array, isBinary: boolean): void;
  pong?(socket: ClientSocket<Data>): void;
  /** Buffered bytes have gone out, not necessarily all. */
  drain?(socket: ClientSocket<Data>): void;
  /** A topic message or a send was dropped, because the socket has backlogBytesMax waiting. */
  dropped?(socket: ClientSocket<Data>): void;
  close(socket: ClientSocket<Data>, code: number, reason: string): void;
}

export interface RouteLimits {
  /** A larger message closes the connection at once; the application's own, gentler limit lies below. */
  readonly messageBytesMax: number;
  /** More than this waiting for one client, and further messages to it are dropped. */
  readonly backlogBytesMax: number;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /** Several processes may listen on the same port; the system spreads new connections over them. Default false. */
  readonly isPortShared?: boolean;
}

export interface ClientTransport {
  /** Serves WebSockets on `path`; `/*` is every path without a route of its own. Before `listen`. */
  route<Data>(path: string, limits: RouteLimits, handlers: SocketHandlers<Data>): void;
  /** Port 0 picks a free one. Rejects when the port is taken. */
  listen(address: ListenAddress): Promise<{ port: number }>;
  /** To every open socket subscribed to the topic. */
  publish(topic: string, message: Uint8Array | string): void;
  /** Takes no new connections; the open ones stay. */
  stopListening(): void;
  /** Also drops the open connections. */
  close(): Promise<void>;
}

/** Certificate files in PEM format; without them the transport speaks plain ws. */
export interface TlsFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}
