// What is told of encoded messages, against the decoder.
import { type parley, wire } from '@parley/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isChange, sentAtMsOf } from './encoded-message.ts';

const contents = fc.oneof(
  fc.record({ text: fc.string() }),
  fc.constantFrom<parley.v1.Message.$Properties>(
    {},
    { system: { expired: {} } },
    { edited: { sequence: 3, text: 'new' } },
    { recalled: { sequence: 3 } },
    { rich: { mentions: ['bob'] } },
  ),
);

const heads = fc.record(
  {
    conversation: fc.string(),
    sequence: fc.nat(),
    sender: fc.string({ maxLength: 200 }),
    clientMessageId: fc.string(),
    sentAtMs: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  },
  { requiredKeys: [] },
);

it('an encoded message tells its time, and whether it is a change', () => {
  fc.assert(
    fc.property(heads, contents, (head, content) => {
      const bytes = wire.Message.encode({ ...head, ...content }).finish();
      expect(sentAtMsOf(bytes)).toBe(head.sentAtMs ?? 0);
      expect(isChange(bytes)).toBe('edited' in content || 'recalled' in content);
    }),
  );
});
