// A TCP server that greets like NATS and answers pings, and is otherwise not what Parley needs: too old, without
// JetStream, or refusing the credentials.
import net from 'node:net';
import type { AddressInfo } from 'node:net';

export interface Impostor {
  readonly url: string;
  close(): void;
}

export interface ImpostorOptions {
  readonly version?: string;
  readonly jetstream?: boolean;
  readonly refusesCredentials?: boolean;
}

export async function startImpostorNats(options: ImpostorOptions): Promise<Impostor> {
  const { version = '2.12.0', jetstream = true, refusesCredentials = false } = options;
  const greeting = {
    server_id: 'impostor',
    version,
    proto: 1,
    headers: true,
    max_payload: 1_048_576,
    jetstream,
  };
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    socket.write(`INFO ${JSON.stringify({ ...greeting, auth_required: refusesCredentials })}\r\n`);
    socket.on('data', (data) => {
      const text = data.toString('latin1');
      if (refusesCredentials && text.includes('CONNECT')) socket.end("-ERR 'Authorization Violation'\r\n");
      else if (text.includes('PING')) socket.write('PONG\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
