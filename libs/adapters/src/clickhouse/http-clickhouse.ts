// ClickHouse as a server of its own, over HTTP (@clickhouse/client).
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
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
import { untilException } from './exception-mark.ts';

export interface HttpOptions {
  /** `http://user:password@host:8123`; credentials are never logged. */
  readonly url: string;
  /** Longest wait for an answer. Default 30 000. */
  readonly requestTimeoutMs?: number;
  /** The same for statements that take long. Default 600 000. */
  readonly longRequestTimeoutMs?: number;
  /** SELECTs at a time. Default 8. */
  readonly readers?: number;
  /** SELECTs that may wait for one of these; more are refused as unavailable. Default 200. */
  readonly waitingMax?: number;
  /** Streams at a time; one more is refused as unavailable. Default 4. */
  readonly streams?: number;
}

/** Does not connect: the server may be away now and come later. */
export function openHttpClickHouse(options: HttpOptions): ClickHouse {
  return new HttpClickHouse(options);
}

class HttpClickHouse implements ClickHouse {
  readonly #client: ClickHouseClient;
  readonly #writing: BoundedLane<ClickHouseClient>;
  readonly #long: BoundedLane<ClickHouseClient>;
  readonly #reading: BoundedLane<ClickHouseClient>;
  readonly #streaming: BoundedLane<ClickHouseClient>;

  constructor(options: HttpOptions) {
    const { readers = 8, streams = 4, waitingMax = 200 } = options;
    const shared = { url: options.url, application: 'parley-history', log: { level: 'OFF' as never } };
    this.#client = createClient({
      ...shared,
      request_timeout: options.requestTimeoutMs ?? 30_000,
      max_open_connections: readers + streams + 2,
    });
    const long = createClient({
      ...shared,
      request_timeout: options.longRequestTimeoutMs ?? 600_000,
      max_open_connections: 1,
    });
    const share = (length: number) => Array.from({ length }, () => this.#client);
    this.#writing = new BoundedLane([this.#client], waitingMax);
    this.#long = new BoundedLane([long], waitingMax);
    this.#reading = new BoundedLane(share(readers), waitingMax);
    this.#streaming = new BoundedLane(share(streams), 0);
  }

  insert(table: string, columns: readonly string[], rows: Uint8Array): Promise<void> {
    return this.#writing.run(async (client) => {
      try {
        // Not client.insert: it takes rows as values and would serialise them again.
        const { stream } = await client.exec({
          query: `INSERT INTO ${identifier(table)} (${columns.map(identifier).join(', ')}) FORMAT TabSeparated`,
          values: Readable.from([rows], { objectMode: false }),
          // One block, one part, answered when it is written.
          clickhouse_settings: { async_insert: 0, wait_end_of_query: 1 },
        });
        await finished(stream.resume());
      } catch (cause) {
        throw clickHouseError(cause, `insert into ${table} failed`);
      }
    });
  }

  select(sql: string, limits?: SelectLimits): Promise<readonly Row[]> {
    return this.#reading.run(async (client) => {
      try {
        const format = answerFormat(limits);
        const answer = await client.query({ query: withLimits(sql, limits), format });
        return parseAnswer(await answer.text(), limits);
      } catch (cause) {
        throw clickHouseError(cause, 'select failed');
      }
    });
  }

  stream(sql: string, format: DocumentFormat, limits: StreamLimits = {}): AsyncIterable<Uint8Array> {
    return this.#streaming.stream((client) => documentOf(client, { sql, format, limits }));
  }

  execute(sql: string, { isLong = false }: ExecuteOptions = {}): Promise<void> {
    return (isLong ? this.#long : this.#writing).run(async (client) => {
      try {
        await client.command({ query: sql });
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
    const lanes = [this.#reading, this.#streaming, this.#long, this.#writing];
    await Promise.all(lanes.map((lane) => lane.close()));
    await Promise.all([this.#client, ...this.#long.all].map((client) => client.close()));
  }
}

async function* documentOf(
  client: ClickHouseClient,
  { sql, format, limits }: { sql: string; format: DocumentFormat; limits: StreamLimits },
): AsyncGenerator<Uint8Array, void> {
  try {
    const { stream, response_headers: headers } = await client.exec({
      query: `${withStreamLimits(sql, limits)}\nFORMAT ${format}`,
      // A query whose reader has gone is stopped at once.
      clickhouse_settings: { cancel_http_readonly_queries_on_client_close: 1 },
      ...(limits.signal === undefined ? {} : { abort_signal: limits.signal }),
    });
    const stop = () => stream.destroy(new ClickHouseUnavailable('the stream was stopped'));
    limits.signal?.addEventListener('abort', stop);
    try {
      if (limits.signal?.aborted) stop();
      yield* untilException(stream, String(headers['x-clickhouse-exception-tag'] ?? ''));
    } finally {
      limits.signal?.removeEventListener('abort', stop);
      stream.destroy();
    }
  } catch (cause) {
    throw cause instanceof ClickHouseUnavailable ? cause : clickHouseError(cause, 'stream failed');
  }
}

/** Names of tables and columns are our own; anything else is a mistake. */
function identifier(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$/.test(name))
    throw new Error(`not an identifier: ${name}`);
  return name;
}
