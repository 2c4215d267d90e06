// Everything in a bucket, by an ephemeral consumer: no limit on the number of keys, one round trip and the data.
import type { KeyValueEntry } from '@parley/runtime';
import { bucketStream, isDeletion, subjectKey } from './bucket-stream.ts';
import type { NatsChannel } from './nats-link.ts';
import { StreamReader } from './stream-reader.ts';

/** A list that takes longer rejects. */
const listTimeoutMs = 10_000;

export function listBucket(channel: NatsChannel, bucket: string): Promise<readonly KeyValueEntry[]> {
  const entries = new Map<string, KeyValueEntry>();
  return new Promise((resolve, reject) => {
    const timeout = setTimeout(() => {
      reader.stop();
      reject(new Error(`bucket ${bucket}: no complete list within ${listTimeoutMs} ms`));
    }, listTimeoutMs);
    const reader = new StreamReader({
      channel,
      stream: bucketStream(bucket),
      filter: `$KV.${bucket}.>`,
      start: 'last-per-subject',
      onMessage: (message, revision) => {
        const key = subjectKey(bucket, message.subject);
        if (isDeletion(message.headers)) entries.delete(key);
        else entries.set(key, { key, value: message.data.slice(), revision });
      },
      onCaughtUp: () => {
        clearTimeout(timeout);
        reader.stop();
        resolve([...entries.values()]);
      },
    });
  });
}
