// What retention has deleted, through a real socket: owner, Redis and the gateway itself still have it, and nobody sees it.
import { buckets, errorBody, internal, type parley, subjects, wire } from '@parley/protocol';
import { afterEach, expect, test } from 'vitest';
import { type GatewayDouble, startGatewayDouble } from './gateway.double.ts';
import { SocketClient } from './socket-client.double.ts';

const conversation = 'd.alice.bob';
const cutMs = 1_790_000_000_000;
const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

/** 1 to 3 are older than what the tenant keeps; 3 is on hold. */
const log = [1, 2, 3, 4, 5].map((sequence): parley.v1.Message.$Properties => ({
  conversation,
  sequence,
  sender: 'alice',
  clientMessageId: `m${sequence}`,
  sentAtMs: cutMs + (sequence - 4) * 1_000,
  text: `text ${sequence}`,
}));
const all = ['text 1', 'text 2', 'text 3', 'text 4', 'text 5'];
const left = ['expired', 'expired', 'text 3', 'text 4', 'text 5'];

async function scene(places: { readonly memory: boolean; readonly tail: boolean }) {
  const double = await startGatewayDouble();
  cleanUp.push(() => double.stop());
  const { owner } = double;
  owner.onQuery = (query) => {
    if (query.body === 'account') return { account: { exists: true } };
    if (query.body === 'head') return { head: { head: 5, isMember: true } };
    const entries = log.map(({ sequence }) => ({ position: sequence!, conversation, sequence: sequence! }));
    if (query.body === 'inbox') return { inbox: { entries, position: 5 } };
    if (query.body !== 'log') return { error: errorBody('CONVERSATION_NOT_FOUND') };
    const { from, to } = query.log as parley.internal.v1.LogQuery;
    const held = log.filter(({ sequence }) => sequence! >= from && sequence! <= (to || 5));
    return { log: { messages: places.memory ? held : [], head: 5, spans: [{ from: 1, to: 0 }] } };
  };
  const messages = log.map((one) => ({
    sequence: one.sequence!,
    bytes: wire.Message.encode(one).finish(),
  }));
  if (places.tail) await double.tail.append([{ tenant: 'acme', conversation, messages }]);
  const client = await SocketClient.connect(double.port, {});
  cleanUp.push(() => client.socket.terminate());
  await client.hello('acme/alice', { deviceId: 'phone' });
  return { double, client };
}

function answerHistory({ owner }: GatewayDouble): void {
  owner.messenger.subscribe(subjects.history('page'), (bytes, respond) => {
    const { from, to } = internal.HistoryPageRequest.decode(bytes);
    const messages = log
      .filter(({ sequence }) => sequence! >= from && sequence! <= to)
      .map((one) =>
        one.sequence! < 3 ? { conversation, sequence: one.sequence!, system: { expired: {} } } : one,
      );
    respond(internal.HistoryPageAnswer.encode({ messages, completeThrough: 5 }).finish());
  });
}

async function tell({ cluster }: GatewayDouble, beforeMs: number): Promise<void> {
  const bucket = await cluster.node('history').keyValues.bucket(buckets.deletions);
  await bucket.write('acme', Buffer.from(String(beforeMs)), 0);
}

const shown = (messages: readonly (parley.v1.Message.$Properties | null | undefined)[] | null | undefined) =>
  messages?.map((message) => (message?.system?.expired ? 'expired' : message?.text));
const page = async (client: SocketClient, before: number) =>
  shown((await client.ask({ history: { conversation, before, limit: 5 } })).historyPage?.messages);
const synced = async (client: SocketClient) =>
  shown((await client.ask({ sync: { inboxPosition: 0 } })).syncPage?.entries?.map(({ message }) => message));

test.each([
  ['the owner', { memory: true, tail: false }],
  ['Redis', { memory: false, tail: true }],
])('what %s still has is in pages and in the inbox no more than history has left it', async (_, places) => {
  const { double, client } = await scene({ ...places });
  // The gateway has seen it all itself.
  expect(await page(client, 6)).toEqual(all);
  if (places.tail) expect(await synced(client)).toEqual(all);
  answerHistory(double);
  await tell(double, cutMs);
  await expect.poll(() => page(client, 6)).toEqual(left);
  expect(await page(client, 6)).toEqual(left);
  expect(await synced(client)).toEqual(left);
});

test('while history is away, what may be deleted is an error, and what is newer is shown', async () => {
  const { double, client } = await scene({ memory: true, tail: true });
  await tell(double, cutMs);
  const ask = (before: number, limit: number) => client.ask({ history: { conversation, before, limit } });
  await expect.poll(async () => (await ask(4, 3)).error?.code).toBe('HISTORY_UNAVAILABLE');
  expect(shown((await ask(6, 2)).historyPage?.messages)).toEqual(['text 4', 'text 5']);
});
