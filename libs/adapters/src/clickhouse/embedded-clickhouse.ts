// ClickHouse inside this process (chdb). The engine owns its folder: one process per folder, one folder per process.
// The process needs UV_THREADPOOL_SIZE of at least connections + 4: queries occupy libuv's pool, which files and DNS
// share. Where its environment names an http_proxy, no_proxy must name 127.0.0.1, or streams go there.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import chdb from 'chdb';
import { BoundedLane } from './bounded-lane.ts';
import {
  type ClickHouse,
  ClickHouseUnavailable,
  type DocumentFormat,
  type ExecuteOptions,
  type Row,
  type SelectLimits,
  type StreamLimits,
  clickHouseError,
  answerFormat,
  parseAnswer,
  withLimits,
  withStreamLimits,
} from './clickhouse.ts';
import { sqlText } from './literals.ts';
import { openLocalSink } from './local-sink.ts';

export interface EmbeddedOptions {
  /** The engine's own folder; the version it was written by is recorded beside it, in `<folder>.version`. */
  readonly folder: string;
  /** Memory of the engine as a whole. Default 2 GiB; without it the engine would take 90 % of the machine. */
  readonly memoryBytesMax?: number;
  /** Connections for SELECT; each runs one query at a time. Default 3. */
  readonly readers?: number;
  /** SELECTs that may wait for a connection; more are refused as unavailable. Default 200. */
  readonly waitingMax?: number;
  /** Connections for streams; when all are taken, one more is refused as unavailable. Default 2. */
  readonly streams?: number;
}

type Session = InstanceType<typeof chdb.Session>;

/** Rejects with one clear line when another process has the folder, or a newer engine wrote it. */
export async function openEmbeddedClickHouse(options: EmbeddedOptions): Promise<ClickHouse> {
  mkdirSync(options.folder, { recursive: true });
  refuseNewerFolder(options.folder);
  const memory = options.memoryBytesMax ?? 2 * 1024 ** 3;
  const first = openSession(options.folder, [
    `--max_server_memory_usage=${memory}`,
    `--mark_cache_size=${Math.floor(memory / 8)}`,
    `--index_mark_cache_size=${Math.floor(memory / 16)}`,
  ]);
  const open = (length: number) => Array.from({ length }, () => openSession(options.folder));
  const engine = new EmbeddedClickHouse({
    writer: first,
    long: openSession(options.folder),
    readers: open(options.readers ?? 3),
    streams: open(options.streams ?? 2),
    waitingMax: options.waitingMax ?? 200,
  });
  try {
    const [limit] = await engine.select(
      "SELECT toUInt64(value) FROM system.server_settings WHERE name = 'max_server_memory_usage'",
    );
    if (limit?.[0] !== memory)
      throw new Error(`the engine did not take its memory limit (${String(limit?.[0])})`);
    recordVersion(options.folder, await engine.version());
  } catch (cause) {
    await engine.close();
    throw cause;
  }
  return engine;
}

interface Sessions {
  /** Has the engine's settings, so it is the last to be closed. */
  readonly writer: Session;
  readonly long: Session;
  readonly readers: readonly Session[];
  readonly streams: readonly Session[];
  readonly waitingMax: number;
}

class EmbeddedClickHouse implements ClickHouse {
  readonly #writer: Session;
  readonly #writing: BoundedLane<Session>;
  readonly #long: BoundedLane<Session>;
  readonly #reading: BoundedLane<Session>;
  readonly #streaming: BoundedLane<Session>;

  constructor({ writer, long, readers, streams, waitingMax }: Sessions) {
    this.#writer = writer;
    this.#writing = new BoundedLane([writer], waitingMax);
    this.#long = new BoundedLane([long], waitingMax);
    this.#reading = new BoundedLane(readers, waitingMax);
    this.#streaming = new BoundedLane(streams, 0);
  }

