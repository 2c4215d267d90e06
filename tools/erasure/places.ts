// The places where a plain copy of something could lie, besides the history store: every stream and bucket of JetStream, the tails
// in Redis, and every file below a folder. Nothing is changed anywhere.
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { type NatsLink, StreamReader } from '@parley/adapters';
import { Redis } from 'ioredis';
import type { Phrases } from './phrases.ts';

export interface Looked {
  /** What was looked into: messages, members, files. */
  readonly looked: number;
  readonly found: readonly { readonly place: string; readonly count: number }[];
}

/** A stream that brings nothing for so long is given up. */
const streamLimitMs = 600_000;

export async function lookIntoStreams(link: NatsLink, phrases: Phrases): Promise<Looked> {
  const found = new Map<string, number>();
  let looked = 0;
  for await (const { config, state } of link.bulk.jsm.streams.list()) {
    if (state.messages === 0) continue;
    await eachMessage(link, config.name, (bytes) => {
      looked++;
      if (phrases.isIn(bytes)) found.set(config.name, (found.get(config.name) ?? 0) + 1);
    });
  }
  return { looked, found: listOf(found) };
}

function eachMessage(link: NatsLink, stream: string, onBytes: (bytes: Uint8Array) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = setTimeout(() => {
      reader.stop();
      reject(new Error(`stream ${stream} was not read within ${streamLimitMs} ms`));
    }, streamLimitMs);
    const reader = new StreamReader({
      channel: link.bulk,
      stream,
      filter: '>',
      start: { afterSequence: 0 },
      onMessage: ({ data }) => onBytes(data),
      onCaughtUp: () => {
        clearTimeout(end);
        reader.stop();
        resolve();
      },
    });
  });
}

export async function lookIntoRedis(url: string, phrases: Phrases): Promise<Looked> {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 1 });
  // Its own answer says what is wrong.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    const found = new Map<string, number>();
    let looked = 0;
    for (let cursor = '0', isFirst = true; isFirst || cursor !== '0'; isFirst = false) {
      const [next, keys] = await redis.scan(cursor, 'COUNT', 500);
      cursor = next;
      for (const key of keys) {
        const values = await valuesOf(redis, key);
        looked += values.length;
        const hits = values.filter((value) => phrases.isIn(value)).length;
        if (hits > 0) found.set(`redis ${key}`, hits);
      }
    }
    return { looked, found: listOf(found) };
  } finally {
    redis.disconnect();
  }
}

async function valuesOf(redis: Redis, key: string): Promise<Buffer[]> {
  const type = await redis.type(key);
  if (type === 'zset') return redis.zrangeBuffer(key, '0', '-1');
  if (type === 'hash') return redis.hvalsBuffer(key);
  if (type === 'list') return redis.lrangeBuffer(key, 0, -1);
  if (type === 'set') return redis.smembersBuffer(key);
  const value = type === 'string' ? await redis.getBuffer(key) : null;
  return value === null ? [] : [value];
}

const pieceBytes = 4 * 1024 * 1024;

/** Files that go away while they are read have nothing any more. */
export async function lookIntoFiles(folder: string, phrases: Phrases): Promise<Looked> {
  const found = new Map<string, number>();
  let looked = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    const isThere = await hasPhrase(file, phrases);
    if (isThere === undefined) continue;
    looked++;
    if (isThere) found.set(path.relative(folder, file), 1);
  }
  return { looked, found: listOf(found) };
}

async function hasPhrase(file: string, phrases: Phrases): Promise<boolean | undefined> {
  const handle = await open(file).catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const buffer = Buffer.alloc(pieceBytes);
    for (let kept = 0; ;) {
      const { bytesRead } = await handle.read(buffer, kept, pieceBytes - kept);
      if (bytesRead === 0) return false;
      const filled = kept + bytesRead;
      if (phrases.isIn(buffer.subarray(0, filled))) return true;
      kept = Math.min(phrases.overlap, filled);
      buffer.copyWithin(0, filled - kept, filled);
    }
  } finally {
    await handle.close();
  }
}

const listOf = (found: ReadonlyMap<string, number>) => [...found].map(([place, count]) => ({ place, count }));
