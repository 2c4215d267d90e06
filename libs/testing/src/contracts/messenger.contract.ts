// What every messenger does: carry messages between processes while they live, and say at once when nobody listens.
import { describe, expect, test } from 'vitest';
import type { Messenger } from '@parley/runtime';
import { type PortBench, bytesOf, textOf } from './port-bench.ts';

export function describeMessenger(name: string, bench: () => PortBench): void {
  describe(`Messenger: ${name}`, () => {
    const open = async () => ({
      subject: bench().freshName('test.subject'),
      own: (await bench().node('own')).messenger,
      other: (await bench().node('other')).messenger,
    });

    /**
     * Interest travels between servers after the flush, and what is published before it arrives is lost, as the port says.
     * It travels in order: when a later subscription of `to` answers, `from` reaches the earlier ones too.
     */
    const reaches = async (from: Messenger, to: Messenger): Promise<void> => {
      const subject = bench().freshName('test.reaches');
      const probe = to.subscribe(subject, (_bytes, respond) => respond(bytesOf('here')));
      await to.flush();
      await bench().until('interest has travelled', async () => {
        const { outcome } = await from.request(subject, bytesOf('there?'), 1_000);
        return outcome === 'answered';
      });
      probe.stop();
    };

    test('published messages reach every subscriber in their order', async () => {
      const { subject, own, other } = await open();
      const seen: string[][] = [[], []];
      const subscriptions = [own, other].map((messenger, i) =>
        messenger.subscribe(subject, (bytes) => void seen[i]?.push(textOf(bytes) ?? '')),
      );
      await own.flush();
      await reaches(own, other);
      const sent = Array.from({ length: 100 }, (_, i) => `${i}`);
      for (const text of sent) own.publish(subject, bytesOf(text));
      await bench().until('all have arrived', () => seen.every((each) => each.length === sent.length));
      expect(seen).toEqual([sent, sent]);
      for (const subscription of subscriptions) subscription.stop();
    });

    test('wildcards match as in NATS, and the concrete subject is told', async () => {
      const { subject, own, other } = await open();
      const seen: string[] = [];
      const one = own.subscribe(
        `${subject}.*`,
        (_bytes, _respond, concrete) => void seen.push(`* ${concrete}`),
      );
      const rest = own.subscribe(
        `${subject}.>`,
        (_bytes, _respond, concrete) => void seen.push(`> ${concrete}`),
      );
      await reaches(other, own);
      for (const tail of ['', '.a', '.a.b']) other.publish(`${subject}${tail}`, bytesOf('x'));
      await bench().until('all have arrived', () => seen.length === 3);
      expect(seen.toSorted()).toEqual([`* ${subject}.a`, `> ${subject}.a`, `> ${subject}.a.b`]);
      one.stop();
      rest.stop();
    });

    test('a request is answered', async () => {
      const { subject, own, other } = await open();
      const subscription = other.subscribe(subject, (bytes, respond) =>
        respond(bytesOf(`${textOf(bytes)}!`)),
      );
      await reaches(own, other);
      const result = await own.request(subject, bytesOf('hello'), 2_000);
      expect(result.outcome === 'answered' ? textOf(result.bytes) : result.outcome).toBe('hello!');
      subscription.stop();
    });

    test('many requests at the same time each get their own answer', async () => {
      const { subject, own, other } = await open();
      const subscription = other.subscribe(subject, (bytes, respond) => {
        const copy = bytes.slice();
        queueMicrotask(() => respond(copy));
      });
      await reaches(own, other);
      const answers = await Promise.all(
        Array.from({ length: 200 }, async (_, i) => {
          const result = await own.request(subject, bytesOf(`${i}`), 5_000);
          return result.outcome === 'answered' && textOf(result.bytes) === `${i}`;
        }),
      );
      expect(answers.every(Boolean)).toBe(true);
      subscription.stop();
    });

    test('a request to nobody says so at once', async () => {
      const { subject, own, other } = await open();
      const startedMs = performance.now();
      expect(await own.request(subject, bytesOf('hello'), 5_000)).toEqual({ outcome: 'no-responders' });
      expect(performance.now() - startedMs).toBeLessThan(1_000);
      const subscription = other.subscribe(subject, () => undefined);
      subscription.stop();
      await other.flush();
      expect(await own.request(subject, bytesOf('hello'), 5_000)).toEqual({ outcome: 'no-responders' });
    });

    test('a request that nobody answers ends by its timeout', async () => {
      const { subject, own, other } = await open();
      const subscription = other.subscribe(subject, () => undefined);
      await reaches(own, other);
      let outcome: string | undefined;
      void own.request(subject, bytesOf('hello'), 100).then((result) => (outcome = result.outcome));
      await bench().until('the request ends', () => outcome !== undefined);
      expect(outcome).toBe('timeout');
      subscription.stop();
    });

    test('answering a message that wants no answer does nothing', async () => {
      const { subject, own, other } = await open();
      let count = 0;
      const subscription = other.subscribe(subject, (_bytes, respond) => {
        count++;
        respond(bytesOf('unwanted'));
      });
      await reaches(own, other);
      own.publish(subject, bytesOf('hello'));
      await bench().until('it has arrived', () => count > 0);
      expect(count).toBe(1);
      subscription.stop();
    });

    test('a stopped subscription hears nothing more', async () => {
      const { subject, own, other } = await open();
      let stopped = 0;
      let running = 0;
      const first = other.subscribe(subject, () => void stopped++);
      const second = other.subscribe(subject, () => void running++);
      await other.flush();
      first.stop();
      first.stop();
      await reaches(own, other);
      own.publish(subject, bytesOf('hello'));
      await bench().until('the other subscription hears it', () => running === 1);
      expect(stopped).toBe(0);
      second.stop();
    });

    test('says that it is connected', async () => {
      const { own } = await open();
      expect(own.isConnected).toBe(true);
    });
  });
}
