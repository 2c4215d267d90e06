// Both frame codecs: golden frames, agreement with the schema, joined bytes against the plain encoder, malformed input.
import path from 'node:path';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import { wire } from '../messages.ts';
import { type FieldShape, clientBodies } from './client-frame-json.ts';
import { turnOf } from './entry-turn.ts';
import { frameCodecs } from './index.ts';

const binary = frameCodecs['parley.v1.protobuf'];
const json = frameCodecs['parley.v1.json'];
const text = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const entry = (fields: Parameters<typeof wire.Entry.encode>[0]) => wire.Entry.encode(fields).finish();
const decoded = (frame: Uint8Array | string) =>
  wire.ServerFrame.toObject(wire.ServerFrame.decode(frame as Uint8Array));

const message = {
  conversation: 'd.alice.bob',
  sequence: 7,
  sender: 'alice',
  clientMessageId: 'm1',
  sentAtMs: 1_790_000_000_000,
  text: '你好',
};

describe('sync pages', () => {
  const readMoved = { conversation: 'd.alice.bob', sequence: 300, unread: 2 };
  const page = {
    inboxPosition: 400,
    more: true,
    logs: [{ conversation: 'g.big', messages: [message], head: 9 }],
  };
  const entries = [
    { position: 1, message, diffusion: 1, left: true, title: 'Room' },
    { position: 200, message: { ...message, sequence: 70_000, text: 'x'.repeat(20_000) } },
    { position: 300, readMoved },
  ];
  const encoded = entries.map(({ position, message: each, ...more }) => ({
    position,
    message: each && wire.Message.encode(each).finish(),
    more: Object.keys(more).length > 0 ? more : undefined,
  }));

  for (const codec of [binary, json]) {
    for (const requestId of [1, 70_000]) {
      test(`in ${codec.subprotocol} with kept messages say what a page of decoded ones says, request ${requestId}`, () => {
        const frame = codec.decodeServer(Buffer.from(codec.syncPage(requestId, page, encoded)));
        const expected = codec.decodeServer(
          Buffer.from(codec.encodeServer({ requestId, syncPage: { ...page, entries } })),
        );
        expect(frame.ok).toBe(true);
        expect(frame).toEqual(expected);
        const empty = codec.decodeServer(Buffer.from(codec.syncPage(requestId, {}, [])));
        expect(empty.ok && empty.value.body).toBe('syncPage');
      });
    }
  }
});

