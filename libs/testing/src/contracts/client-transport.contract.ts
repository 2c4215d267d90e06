// What every client transport does, shown through real sockets with the `ws` package as the client.
import type { ClientSocket, ClientTransport, SocketHandlers, TlsFiles } from '@parley/adapters';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { selfSignedCertificate } from '../servers/self-signed-certificate.ts';

const host = '127.0.0.1';
const limits = { messageBytesMax: 10_000, backlogBytesMax: 200_000 };

interface Seen {
  readonly sockets: ClientSocket<string>[];
  readonly closed: { code: number; reason: string }[];
  drains: number;
  drops: number;
  pongs: number;
}

export function describeClientTransport(
  name: string,
  create: (tls?: TlsFiles) => Promise<ClientTransport>,
): void {
  describe(`ClientTransport: ${name}`, () => {
    const cleanUp: (() => Promise<void> | void)[] = [];
    afterEach(async () => {
      for (const task of cleanUp.splice(0).reverse()) await task();
    });

    async function serve(overrides: Partial<SocketHandlers<string>> = {}, tls?: TlsFiles) {
      const transport = await create(tls);
      const seen: Seen = { sockets: [], closed: [], drains: 0, drops: 0, pongs: 0 };
      transport.route<string>('/', limits, {
        upgrade: ({ subprotocols }) => ({ isAccepted: true, subprotocol: subprotocols[0], data: 'somebody' }),
        open: (socket) => void seen.sockets.push(socket),
        message: (socket, bytes, isBinary) =>
          void socket.send(isBinary ? bytes : Buffer.from(bytes).toString()),
        pong: () => void seen.pongs++,
        drain: () => void seen.drains++,
        dropped: () => void seen.drops++,
        close: (_, code, reason) => void seen.closed.push({ code, reason }),
        ...overrides,
      });
      const { port } = await transport.listen({ host, port: 0 });
      cleanUp.push(() => transport.close());
      return { transport, seen, port };
    }

    async function connect(url: string, protocols: string[] = [], options: object = {}): Promise<WebSocket> {
      const socket = new WebSocket(url, protocols, options);
      cleanUp.push(() => socket.terminate());
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      return socket;
    }

    const next = (socket: WebSocket) =>
      new Promise<Buffer | string>((resolve) =>
        socket.once('message', (data: Buffer, isBinary) => resolve(isBinary ? data : data.toString())),
      );

    test('text comes back as text and bytes as bytes', async () => {
      const { port } = await serve();
      const socket = await connect(`ws://${host}:${port}/`);
      socket.send('héllo');
      expect(await next(socket)).toBe('héllo');
      socket.send(Buffer.from([1, 2, 255]));
      expect(await next(socket)).toEqual(Buffer.from([1, 2, 255]));
    });

    test('the upgrade sees headers and subprotocols, and chooses one', async () => {
      const requests: { token: string; offered: readonly string[]; address: string }[] = [];
      const { port } = await serve({
        upgrade(request) {
          requests.push({
            token: request.header('authorization'),
            offered: [...request.subprotocols],
            address: request.remoteAddress,
          });
          return { isAccepted: true, subprotocol: 'b', data: 'x' };
        },
      });
      const socket = await connect(`ws://${host}:${port}/`, ['a', 'b'], {
        headers: { authorization: 'Bearer t' },
      });
      expect(socket.protocol).toBe('b');
      expect(requests[0]).toMatchObject({ token: 'Bearer t', offered: ['a', 'b'] });
      expect(requests[0]?.address).toContain('127.0.0.1');
    });

    test('a route for all paths leaves the others their own', async () => {
      const transport = await create();
      cleanUp.push(() => transport.close());
      for (const path of ['/*', '/exact']) {
        transport.route<string>(path, limits, {
          upgrade: () => ({ isAccepted: true, subprotocol: undefined, data: path }),
          open: (socket) => void socket.send(socket.data),
          message: () => undefined,
          close: () => undefined,
        });
      }
      const { port } = await transport.listen({ host, port: 0 });
      for (const [path, route] of [
        ['/exact', '/exact'],
        ['/', '/*'],
        ['/some/where?x=1', '/*'],
      ] as const) {
        const socket = new WebSocket(`ws://${host}:${port}${path}`);
        cleanUp.push(() => socket.terminate());
        expect(await next(socket)).toBe(route);
      }
    });

    test('a refused upgrade answers with the status', async () => {
      const { port } = await serve({
        upgrade: () => ({ isAccepted: false, status: 403, reason: 'Forbidden' }),
      });
      await expect(connect(`ws://${host}:${port}/`)).rejects.toThrow('403');
    });

    test('a message over messageBytesMax closes its connection and no other', async () => {
      const { port, seen } = await serve();
      const good = await connect(`ws://${host}:${port}/`);
      const bad = await connect(`ws://${host}:${port}/`);
      const closed = new Promise((resolve) => bad.once('close', resolve));
      bad.on('error', () => undefined);
      bad.send(Buffer.alloc(limits.messageBytesMax + 1));
      await closed;
      await expect.poll(() => seen.closed.length).toBe(1);
      good.send('still here');
      expect(await next(good)).toBe('still here');
    });

    test('a topic message reaches the sockets subscribed to it', async () => {
      const { port, seen, transport } = await serve();
      const clients = [
        await connect(`ws://${host}:${port}/`),
        await connect(`ws://${host}:${port}/`),
        await connect(`ws://${host}:${port}/`),
      ] as const;
      await expect.poll(() => seen.sockets.length).toBe(3);
      const heard: string[] = [];
      clients.forEach((client, index) =>
        client.on('message', (data: Buffer) => heard.push(`${index}:${data.toString()}`)),
      );
      seen.sockets[0]?.subscribe('room');
      seen.sockets[1]?.subscribe('room');
      transport.publish('room', 'one');
      await expect.poll(() => heard.length).toBe(2);
      seen.sockets[1]?.unsubscribe('room');
      transport.publish('room', 'two');
      seen.sockets[2]?.send('end');
      await expect.poll(() => [...heard].sort()).toEqual(['0:one', '0:two', '1:one', '2:end']);
    });

    test('a client that does not read fills its backlog, loses messages, and drains when it reads again', async () => {
      const { port, seen } = await serve();
      const client = await connect(`ws://${host}:${port}/`);
      await expect.poll(() => seen.sockets.length).toBe(1);
      const socket = seen.sockets[0]!;
      client.pause();
      const outcomes = new Set<string>();
      const deadline = Date.now() + 10_000;
      while (!outcomes.has('dropped') && Date.now() < deadline) {
        outcomes.add(socket.send(Buffer.alloc(50_000)));
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect([...outcomes]).toEqual(expect.arrayContaining(['buffered', 'dropped']));
      expect(seen.drops).toBeGreaterThan(0);
      expect(socket.bufferedBytes).toBeGreaterThan(0);
      expect(socket.bufferedBytes).toBeLessThan(limits.backlogBytesMax + 100_000);
      client.resume();
      await expect.poll(() => socket.bufferedBytes, { timeout: 5_000 }).toBe(0);
      expect(seen.drains).toBeGreaterThan(0);
      expect(socket.send('again')).toBe('sent');
    });

    test('a ping is answered by a pong', async () => {
      const { port, seen } = await serve();
      await connect(`ws://${host}:${port}/`);
      await expect.poll(() => seen.sockets.length).toBe(1);
      seen.sockets[0]?.ping();
      await expect.poll(() => seen.pongs).toBe(1);
    });

    test('end closes with code and reason, and the socket is a no-op afterwards', async () => {
      const { port, seen } = await serve();
      const client = await connect(`ws://${host}:${port}/`);
      const closed = new Promise((resolve) =>
        client.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
      );
      await expect.poll(() => seen.sockets.length).toBe(1);
      seen.sockets[0]?.end(4001, 'bye');
      expect(await closed).toEqual({ code: 4001, reason: 'bye' });
      await expect.poll(() => seen.closed.length).toBe(1);
      const socket = seen.sockets[0]!;
      expect(socket.isOpen).toBe(false);
      expect(socket.send('x')).toBe('dropped');
      socket.subscribe('t');
      socket.ping();
      socket.end(4001, 'again');
      socket.terminate();
    });

    test('after stopListening open connections stay and new ones are refused', async () => {
      const { port, transport } = await serve();
      const client = await connect(`ws://${host}:${port}/`);
      transport.stopListening();
      await expect(connect(`ws://${host}:${port}/`)).rejects.toThrow();
      client.send('still here');
      expect(await next(client)).toBe('still here');
    });

    test('two transports cannot share a port', async () => {
      const { port } = await serve();
      const second = await create();
      cleanUp.push(() => second.close());
      await expect(second.listen({ host, port })).rejects.toThrow();
    });

    test('with certificate files it speaks wss', async () => {
      const certificate = selfSignedCertificate();
      cleanUp.push(() => certificate.remove());
      const { port } = await serve({}, certificate);
      const socket = await connect(`wss://${host}:${port}/`, [], { rejectUnauthorized: false });
      socket.send('secret');
      expect(await next(socket)).toBe('secret');
    });
  });
}
