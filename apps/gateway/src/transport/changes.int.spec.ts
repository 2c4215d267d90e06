// Edits and recalls through real sockets, in both encodings, with a scripted owner behind: what becomes of the frames, and
// that pages show what a message is now, whichever copy of it is at hand.
import { UwsClientTransport } from '@parley/adapters';
import { type Subprotocol, errorBody, internal, type parley, wire } from '@parley/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import { type GatewayDouble, startGatewayDouble } from './gateway.double.ts';
import { SocketClient } from './socket-client.double.ts';

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

const conversation = 'd.alice.bob';
const sentAtMs = 1_790_000_000_000;
type Message = parley.v1.Message.$Properties;
const head = (sequence: number) => ({
  conversation,
  sequence,
  sender: 'alice',
  clientMessageId: `m${sequence}`,
  sentAtMs,
});
const text = (sequence: number): Message => ({ ...head(sequence), text: `text ${sequence}` });
const editOf = (target: number, sequence: number): Message => ({
  ...head(sequence),
  edited: { sequence: target, text: `edit by ${sequence}` },
});
const recallOf = (target: number, sequence: number): Message => ({
  ...head(sequence),
  recalled: { sequence: target },
});

interface Scene {
  readonly double: GatewayDouble;
  readonly client: SocketClient;
}

/** The owner has the messages of `memory`, and knows of `changes`; the Redis tail has those of `tail`. */
async function scene(
  {
    memory = [],
    changes = [],
    tail = [],
    forgetsChanges = false,
  }: {
    memory?: readonly Message[];
    changes?: readonly parley.internal.v1.Change.$Properties[];
    tail?: readonly Message[];
    forgetsChanges?: boolean;
  },
  subprotocol: Subprotocol = 'parley.v1.protobuf',
): Promise<Scene> {
  const double = await startGatewayDouble({ transport: await UwsClientTransport.load() });
  cleanUp.push(() => double.stop());
  const { owner } = double;
  owner.onQuery = (query) => {
    if (query.body === 'account') return { account: { exists: true } };
    if (query.body === 'head') return { head: { head: 9, isMember: true } };
    if (query.body !== 'log') return { error: errorBody('CONVERSATION_NOT_FOUND') };
    const { from, to } = query.log as parley.internal.v1.LogQuery;
    const messages = memory.filter(({ sequence }) => sequence! >= from && sequence! <= (to || 9));
    return {
      log: {
        messages: [...messages],
        head: 9,
        spans: [{ from: 1, to: 0 }],
        changes: [...changes],
        forgetsChanges,
      },
    };
  };
  owner.onCommand = () => ({ sent: { conversation, sequence: 9 } });
  await keep(double, tail);
  const client = await SocketClient.connect(double.port, { subprotocol });
  cleanUp.push(() => client.socket.terminate());
  await client.hello('acme/alice', { deviceId: 'phone' });
  return { double, client };
}

async function keep({ tail }: GatewayDouble, messages: readonly Message[]): Promise<void> {
  const encoded = messages.map((one) => ({
    sequence: one.sequence!,
    bytes: wire.Message.encode(one).finish(),
  }));
  if (encoded.length > 0) await tail.append([{ tenant: 'acme', conversation, messages: encoded }]);
}

const page = async (client: SocketClient, after: number, limit: number) => {
  const { historyPage } = await client.ask({ history: { conversation, after, limit } });
  return historyPage?.messages as parley.v1.Message[];
};

describe.each(['parley.v1.protobuf', 'parley.v1.json'] as const)('in %s', (subprotocol) => {
  test('an edit goes to the entity with its message, but not with its text', async () => {
    const { double, client } = await scene({ memory: [text(1), text(2)] }, subprotocol);
    const edit = { conversation, clientMessageId: 'e1', sequence: 2, text: 'new', mentions: ['bob'] };
    expect((await client.ask({ edit })).sent?.sequence).toBe(9);
    const record = double.owner.records.findLast(({ kind }) => kind === 'command')!;
    const { editMessage } = internal.DirectCommand.decode(record.payload);
    expect(editMessage).toMatchObject({ sender: 'alice', clientMessageId: 'e1', sequence: 2, text: 'new' });
    expect(editMessage?.mentions).toEqual(['bob']);
    expect(editMessage?.target).toMatchObject({ sequence: 2, sender: 'alice', sentAtMs, text: '' });
    expect(editMessage?.window?.ownMs).toBe(86_400_000);
  });

  test('a recall, and a send with content, reach the entity as they came', async () => {
    const { double, client } = await scene({ memory: [text(1)] }, subprotocol);
    await client.ask({ recall: { conversation, clientMessageId: 'r1', sequence: 1 } });
    const location = { latitude: 59.33, longitude: -18.06, name: 'Home' };
    const rich = { location, mentionsAll: true, replyTo: { sequence: 1 } };
    await client.ask({ send: { conversation, clientMessageId: 's1', rich } });
    const [recall, send] = double.owner.records
      .filter(({ kind }) => kind === 'command')
      .map(({ payload }) => internal.DirectCommand.decode(payload));
    expect(recall?.recallMessage).toMatchObject({ sequence: 1, window: { ownMs: 3_600_000 } });
    expect(send?.postMessage?.rich).toMatchObject({ location, mentionsAll: true, replyTo: { sequence: 1 } });
  });

  test('what is wrong with them is said before anything is asked', async () => {
    const { client } = await scene({ memory: [text(1)] }, subprotocol);
    const code = async (body: Parameters<SocketClient['ask']>[0]) => (await client.ask(body)).error?.code;
    const edit = { conversation, clientMessageId: 'e', sequence: 1, text: 'x' };
    expect(await code({ edit: { ...edit, clientMessageId: '' } })).toBe('BAD_ID');
    expect(await code({ edit: { ...edit, mentions: ['not an id'] } })).toBe('BAD_ID');
    expect(await code({ edit: { ...edit, conversation: 'x.y' } })).toBe('BAD_ID');
    expect(await code({ edit: { ...edit, text: 'x'.repeat(65_537) } })).toBe('TEXT_TOO_LARGE');
    expect(await code({ recall: { conversation: 'd.bob.cat', clientMessageId: 'r', sequence: 1 } })).toBe(
      'NOT_A_MEMBER',
    );
    const send = { conversation, clientMessageId: 's', text: 'x' };
    expect(await code({ send: { ...send, rich: { mentions: ['not an id'] } } })).toBe('BAD_ID');
    expect(await code({ send: { ...send, rich: { contactCard: { user: '' } } } })).toBe('BAD_ID');
    expect(await code({ send: { ...send, rich: { forwardedFrom: { conversation, sequence: 1 } } } })).toBe(
      'BAD_CONTENT',
    );
  });
});