describe('frames from clients', () => {
  const send = {
    requestId: 5,
    send: { conversation: 'g.room', clientMessageId: 'm-1', text: 'hi', afterClientMessageId: '' },
  };

  for (const codec of [binary, json]) {
    test(`${codec.subprotocol} reads what it wrote`, () => {
      const frame = codec.decodeClient(Buffer.from(codec.encodeClient(send)));
      expect(frame.ok && frame.value.body).toBe('send');
      expect(frame.ok && frame.value.requestId).toBe(5);
      expect(frame.ok && frame.value.send).toMatchObject({
        conversation: 'g.room',
        clientMessageId: 'm-1',
        text: 'hi',
      });
    });

    test(`${codec.subprotocol} reads content, edits and recalls as it wrote them`, () => {
      const ids = { conversation: 'g.room', clientMessageId: 'm-1' };
      const location = { latitude: 59.33, longitude: -18.06, name: 'Home' };
      const rich = { location, mentions: ['ann'], mentionsAll: true, replyTo: { sequence: 3 } };
      for (const body of [
        { send: { ...ids, rich } },
        { edit: { ...ids, sequence: 3, text: 'new', mentions: ['ann'] } },
        { recall: { ...ids, sequence: 3 } },
      ]) {
        const frame = codec.decodeClient(Buffer.from(codec.encodeClient({ requestId: 1, ...body })));
        expect(frame.ok && frame.value).toMatchObject(body);
      }
    });

    test(`${codec.subprotocol} tells a frame without a known body from a malformed one`, () => {
      const empty = codec.decodeClient(
        codec.isBinary ? new Uint8Array([0x08, 0x05]) : text({ requestId: 5, dance: {} }),
      );
      expect(empty).toEqual({ ok: false, error: 'UNKNOWN_FRAME' });
      const broken = codec.decodeClient(
        codec.isBinary ? new Uint8Array([0x08, 0x05, 0x1a, 0x7f]) : text('{"send":'),
      );
      expect(broken).toEqual({ ok: false, error: 'BAD_FRAME' });
    });

    test(`${codec.subprotocol} never throws on arbitrary bytes`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          codec.decodeClient(bytes);
          codec.decodeServer(bytes);
          expect(codec.peekRequestId(bytes)).toBeGreaterThanOrEqual(0);
        }),
        { numRuns: 500 },
      );
    });

    test(`${codec.subprotocol} never throws on a damaged frame`, () => {
      const good = Buffer.from(
        codec.encodeClient({
          requestId: 9,
          hello: { token: 't', deviceId: 'd', cursors: [{ conversation: 'g.a', sequence: 3 }] },
        }),
      );
      fc.assert(
        fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, byte, cut) => {
          const bytes = Buffer.from(good.subarray(0, cut));
          if (at < bytes.length) bytes[at] = byte;
          codec.decodeClient(bytes);
        }),
        { numRuns: 500 },
      );
    });

    test(`${codec.subprotocol} finds the request id of a frame it cannot read`, () => {
      const broken = codec.isBinary
        ? new Uint8Array([0x08, 0xac, 0x02, 0x1a, 0x7f])
        : text('{ "requestId": 300, "send": [');
      expect(codec.peekRequestId(broken)).toBe(300);
    });
  }

  test('JSON takes 64-bit integers as numbers and strings, and both spellings of names', () => {
    for (const ack of [{ inboxPosition: 12 }, { inboxPosition: '12' }, { inbox_position: '12' }]) {
      const frame = json.decodeClient(text({ requestId: '4', ack }));
      expect(frame.ok && frame.value.ack?.inboxPosition).toBe(12);
      expect(frame.ok && frame.value.requestId).toBe(4);
    }
  });

  test.each([
    ['a wrong type', { send: { text: 5 } }],
    ['a list instead of an object', { send: [] }],
    ['two members of the oneof', { ping: {}, typing: {} }],
    ['a negative position', { ack: { inboxPosition: -1 } }],
    ['a fraction', { ack: { inboxPosition: 1.5 } }],
    ['a position beyond 2^53-1', { ack: { inboxPosition: '9007199254740993' } }],
    ['no object', 'null'],
    ['a list of the wrong kind', { presenceQuery: { users: 'alice' } }],
    ['an attachment that is no object', { send: { rich: { image: 'media/1' } } }],
    ['a place that is no number', { send: { rich: { location: { latitude: 'north' } } } }],
    ['a mention that is no text', { edit: { mentions: [7] } }],
    ['a recall of a fraction', { recall: { sequence: 1.5 } }],
  ])('JSON refuses %s as malformed', (_, frame) => {
    expect(json.decodeClient(text(frame))).toEqual({ ok: false, error: 'BAD_FRAME' });
  });

  test('binary refuses a position beyond 2^53-1 as malformed', () => {
    const bytes = wire.ClientFrame.encode({
      requestId: 1,
      read: { conversation: 'g.a', sequence: 2 ** 60 },
    }).finish();
    expect(binary.decodeClient(bytes)).toEqual({ ok: false, error: 'BAD_FRAME' });
  });

  test.each([
    ['edit', { edit: { conversation: 'g.a', sequence: 2 ** 60 } }],
    ['recall', { recall: { conversation: 'g.a', sequence: 2 ** 60 } }],
    ['size', { send: { rich: { file: { ref: 'm', sizeBytes: 2 ** 60 } } } }],
    ['answer', { send: { rich: { replyTo: { sequence: 2 ** 60 } } } }],
  ])('binary refuses a number beyond 2^53-1 in content: %s', (_, body) => {
    const bytes = wire.ClientFrame.encode({ requestId: 1, ...body }).finish();
    expect(binary.decodeClient(bytes)).toEqual({ ok: false, error: 'BAD_FRAME' });
  });

  test('text that is not UTF-8 is malformed', () => {
    expect(json.decodeClient(new Uint8Array([0x7b, 0xff, 0x7d]))).toEqual({ ok: false, error: 'BAD_FRAME' });
  });

  test('the JSON table has every field of the schema', async () => {
    const root = new protobuf.Root();
    root.resolvePath = (_, target) => path.resolve(import.meta.dirname, '../../../../proto', target);
    await root.load('parley/v1/frames.proto', { keepCase: false });
    const shapeOf = (type: protobuf.Type): Record<string, FieldShape> =>
      Object.fromEntries(
        // What gateways seal never comes from a client: in JSON nobody can even say it.
        type.fieldsArray
          .filter(({ name }) => name !== 'sealed')
          .map((field) => {
            field.resolve();
            const kind =
              field.resolvedType instanceof protobuf.Type
                ? shapeOf(field.resolvedType)
                : (field.type as 'string');
            return [field.name, field.repeated ? { kind, isRepeated: true } : { kind }];
          }),
      );
    const bodies = shapeOf(root.lookupType('parley.v1.ClientFrame'));
    delete bodies['requestId'];
    expect(clientBodies).toEqual(
      Object.fromEntries(Object.entries(bodies).map(([name, { kind }]) => [name, kind])),
    );
  });
});

