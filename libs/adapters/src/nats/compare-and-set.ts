// One fenced write of a key: stored only if the key's last message is still the expected one.
import type { WriteResult } from '@parley/runtime';
import { setTimeout as delay } from 'node:timers/promises';
import { natsApiCode, natsApiCodes } from './nats-errors.ts';
import type { NatsChannel } from './nats-link.ts';

/** A write that meets another one in flight is tried again this often, then rejects. */
const inFlightTriesMax = 10;
const inFlightPauseMs = 20;

/** Rejects when it cannot tell. `ttlMs` in effect in whole seconds. */
export async function compareAndSet(
  channel: NatsChannel,
  subject: string,
  value: Uint8Array,
  expectedSequence: number,
  ttlMs?: number,
): Promise<WriteResult> {
  for (let tries = 1; ; tries++) {
    try {
      // By a raw publish: the client library's `update` would make an entry with a time to live permanent.
      const ack = await channel.whileConnected(() =>
        channel.js.publish(subject, value, {
          expect: { lastSubjectSequence: expectedSequence },
          ...(ttlMs === undefined ? {} : { ttl: seconds(ttlMs) }),
          retries: 1,
        }),
      );
      return { outcome: 'written', revision: ack.seq };
    } catch (cause) {
      const code = natsApiCode(cause);
      if (code === natsApiCodes.wrongLastSequence) return { outcome: 'conflict' };
      if (code !== natsApiCodes.writeInFlight || tries === inFlightTriesMax) throw cause;
      await delay(inFlightPauseMs);
    }
  }
}

/** The server counts times to live in whole seconds. */
export const seconds = (ttlMs: number): string => `${Math.ceil(ttlMs / 1000)}s`;
