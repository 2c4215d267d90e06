// What every MessageTail does.
import type { MessageTail, TailLimits } from '@parley/adapters';
import { beforeEach, describe, expect, it } from 'vitest';
import { waitUntil } from '../servers/wait-until.ts';

const message = (sequence: number, text = `message ${sequence}`) => ({
  sequence,
  bytes: new TextEncoder().encode(text),
});
const run = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => message(from + i));
const limits: TailLimits = { messagesMax: 10, messageBytesMax: 100, ttlMs: 60_000 };

export function describeMessageTail(
  name: string,
  create: (limits: TailLimits) => Promise<MessageTail>,
): void {
  describe(`MessageTail: ${name}`, () => {
    let tail: MessageTail;
    beforeEach(async () => {
      tail = await create(limits);
    });

    const read = async (conversation: string, from: number, to: number, of = tail) => {
      const [messages] = await of.read('acme', [{ conversation, from, to }]);
      return messages!.map(({ sequence, bytes }) => `${sequence} ${new TextDecoder().decode(bytes)}`);
    };

    it('gives the wanted range, both ends included, rising', async () => {
      expect(await tail.append([{ tenant: 'acme', conversation: 'g.a', messages: run(1, 6) }])).toBe(true);
      expect(await read('g.a', 2, 4)).toEqual(['2 message 2', '3 message 3', '4 message 4']);
      expect(await read('g.a', 6, 99)).toEqual(['6 message 6']);
      expect(await read('g.a', 50, 99)).toEqual([]);
    });

    it('does not double what is appended again, in any order', async () => {
      await tail.append([{ tenant: 'acme', conversation: 'g.a', messages: run(3, 5) }]);
      await tail.append([{ tenant: 'acme', conversation: 'g.a', messages: run(1, 4) }]);
      expect(await read('g.a', 1, 9)).toEqual([1, 2, 3, 4, 5].map((n) => `${n} message ${n}`));
    });

    it('keeps one message a sequence: the one appended last', async () => {
      await tail.append([{ tenant: 'acme', conversation: 'g.a', messages: [message(1, 'old')] }]);
      await tail.append([{ tenant: 'acme', conversation: 'g.a', messages: [message(1, 'new')] }]);
      expect(await read('g.a', 1, 1)).toEqual(['1 new']);
    });

    it('replaces single messages between others, at any sequence', async () => {
      for (const first of [1, 2 ** 40]) {
        await tail.append([{ tenant: 'acme', conversation: `g.${first}`, messages: run(first, first + 2) }]);
        const again = [message(first, 'new'), message(first + 2, 'newer')];
        await tail.append([{ tenant: 'acme', conversation: `g.${first}`, messages: again }]);
        expect(await read(`g.${first}`, first, first + 9)).toEqual([
          `${first} new`,
          `${first + 1} message ${first + 1}`,
          `${first + 2} newer`,
        ]);
      }
    });

    it('keeps the newest of a conversation, also when older ones come later', async () => {
      await tail.append([{ tenant: 'acme', conversation: 'g.a', messages: run(1, 25) }]);
      await tail.append([{ tenant: 'acme', conversation: 'g.a', messages: run(1, 3) }]);
      expect((await read('g.a', 1, 99)).map((line) => parseInt(line))).toEqual(
        Array.from({ length: 10 }, (_, i) => 16 + i),
      );
    });

    it('leaves a hole for a message that is too large', async () => {
      const messages = [message(1), message(2, 'x'.repeat(101)), message(3)];
      expect(await tail.append([{ tenant: 'acme', conversation: 'g.a', messages }])).toBe(true);
      expect(await read('g.a', 1, 3)).toEqual(['1 message 1', '3 message 3']);
    });

    it('appends to and reads many conversations at once, each for itself', async () => {
      const names = Array.from({ length: 150 }, (_, i) => `g.c${i}`);
      await tail.append(
        names.map((conversation, i) => ({ tenant: 'acme', conversation, messages: run(1, 1 + (i % 5)) })),
      );
      const answers = await tail.read(
        'acme',
        names.map((conversation) => ({ conversation, from: 1, to: 9 })),
      );
      expect(answers.map((messages) => messages.length)).toEqual(names.map((_, i) => 1 + (i % 5)));
    });

    it('keeps tenants apart', async () => {
      await tail.append([{ tenant: 'acme', conversation: 'g.a', messages: run(1, 1) }]);
      expect(await tail.read('other', [{ conversation: 'g.a', from: 1, to: 9 }])).toEqual([[]]);
    });

    it('carries any bytes', async () => {
      const bytes = Uint8Array.from({ length: 100 }, (_, i) => (i * 37) % 256);
      await tail.append([{ tenant: 'acme', conversation: 'g.a', messages: [{ sequence: 1, bytes }] }]);
      const [messages] = await tail.read('acme', [{ conversation: 'g.a', from: 1, to: 1 }]);
      expect(Uint8Array.from(messages![0]!.bytes)).toEqual(bytes);
    });

    it('forgets a conversation that has been silent for the time to live', async () => {
      const short = await create({ ...limits, ttlMs: 150 });
      await short.append([{ tenant: 'acme', conversation: 'g.short', messages: run(1, 2) }]);
      expect(await read('g.short', 1, 9, short)).toHaveLength(2);
      await waitUntil(async () => (await read('g.short', 1, 9, short)).length === 0, {
        what: 'the tail to expire',
      });
    });
  });
}