test('a change whose message is gone reaches the entity, which knows whether it is a retry', async () => {
  const { double, client } = await scene({});
  expect(
    (await client.ask({ recall: { conversation, clientMessageId: 'r', sequence: 99 } })).sent?.sequence,
  ).toBe(9);
  const forwardedFrom = { conversation, sequence: 99 };
  await client.ask({ send: { conversation, clientMessageId: 's', rich: { forwardedFrom } } });
  const [recall, send] = double.owner.records
    .filter(({ kind }) => kind === 'command')
    .map(({ payload }) => internal.DirectCommand.decode(payload));
  expect(recall?.recallMessage?.target).toBeNull();
  expect(send?.postMessage?.rich?.forwardedFrom?.sender).toBe('');
});

describe('a page shows what a message is now', () => {
  const changes = [
    { target: 1, sequence: 7, atMs: sentAtMs + 7, isRecall: false },
    { target: 2, sequence: 8, atMs: sentAtMs + 8, isRecall: true },
  ];

  test('where Redis has the message from before, and the edit', async () => {
    const { client } = await scene({ tail: [text(1), text(2), text(3), editOf(1, 7)], changes });
    const [first, second, third] = await pageOfFirst(client, 3);
    expect(first).toMatchObject({ text: 'edit by 7', revision: 7, changedAtMs: sentAtMs });
    expect(second).toMatchObject({ text: '', isRecalled: true, revision: 8, changedAtMs: sentAtMs + 8 });
    expect(third).toMatchObject({ text: 'text 3', revision: 0 });
  });

  test('where the edit is in the memory of the owner alone', async () => {
    const { client } = await scene({ tail: [text(1), text(2), text(3)], memory: [editOf(1, 7)], changes });
    expect((await pageOfFirst(client, 3))[0]).toMatchObject({ text: 'edit by 7', revision: 7 });
  });

  test('and an edit whose message was recalled says nothing', async () => {
    const { client } = await scene({ tail: [editOf(2, 5), editOf(1, 7)], changes });
    const messages = await page(client, 4, 1);
    expect(messages[0]?.edited).toMatchObject({ sequence: 2 });
    expect(messages[0]?.edited?.text ?? '').toBe('');
  });

  test('where the cache of the gateway is older than what the owner remembers', async () => {
    const { double, client } = await scene({ tail: [text(1), text(2), text(3)], forgetsChanges: true });
    expect((await pageOfFirst(client, 3))[0]).toMatchObject({ text: 'text 1' });
    await keep(double, [{ ...text(1), text: 'new', revision: 5, changedAtMs: sentAtMs }]);
    expect((await pageOfFirst(client, 3))[0]).toMatchObject({ text: 'new', revision: 5 });
  });

  /** `after: 0` asks for the newest page: the first ones are asked for backwards. */
  const pageOfFirst = async (client: SocketClient, count: number) => {
    const { historyPage } = await client.ask({ history: { conversation, before: count + 1, limit: count } });
    return historyPage?.messages as parley.v1.Message[];
  };
});

test('entries of a sync are changed by what stands with them, and the cache learns of it', async () => {
  const { double, client } = await scene({
    tail: [text(1), text(2), editOf(2, 3), editOf(1, 4), recallOf(2, 5)],
  });
  const asked = double.owner.onQuery;
  const entries = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => ({
      position: from + index,
      conversation,
      sequence: from + index,
    }));
  double.owner.onQuery = (query) =>
    query.body === 'inbox'
      ? {
          inbox: {
            entries: entries((query.inbox?.after ?? 0) + 1, query.inbox?.after === 0 ? 2 : 5),
            position: 5,
          },
        }
      : asked(query);
  const sync = async (inboxPosition: number) =>
    ((await client.ask({ sync: { inboxPosition } })).syncPage?.entries ?? []).map(({ message }) => message);
  expect(await sync(0)).toMatchObject([{ text: 'text 1' }, { text: 'text 2' }]);
  const rest = await sync(2);
  expect(rest[0]?.edited?.text ?? '').toBe('');
  expect(rest[1]?.edited).toMatchObject({ sequence: 1, text: 'edit by 4' });
  expect(await sync(0)).toMatchObject([
    { text: 'edit by 4', revision: 4 },
    { text: '', isRecalled: true, revision: 5 },
  ]);
});
