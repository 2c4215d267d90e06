// The socket under a connection to NATS. The client library writes to it after every few promises; here all that one turn
// of the event loop has to say leaves in one system call at its end. A write on an idle connection costs both sides ten
// times as much as what a small message is worth otherwise, and when only one thing happens the turn ends with it.
import {
  type ConnectionOptions,
  type NatsConnection,
  NatsConnectionImpl,
  type Transport,
  setTransportFactory,
} from '@nats-io/nats-core/internal';
import { NodeTransport, nodeResolveHost } from '@nats-io/transport-node/lib/node_transport.js';

/** Connects as the client library does, over such a socket. */
export function connectByTurns(options: ConnectionOptions): Promise<NatsConnection> {
  setTransportFactory({ factory: () => new TurnTransport() as Transport, dnsResolveFn: nodeResolveHost });
  return NatsConnectionImpl.connect(options);
}

class TurnTransport extends NodeTransport {
  #isCorked = false;

  override send(frame: Uint8Array): void {
    if (!this.#isCorked && !this.isClosed) this.#corkUntilEnd();
    super.send(frame);
  }

  #corkUntilEnd(): void {
    const { socket } = this;
    this.#isCorked = true;
    socket.cork();
    setImmediate(() => {
      this.#isCorked = false;
      socket.uncork();
    });
  }
}
