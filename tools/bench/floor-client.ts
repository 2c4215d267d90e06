// Measures the floors: what the machine's own parts do without us, with the same client code as the load. Tells one JSON
// message and ends.
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection, connect } from '@nats-io/transport-node';
import { LatencyHistogram } from './latency-histogram.ts';
import { LoadSocket } from './load/load-socket.ts';
import { clientMessage } from './load/web-socket-frame.ts';
import { nowUs } from './monotonic.ts';
import type { Floors } from './floors.ts';

const [natsUrl = '', subject = '', port = '', seconds = ''] = process.argv.slice(2);
const measureMs = Number(seconds) * 1_000;
const warmUpMs = measureMs / 4;
const bodyBytes = 200;
const echoConnections = 500;
const echoInFlight = 16;
const subscribers = 1_000;
const fanOutInFlight = 32;
const publishesInFlight = 256;

const body = Buffer.alloc(bodyBytes, 'x');
const message = clientMessage(body, 'protobuf');

/** Calls `count` until the time is over: how much it grew in a second, without the warm-up. */
async function rateOf(count: () => number): Promise<number> {
  await sleep(warmUpMs);
  const [startCount, startMs] = [count(), performance.now()];
  await sleep(measureMs);
  return ((count() - startCount) * 1_000) / (performance.now() - startMs);
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const openAll = (
  path: string,
  count: number,
  onMessage: (socket: LoadSocket) => void,
): Promise<LoadSocket[]> =>
  Promise.all(
    Array.from({ length: count }, async () => {
      let socket: LoadSocket | undefined;
      socket = await LoadSocket.open(
        { host: '127.0.0.1', port: Number(port), path },
        { events: { message: () => onMessage(socket!), closed: (why) => fail(`${path}: ${why}`) } },
      );
      return socket;
    }),
  );

/** Round trips in a second. */
async function echo(): Promise<number> {
  let count = 0;
  let isOver = false;
  const sockets = await openAll('/echo', echoConnections, (socket) => {
    count += 1;
    if (!isOver) socket.send(message);
  });
  for (const socket of sockets) for (let sent = 0; sent < echoInFlight; sent += 1) socket.send(message);
  const rate = await rateOf(() => count);
  isOver = true;
  for (const socket of sockets) socket.close();
  return rate;
}

/** Deliveries in a second, of one topic with all subscribers. */
async function fanOut(): Promise<number> {
  let count = 0;
  let published = 0;
  let isOver = false;
  let publisher: LoadSocket | undefined;
  const goOn = (): void => {
    while (!isOver && published * subscribers - count < fanOutInFlight * subscribers) {
      published += 1;
      publisher!.send(message);
    }
  };
  const sockets = await openAll('/topic', subscribers, () => {
    count += 1;
    if (count % subscribers === 0) goOn();
  });
  publisher = sockets[0];
  goOn();
  const rate = await rateOf(() => count);
  isOver = true;
  for (const socket of sockets) socket.close();
  return rate;
}

async function jetStream(connection: NatsConnection): Promise<{ aloneMs: number; perSecond: number }> {
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: 'FLOOR', subjects: ['floor.>'], storage: 'file', num_replicas: 1 });
  const client = jetstream(connection);
  const alone = await latencyOf(() => client.publish('floor.alone', body));
  let count = 0;
  let isOver = false;
  const workers = Array.from({ length: publishesInFlight }, async () => {
    while (!isOver) {
      await client.publish('floor.many', body);
      count += 1;
    }
  });
  const perSecond = await rateOf(() => count);
  isOver = true;
  await Promise.all(workers);
  await manager.streams.delete('FLOOR');
  return { aloneMs: alone, perSecond };
}

/** The median of one after another, milliseconds. */
async function latencyOf(once: () => Promise<unknown>): Promise<number> {
  const histogram = new LatencyHistogram();
  const startMs = performance.now();
  while (performance.now() - startMs < warmUpMs + measureMs) {
    const fromUs = nowUs();
    await once();
    if (performance.now() - startMs > warmUpMs) histogram.record(nowUs() - fromUs);
  }
  return histogram.percentileMs(0.5) ?? 0;
}

function fail(why: string): never {
  process.stderr.write(`floors: ${why}\n`);
  process.exit(1);
}

const connection = await connect({ servers: natsUrl });
const stream = await jetStream(connection);
const requestMs = await latencyOf(() => connection.request(subject, body, { timeout: 5_000 }));
await connection.close();
const floors: Floors = {
  uws_echo: Math.round(await echo()),
  uws_fanout: Math.round(await fanOut()),
  jetstream_1_ms: stream.aloneMs,
  jetstream_256: Math.round(stream.perSecond),
  nats_request_ms: requestMs,
};
process.send?.(floors, () => process.exit(0));
