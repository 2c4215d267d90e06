// A load process's work against a server that loses what it is told to lose: the bench must see it, and nothing else.
import { type ClientSocket, WsClientTransport } from '@parley/adapters';
import { type parley, wire } from '@parley/protocol';
import { afterEach, expect, it } from 'vitest';
import { LoadRun } from './load/load-run.ts';
import type { LoadPlan, LoadReport } from './load/plan.ts';
import type { StreamTotal } from './load/stream-ledger.ts';
import { newTokenKey } from './load/tokens.ts';
import { nowUs } from './monotonic.ts';
import { divide, groups } from './people-plan.ts';

const conversation = 'g.bench-0';
const limits = { messageBytesMax: 100_000, backlogBytesMax: 1_000_000 };
const windowUs = 50_000;
const quietMs = 50;

let stopLast: () => Promise<void> = () => Promise.resolve();
afterEach(() => stopLast());

interface Server {
  readonly port: number;
  readonly log: parley.v1.Message.$Shape[];
  /** Says how far the group has come. */
  announce(): void;
  /** In the order in which they came. */
  readonly sockets: readonly ClientSocket<object>[];
}

/** One large group. `loses` says whether the live push of a sequence does not reach a connection. */
async function serverThat(loses: (sequence: number, connection: number) => boolean): Promise<Server> {
  const transport = new WsClientTransport();
  const log: parley.v1.Message.$Shape[] = [];
  const sockets: ClientSocket<object>[] = [];
  const tell = (socket: ClientSocket<object>, frame: parley.v1.ServerFrame.$Shape): void =>
    void socket.send(wire.ServerFrame.encode(frame).finish());
  const post = (
    socket: ClientSocket<object>,
    requestId: number,
    { clientMessageId }: parley.v1.Send.$Properties,
  ): void => {
    const message = { conversation, sequence: log.length + 1, clientMessageId: clientMessageId ?? '' };
    log.push(message);
    tell(socket, { requestId, sent: message });
    sockets.forEach((one, index) => {
      if (!loses(message.sequence, index)) tell(one, { live: { messages: [message] } });
    });
  };
  transport.route<object>('/', limits, {
    upgrade: () => ({ isAccepted: true, subprotocol: 'parley.v1.protobuf', data: {} }),
    open: (socket) => void sockets.push(socket),
    message: (socket, bytes) => {
      const { requestId, hello, send, sync } = wire.ClientFrame.decode(bytes);
      const large = { conversation, head: log.length, diffusion: wire.Diffusion.DIFFUSION_READ };
      if (hello) tell(socket, { requestId, welcome: { conversations: [large] } });
      else if (send) post(socket, requestId, send);
      else if (sync) {
        const after = sync.cursors?.[0]?.sequence ?? 0;
        const page = { conversation, messages: log.slice(after), head: log.length };
        tell(socket, { requestId, syncPage: { logs: [page] } });
      }
    },
    close: () => undefined,
  });
  const { port } = await transport.listen({ host: '127.0.0.1', port: 0 });
  stopLast = () => transport.close();
  const announce = (): void => {
    for (const socket of sockets) tell(socket, { live: { heads: [{ conversation, sequence: log.length }] } });
  };
  return { port, log, sockets, announce };
}

function planFor({ port }: Server, pacing: LoadPlan['pacing']): LoadPlan {
  const people = groups({ groups: 1, members: 3, online: 3, senders: 1 });
  const tokenKeyPem = newTokenKey();
  const gateways = [{ host: '127.0.0.1', port }];
  return divide(people, { loaders: 1, gateways, tenant: 't', tokenKeyPem, pacing })[0]!;
}

const windowFromNow = () => {
  const startUs = nowUs();
  return { startUs, measureFromUs: startUs, measureToUs: startUs + windowUs };
};

/** Sends ten, one after the other; `beforeSettling` is called when all are acknowledged. */
async function sendTen(server: Server, beforeSettling: () => void = () => undefined): Promise<LoadReport> {
  const run = new LoadRun(planFor(server, { kind: 'closed', inFlight: 1, each: 10 }));
  try {
    await run.connect();
    const startUs = nowUs();
    const totals = await run.send({ startUs, measureFromUs: startUs, measureToUs: startUs + 60_000_000 });
    beforeSettling();
    return await run.settle(totals, quietMs);
  } finally {
    run.disconnect();
  }
}

it('a lost last message that is announced is fetched, as a real client would, and counted as a repair', async () => {
  const server = await serverThat((sequence, connection) => sequence === 10 && connection === 1);
  const report = await sendTen(server, () => server.announce());
  expect(report).toMatchObject({
    flaws: { lost: 0, duplicated: 0, outOfOrder: 0 },
    repairs: 1,
    unanswered: 0,
  });
  expect(report.lostExamples).toEqual([]);
});

it('a lost last message that nobody announces is lost, and the report says which it was and where', async () => {
  const server = await serverThat((sequence, connection) => sequence === 10 && connection === 1);
  const report = await sendTen(server);
  expect(report).toMatchObject({ flaws: { lost: 1 }, repairs: 0, unanswered: 0 });
  expect(report.lostExamples).toEqual([
    {
      what: 'delivery',
      user: expect.stringMatching(/^u/) as string,
      conversation,
      stream: 0,
      number: 9,
      acked: 10,
      sequence: 9,
      position: 0,
      isOpen: true,
    },
  ]);
});

it('a message that was due in the window and leaves after it is in the total of its sender', async () => {
  const server = await serverThat(() => false);
  const run = new LoadRun(planFor(server, { kind: 'open', perSecond: 2_000, seed: 1 }));
  try {
    await run.connect();
    const window = windowFromNow();
    const sending = run.send(window);
    // Busy until the window is over: its end is noticed before any of its times has come here.
    while (nowUs() < window.measureToUs + 5_000);
    const totals: readonly StreamTotal[] = await sending;
    const report = await run.settle(totals, quietMs);
    expect(totals[0]!.acked).toBeGreaterThan(0);
    expect(server.log).toHaveLength(totals[0]!.acked);
    expect(report).toMatchObject({ flaws: { lost: 0 }, unanswered: 0 });
  } finally {
    run.disconnect();
  }
});