  insert(table: string, columns: readonly string[], rows: Uint8Array): Promise<void> {
    return this.#writing.run(async (session) => {
      try {
        await session.insert({ table, columns, values: rows, format: 'TabSeparated' });
      } catch (cause) {
        throw clickHouseError(cause, `insert into ${table} failed`);
      }
    });
  }

  select(sql: string, limits?: SelectLimits): Promise<readonly Row[]> {
    return this.#reading.run(async (session) => {
      try {
        const format = answerFormat(limits);
        return parseAnswer((await session.queryAsync(withLimits(sql, limits), { format })).text(), limits);
      } catch (cause) {
        await discardRest(session);
        throw clickHouseError(cause, 'select failed');
      }
    });
  }

  stream(sql: string, format: DocumentFormat, limits: StreamLimits = {}): AsyncIterable<Uint8Array> {
    return this.#streaming.stream((session) => documentOf(session, { sql, format, limits }));
  }

  execute(sql: string, { isLong = false }: ExecuteOptions = {}): Promise<void> {
    return (isLong ? this.#long : this.#writing).run(async (session) => {
      try {
        await session.queryAsync(sql, { format: 'Null' });
      } catch (cause) {
        throw clickHouseError(cause, 'statement failed');
      }
    });
  }

  async version(): Promise<string> {
    const [row] = await this.select('SELECT version()');
    return String(row?.[0]);
  }

  async close(): Promise<void> {
    const others = [this.#reading, this.#streaming, this.#long];
    await Promise.all([...others, this.#writing].map((lane) => lane.close()));
    for (const session of others.flatMap((lane) => lane.all)) session.close();
    this.#writer.close();
    await chdb.drainPending();
  }
}

/**
 * The library's own streams are a document for each block of rows: a header again and again, a Parquet file after another. So
 * the engine writes one document to an address of this process, which it does as slowly as it is read.
 */
async function* documentOf(
  session: Session,
  { sql, format, limits }: { sql: string; format: DocumentFormat; limits: StreamLimits },
): AsyncGenerator<Uint8Array, void> {
  const sink = await openLocalSink(limits.signal);
  const insert = `INSERT INTO FUNCTION url(${sqlText(sink.url)}, ${sqlText(format)}) ${withStreamLimits(sql, limits)}`;
  const failed = (cause: unknown) => {
    throw limits.signal?.aborted
      ? new ClickHouseUnavailable('the stream was stopped')
      : clickHouseError(cause, 'stream failed');
  };
  const written = session.queryAsync(insert, { format: 'Null' }).then(() => undefined, failed);
  // Looked at below, whichever way this is left.
  written.catch(() => undefined);
  try {
    // A result without rows is never written.
    const body = await Promise.race([sink.body, written]);
    if (body === undefined) yield (await emptyDocument(session, sql, format)).bytes();
    else yield* orWhy(body, written);
    // An engine that fails half way closes the request as if it were whole; only its own word counts.
    sink.taken();
    await written;
  } finally {
    sink.close();
    await written.catch(() => undefined);
  }
}

/** A body that is cut off only says so; the query says why. */
async function* orWhy(body: AsyncIterable<Uint8Array>, written: Promise<void>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (cause) {
    await written;
    throw clickHouseError(cause, 'stream failed');
  }
}

const emptyDocument = (session: Session, sql: string, format: DocumentFormat) =>
  session
    .queryAsync(withStreamLimits(`SELECT * FROM (${sql}) LIMIT 0`), { format })
    .catch((cause: unknown) => {
      throw clickHouseError(cause, 'stream failed');
    });

/**
 * What a query had put out before it failed stays in its connection, and stands before the answer of the next one: rows of
 * somebody else (measured on 26.7). Another question takes it away. A connection that cannot be asked is closed for good.
 */
async function discardRest(session: Session): Promise<void> {
  for (let attempt = 0; attempt < discardsMax; attempt += 1) {
    try {
      await session.queryAsync('SELECT 1', { format: 'TabSeparated' });
      return;
    } catch {
      // Out of memory, perhaps: the next attempt may find some.
    }
  }
  session.close();
}

const discardsMax = 10;

function openSession(folder: string, connectionArgs: readonly string[] = []): Session {
  try {
    return new chdb.Session(folder, { connectionArgs });
  } catch (cause) {
    // The engine itself only says that it could not connect; its lock file names the holder.
    const holder = holderOf(folder);
    if (holder !== undefined) {
      const text = `another process (${holder}) is using the history folder ${folder}`;
      throw new ClickHouseUnavailable(text);
    }
    throw clickHouseError(cause, `cannot open the history folder ${folder}`);
  }
}

/** The living process that has the folder, if it is another one. A lock goes with its process, a file may stay. */
function holderOf(folder: string): number | undefined {
  const status = path.join(folder, 'status');
  const pid = existsSync(status) ? Number(/PID: (\d+)/.exec(readFileSync(status, 'utf8'))?.[1]) : NaN;
  return Number.isInteger(pid) && pid !== process.pid && existsSync(`/proc/${pid}`) ? pid : undefined;
}

const versionFile = (folder: string): string => `${path.resolve(folder)}.version`;

/** As `SELECT version()` will say. The library only tells while no folder is open, so the first answer is kept. */
let engineVersion: string | undefined;

function refuseNewerFolder(folder: string): void {
  engineVersion ??= chdb.version().libchdb.replaceAll('"', '');
  if (!existsSync(versionFile(folder))) return;
  const written = readFileSync(versionFile(folder), 'utf8').trim();
  if (compareVersions(written, engineVersion) > 0) {
    throw new Error(
      `the history folder ${folder} was written by ClickHouse ${written}, newer than ${engineVersion}`,
    );
  }
}

function recordVersion(folder: string, version: string): void {
  const file = versionFile(folder);
  writeFileSync(`${file}.new`, `${version}\n`);
  renameSync(`${file}.new`, file);
}

/** By number, part by part, as far as both go. */
function compareVersions(one: string, other: string): number {
  const [left, right] = [one, other].map((version) =>
    version.split('.').map((part) => Number.parseInt(part, 10)),
  );
  for (let index = 0; index < Math.min(left?.length ?? 0, right?.length ?? 0); index += 1) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