describe('frames to clients', () => {
  const sent = wire.ServerFrame.encode({
    sent: { conversation: 'd.a.b', clientMessageId: 'm1', sequence: 3, sentAtMs: 1_790_000_000_000 },
  }).finish();

  test('a reply gets its request id in front of the encoded body', () => {
    expect(decoded(binary.reply(70_000, sent))).toMatchObject({ requestId: 70_000, sent: { sequence: 3 } });
    expect(binary.reply(0, sent)).toBe(sent);
    expect(json.reply(70_000, sent)).toBe(
      '{"requestId":70000,"sent":{"conversation":"d.a.b","clientMessageId":"m1","sequence":"3","sentAtMs":"1790000000000"}}',
    );
  });

  test('joined Deliver frames are what the plain encoder would have written, whatever the sizes', () => {
    const sizes = fc.array(fc.record({ position: fc.maxSafeNat(), size: fc.nat(70_000) }), { maxLength: 6 });
    fc.assert(
      fc.property(sizes, (wanted) => {
        const entries = wanted.map(({ position, size }) => ({
          position: position + 1,
          text: 'x'.repeat(size),
        }));
        const frame = binary.deliver(
          entries.map((each) => ({
            entry: binary.prepareEntry(entry({ message: { ...message, text: each.text } })),
            position: each.position,
          })),
        );
        const read = wire.ServerFrame.decode(frame as Uint8Array).deliver?.entries ?? [];
        expect(read.map(({ position }) => position)).toEqual(entries.map(({ position }) => position));
        expect(read.map((each) => each.message?.text ?? '')).toEqual(entries.map((each) => each.text));
      }),
      { numRuns: 30 },
    );
  });

  test('a Deliver frame in JSON has positions as strings and enums by name', () => {
    const prepared = json.prepareEntry(
      entry({ message, diffusion: wire.Diffusion.DIFFUSION_READ, title: 'Room' }),
    );
    const frame = JSON.parse(
      json.deliver([
        { entry: prepared, position: 41 },
        { entry: json.prepareEntry(entry({})), position: 42 },
      ]) as string,
    );
    expect(frame).toEqual({
      deliver: {
        entries: [
          {
            position: '41',
            message: { ...message, sequence: '7', sentAtMs: '1790000000000' },
            diffusion: 'DIFFUSION_READ',
            title: 'Room',
          },
          { position: '42' },
        ],
      },
    });
  });

  test('joined Live payloads are one Live frame', () => {
    const payloads = [
      wire.Live.encode({ messages: [message] }).finish(),
      wire.Live.encode({ messages: [{ ...message, sequence: 8 }] }).finish(),
      wire.Live.encode({ heads: [{ conversation: 'g.room', sequence: 8 }] }).finish(),
    ];
    const live = wire.ServerFrame.decode(binary.live(payloads) as Uint8Array).live;
    expect(live?.messages?.map(({ sequence }) => sequence)).toEqual([7, 8]);
    expect(live?.heads).toHaveLength(1);
    expect(JSON.parse(json.live(payloads) as string).live.messages).toHaveLength(2);
  });

  for (const codec of [binary, json]) {
    test(`${codec.subprotocol}: the client reads what the server wrote`, () => {
      const frame = codec.decodeServer(
        codec.encodeServer({ requestId: 2, pong: { inboxPosition: 9, serverTimeMs: 5 } }),
      );
      expect(frame.ok && frame.value.body).toBe('pong');
      expect(frame.ok && frame.value.pong?.inboxPosition).toBe(9);
    });
  }
});

describe('turnOf', () => {
  test('finds the entries that change how a conversation reaches the user', () => {
    expect(turnOf(entry({ message }))).toBeUndefined();
    expect(turnOf(entry({ readMoved: { conversation: 'g.a', sequence: 3 } }))).toBeUndefined();
    expect(turnOf(entry({ message: { ...message, conversation: 'g.a' }, left: true }))).toEqual({
      conversation: 'g.a',
      sequence: 7,
      diffusion: 0,
      left: true,
    });
    expect(
      turnOf(entry({ message: { ...message, conversation: 'g.a' }, diffusion: 2, title: 't' })),
    ).toMatchObject({ conversation: 'g.a', diffusion: 2 });
  });
});
