// An ordinary Nest application with WebSocket gateway classes, on the adapter.
import 'reflect-metadata';
import { type ClientTransport, UwsClientTransport, WsClientTransport } from '@parley/adapters';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  ConnectedSocket,
  MessageBody,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
  type WsResponse,
} from '@nestjs/websockets';
import { of } from 'rxjs';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { UwsAdapter, type UwsClient, type UwsServer } from './uws-adapter.ts';

const seen = { connected: 0, disconnected: 0 };

@WebSocketGateway({ path: '/nest' })
class EchoGateway implements OnGatewayConnection, OnGatewayDisconnect {
  @WebSocketServer()
  server!: UwsServer;

  handleConnection(): void {
    seen.connected++;
  }

  handleDisconnect(): void {
    seen.disconnected++;
  }

  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): WsResponse {
    return { event: 'echoed', data };
  }

  @SubscribeMessage('later')
  later(@MessageBody('name') name: string): Promise<WsResponse> {
    return Promise.resolve({ event: 'greeted', data: `hello ${name}` });
  }

  @SubscribeMessage('count')
  count(@MessageBody() upTo: number) {
    return of(...Array.from({ length: upTo }, (_, index) => ({ event: 'number', data: index + 1 })));
  }

  @SubscribeMessage('silent')
  silent(): void {
    return undefined;
  }

  @SubscribeMessage('fail')
  fail(): never {
    throw new WsException('not today');
  }

  @SubscribeMessage('raw')
  raw(@ConnectedSocket() client: UwsClient): void {
    client.send('as it is');
  }

  @SubscribeMessage('join')
  join(@ConnectedSocket() client: UwsClient, @MessageBody() room: string): WsResponse {
    client.subscribe(room);
    return { event: 'joined', data: this.server.clients.size };
  }

  @SubscribeMessage('tell')
  tell(@MessageBody() message: { room: string; text: string }): void {
    this.server.publish(message.room, JSON.stringify({ event: 'told', data: message.text }));
  }
}

@WebSocketGateway({ path: '/other' })
class OtherGateway {
  @SubscribeMessage('echo')
  echo(): WsResponse {
    return { event: 'other', data: 'another class, another path' };
  }
}

@Module({ providers: [EchoGateway, OtherGateway] })
class EchoModule {}

const cleanUp: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

const transports: [string, () => Promise<ClientTransport>][] = [
  ['uWebSockets.js', () => UwsClientTransport.load()],
  ['ws', () => Promise.resolve(new WsClientTransport())],
];

describe.each(transports)('Nest gateway classes on %s', (_, create) => {
  async function start() {
    const transport = await create();
    const app = await NestFactory.create(EchoModule, new FastifyAdapter(), { logger: false });
    app.useWebSocketAdapter(new UwsAdapter({ transport }));
    await app.init();
    const { port } = await transport.listen({ host: '127.0.0.1', port: 0 });
    cleanUp.push(async () => {
      await (app as INestApplicationContext).close();
      await transport.close();
    });
    return port;
  }

  async function connect(port: number, path = '/nest') {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
    const heard: unknown[] = [];
    socket.on('message', (data: Buffer) => heard.push(parse(data.toString())));
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    cleanUp.push(() => socket.terminate());
    return {
      socket,
      heard,
      emit: (event: string, data?: unknown) => socket.send(JSON.stringify({ event, data })),
    };
  }

  const parse = (text: string): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  };

  test('returned values, promises and observables are sent', async () => {
    const client = await connect(await start());
    client.emit('echo', { a: 1 });
    await expect.poll(() => client.heard).toEqual([{ event: 'echoed', data: { a: 1 } }]);
    client.emit('later', { name: 'Ann' });
    await expect.poll(() => client.heard.at(-1)).toEqual({ event: 'greeted', data: 'hello Ann' });
    client.emit('count', 3);
    await expect
      .poll(() => client.heard.slice(2))
      .toEqual([1, 2, 3].map((data) => ({ event: 'number', data })));
  });

  test('a handler that returns nothing sends nothing, unknown events and other text are ignored', async () => {
    const client = await connect(await start());
    client.emit('silent');
    client.emit('nobody subscribed');
    client.socket.send('no JSON');
    client.socket.send('null');
    client.emit('raw');
    await expect.poll(() => client.heard).toEqual(['as it is']);
  });

  test('an exception is told to the client as Nest does it', async () => {
    const client = await connect(await start());
    client.emit('fail');
    await expect
      .poll(() => client.heard[0])
      .toMatchObject({ event: 'exception', data: { status: 'error', message: 'not today' } });
    client.emit('echo', 1);
    await expect.poll(() => client.heard[1]).toEqual({ event: 'echoed', data: 1 });
  });

  test('connections and disconnections are told, and paths keep classes apart', async () => {
    const before = { ...seen };
    const port = await start();
    const client = await connect(port);
    const other = await connect(port, '/other');
    await expect.poll(() => seen.connected).toBe(before.connected + 1);
    other.emit('echo', 1);
    await expect.poll(() => other.heard).toEqual([{ event: 'other', data: 'another class, another path' }]);
    client.socket.close();
    await expect.poll(() => seen.disconnected).toBe(before.disconnected + 1);
  });

  test('topics reach the clients that joined', async () => {
    const port = await start();
    const [one, two] = [await connect(port), await connect(port)];
    one.emit('join', 'room');
    await expect.poll(() => one.heard).toEqual([{ event: 'joined', data: 2 }]);
    two.emit('tell', { room: 'room', text: 'hi' });
    await expect.poll(() => one.heard.at(-1)).toEqual({ event: 'told', data: 'hi' });
    expect(two.heard).toEqual([]);
  });
});
