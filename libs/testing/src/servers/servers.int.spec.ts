import { existsSync } from 'node:fs';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { startNats } from './nats-server.ts';
import { startRedis } from './redis-server.ts';
import type { ServerHandle } from './server-process.ts';

const started: ServerHandle[] = [];
const keep = <T extends ServerHandle>(server: T): T => {
  started.push(server);
  return server;
};

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

describe('startNats', () => {
  it('keeps what was acknowledged when the server is killed and started again', async () => {
    const nats = keep(await startNats({ syncAlways: true }));
    const before = await connect({ servers: nats.urls as string[] });
    await (await jetstreamManager(before)).streams.add({ name: 'kept', subjects: ['kept.>'] });
    const ack = await jetstream(before).publish('kept.one', 'hello');
    await before.close();

    await nats.kill('SIGKILL');
    expect(nats.isRunning()).toBe(false);
    await nats.restart();

    const after = await connect({ servers: nats.urls as string[] });
    const message = await (await jetstreamManager(after)).streams.getMessage('kept', { seq: ack.seq });
    expect(message?.string()).toBe('hello');
    await after.close();
  });

  it('takes messages up to 1 MiB', async () => {
    const nats = keep(await startNats());
    const connection = await connect({ servers: nats.url });
    expect(connection.info?.max_payload).toBe(1024 * 1024);
    await connection.close();
  });

  it('forms a cluster of three that goes on when one server is killed', async () => {
    const nats = keep(await startNats({ clusterOf: 3 }));
    const connection = await connect({ servers: nats.urls as string[] });
    const manager = await jetstreamManager(connection);
    const stream = await manager.streams.add({ name: 'three', subjects: ['three'], num_replicas: 3 });
    expect(stream.cluster?.replicas).toHaveLength(2);

    const leader = stream.cluster!.leader!;
    const follower = nats.servers.findIndex((_, index) => `parley-${index + 1}` !== leader);
    await nats.servers[follower]!.kill('SIGKILL');
    const ack = await jetstream(connection).publish('three', 'still there', { timeout: 20_000, retries: 5 });
    expect(ack.seq).toBe(1);
    await connection.close();
  });

  it('removes its temporary folder on stop', async () => {
    const nats = await startNats();
    expect(existsSync(nats.dataFolder)).toBe(true);
    await nats.stop();
    expect(existsSync(nats.dataFolder)).toBe(false);
  });

  it('says so when the port is taken', async () => {
    const first = keep(await startNats());
    await expect(startNats({ port: first.port })).rejects.toThrow(`port ${first.port} is already in use`);
  });
});

describe('startRedis', () => {
  it('answers when it is said to be ready, and again after a kill and restart', async () => {
    const redis = keep(await startRedis());
    const client = new Redis(redis.url, { lazyConnect: true, retryStrategy: () => 50 });
    client.on('error', () => undefined);
    await client.connect();
    await client.set('key', 'value');
    expect(await client.get('key')).toBe('value');
    await redis.kill('SIGKILL');
    await redis.restart();
    expect(await client.ping()).toBe('PONG');
    client.disconnect();
  });
});
