// A wire between a client and a server that a test can cut, or make swallow one direction: lost answers, lost requests,
// a process that is cut off from everybody.
import { type Server, type Socket, connect, createServer } from 'node:net';

export interface TcpProxy {
  /** Port to connect to instead of the server's. */
  readonly port: number;
  /** What the server says is thrown away from now on. */
  swallowAnswers(): void;
  /** What the client says is thrown away from now on. */
  swallowRequests(): void;
  /** Closes every connection and refuses new ones. */
  cut(): void;
  /** Lets everything through again; connections that lost bytes are closed. */
  heal(): void;
  stop(): Promise<void>;
}

type Mode = 'open' | 'answers-lost' | 'requests-lost' | 'cut';

export async function startTcpProxy(serverPort: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let mode: Mode = 'open';
  const closeAll = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
    pairs.clear();
  };
  const listener: Server = createServer((client) => {
    if (mode === 'cut') {
      client.destroy();
      return;
    }
    const server = connect(serverPort, '127.0.0.1');
    const pair = [client, server] as const;
    pairs.add(pair);
    client.on('data', (bytes) => mode !== 'requests-lost' && server.write(bytes));
    server.on('data', (bytes) => mode !== 'answers-lost' && client.write(bytes));
    for (const socket of pair) {
      // An end or an error of one side is the end of both.
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        pairs.delete(pair);
        for (const each of pair) each.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    port: address.port,
    swallowAnswers: () => void (mode = 'answers-lost'),
    swallowRequests: () => void (mode = 'requests-lost'),
    cut: () => {
      mode = 'cut';
      closeAll();
    },
    heal: () => {
      if (mode === 'answers-lost' || mode === 'requests-lost') closeAll();
      mode = 'open';
    },
    stop: async () => {
      closeAll();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
