// What becomes of a process's connections to NATS, as log lines: the same words in every process.
import type { Log } from '@parley/runtime';
import type { NatsStatus } from './nats-link.ts';

const good = new Set<NatsStatus['state']>(['connected', 'reconnected', 'closed']);

/** For `onStatus` of connectNats. */
export const natsStatusLog =
  (log: Log) =>
  ({ state, connection, message }: NatsStatus): void =>
    log[good.has(state) ? 'info' : 'warn']({ context: connection, reason: message }, `nats ${state}`);
