import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clientMessageIdPattern } from '../ids.ts';
import { internal, wire } from '../messages.ts';
import { frameCodecs } from './index.ts';
import { readPlainSend } from './plain-send.ts';

const send = {
  conversation: 'd.alice.bob',
  clientMessageId: 'm-2',
  text: '你好',
  afterClientMessageId: 'm-1',
};
const encode = (requestId: number, fields: typeof send) =>
  wire.ClientFrame.encode({ requestId, send: fields }).finish();

/** The command a gateway makes of the parts. */
function commandOf(frame: Uint8Array) {
  const plain = readPlainSend(frame);
  if (plain === undefined) return undefined;
  const sender = internal.PostMessage.encode({ sender: 'alice' }).finish();
  const fields = frame.subarray(plain.fieldsStart, plain.fieldsEnd);
  return {
    requestId: plain.requestId,
    conversation: Buffer.from(frame.subarray(plain.conversationStart, plain.conversationEnd)).toString(),
    textBytes: plain.textBytes,
    postMessage: Buffer.concat([sender, fields]),
  };
}

describe('plain sends', () => {
  test('become the bytes that decoding and encoding would give', () => {
    const id = fc.stringMatching(clientMessageIdPattern);
    const fields = fc.record({
      conversation: fc.string({ minLength: 1, maxLength: 150, unit: 'grapheme-ascii' }),
      clientMessageId: id,
      text: fc.string({ minLength: 1, maxLength: 400, unit: 'binary' }),
      afterClientMessageId: fc.oneof(fc.constant(''), id),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 - 1 }), fields, (requestId, given) => {
        const { conversation, ...rest } = given;
        expect(commandOf(encode(requestId, given))).toEqual({
          requestId,
          conversation,
          textBytes: Buffer.byteLength(given.text),
          postMessage: Buffer.from(internal.PostMessage.encode({ sender: 'alice', ...rest }).finish()),
        });
      }),
    );
  });

  test.each([
    ['without a request id', encode(0, send)],
    ['without a conversation', encode(1, { ...send, conversation: '' })],
    ['without an id', encode(1, { ...send, clientMessageId: '' })],
    ['with a bad id', encode(1, { ...send, clientMessageId: 'a b' })],
    ['with a bad predecessor', encode(1, { ...send, afterClientMessageId: 'é' })],
    ['with a long id', encode(1, { ...send, clientMessageId: 'm'.repeat(65) })],
    ['without a text', encode(1, { ...send, text: '' })],
    ['that are another frame', wire.ClientFrame.encode({ requestId: 1, ping: {} }).finish()],
    ['with something behind', Buffer.concat([encode(1, send), encode(1, send)])],
    ['with the request id behind', Buffer.concat([encode(0, send), Buffer.from([0x08, 0x01])])],
    [
      'whose text is no UTF-8',
      Buffer.from(encode(1, send)).fill(0xff, encode(1, send).length - 8, encode(1, send).length - 6),
    ],
  ])('frames %s are left to the decoder', (_name, frame) => {
    expect(readPlainSend(frame)).toBeUndefined();
  });

  test('damaged frames are never taken for more than the decoder would take them for', () => {
    const frame = Buffer.from(encode(300, send));
    const codec = frameCodecs['parley.v1.protobuf'];
    fc.assert(
      fc.property(fc.nat(frame.length - 1), fc.nat(255), fc.nat(frame.length), (at, byte, end) => {
        const damaged = Buffer.from(frame.subarray(0, end));
        if (at < damaged.length) damaged[at] = byte;
        const plain = commandOf(damaged);
        // Who takes a plain send knows the conversation's bytes, so only ids get through.
        if (plain === undefined || !/^[ -~]+$/.test(plain.conversation)) return;
        const decoded = codec.decodeClient(damaged);
        expect(decoded.ok && decoded.value.requestId).toBe(plain.requestId);
        const { conversation, ...rest } = (decoded.ok ? decoded.value.send : undefined)!;
        expect(conversation).toBe(plain.conversation);
        expect(plain.postMessage).toEqual(
          Buffer.from(internal.PostMessage.encode({ sender: 'alice', ...rest }).finish()),
        );
      }),
      { numRuns: 2_000 },
    );
  });
});
