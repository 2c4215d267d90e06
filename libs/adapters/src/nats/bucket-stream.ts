// How a key-value bucket looks as a stream. The layout is the one of NATS KV (ADR-8), so that the `nats kv` command
// shows our buckets; the client library's own KV is not used, because its `update` drops the time to live.
import { type JetStreamManager, DiscardPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { type MsgHdrs, headers, nanos } from '@nats-io/nats-core';
import { assert } from '@parley/std';
import { ensureStream } from './ensure-stream.ts';

/** Marks of deletion and of expiry go away after this; a watch that was deaf for longer finds out by listing. */
export const deleteMarkerTtlMs = 60_000;

const operationHeader = 'KV-Operation';
const markerReasonHeader = 'Nats-Marker-Reason';
const keyPattern = /^[-/=\w]+(\.[-/=\w]+)*$/;

export const bucketStream = (bucket: string): string => `KV_${bucket}`;

export function keySubject(bucket: string, key: string): string {
  assert(keyPattern.test(key), `key ${key} has characters that a bucket cannot hold`);
  return `$KV.${bucket}.${key}`;
}

export const subjectKey = (bucket: string, subject: string): string => subject.slice(`$KV.${bucket}.`.length);

export async function ensureBucket(jsm: JetStreamManager, bucket: string, replicas: number): Promise<void> {
  await ensureStream(jsm, {
    name: bucketStream(bucket),
    subjects: [`$KV.${bucket}.>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    num_replicas: replicas,
    max_msgs_per_subject: 1,
    max_msgs: -1,
    max_age: 0,
    deny_delete: true,
    allow_rollup_hdrs: true,
    allow_direct: true,
    allow_msg_ttl: true,
    subject_delete_marker_ttl: nanos(deleteMarkerTtlMs),
  });
}

export function deletionHeaders(): MsgHdrs {
  const deletion = headers();
  deletion.set(operationHeader, 'DEL');
  return deletion;
}

/** Whether a stored message says that its key is gone: deleted by us, or expired by the server. */
export function isDeletion(messageHeaders: MsgHdrs | undefined): boolean {
  if (messageHeaders === undefined) return false;
  return messageHeaders.has(operationHeader) || messageHeaders.has(markerReasonHeader);
}
