// What Parley needs of a ClickHouse: rows in, rows out. Two implementations answer it alike: the engine inside this
// process (embedded-clickhouse.ts) and a server reached over HTTP (http-clickhouse.ts).
import { sqlText } from './literals.ts';

export interface SelectLimits {
  /** The engine gives up on the query after this long. Default 10 000. */
  readonly timeoutMs?: number;
  /** More rows than this are an error, never a silent cut: the query must have a LIMIT. Default 10 000. */
  readonly rowsMax?: number;
  /** Memory of this query. Default 512 MiB. */
  readonly memoryBytesMax?: number;
  /** Further settings of this query alone. */
  readonly settings?: Readonly<Record<string, number>>;
  /** Told how many rows the engine has read for the answer. */
  readonly onRowsRead?: (rows: number) => void;
}

export interface ExecuteOptions {
  /**
   * It takes long (INSERT … SELECT): it runs beside inserts, which otherwise would wait for it, one such at a time. It
   * brings its own limits in a SETTINGS clause.
   */
  readonly isLong?: boolean;
}

/** ClickHouse's names of documents: JSON Lines; CSV with a first line of names; Apache Parquet. */
export type DocumentFormat = 'JSONEachRow' | 'CSVWithNames' | 'Parquet';

export interface StreamLimits {
  /** The engine gives up on the query after this long, and with it the stream. Default 600 000. */
  readonly timeoutMs?: number;
  /** Memory of this query; what must be sorted beyond a quarter of it goes to disk. Default 512 MiB. */
  readonly memoryBytesMax?: number;
  /** Further settings of this query alone. */
  readonly settings?: Readonly<Record<string, number | string>>;
  /** Stops the stream with an error, the query at its next write. */
  readonly signal?: AbortSignal;
}

/** A row as it comes: values in the order of the SELECT. 64-bit integers are plain numbers (safe below 2^53). */
export type Row = readonly unknown[];

export interface ClickHouse {
  /** Adds rows in TabSeparated (see RowBuffer). Durable once it resolves. One insert is one block; inserts run one after another. */
  insert(table: string, columns: readonly string[], rows: Uint8Array): Promise<void>;
  /** Runs a SELECT without SETTINGS and FORMAT clauses of its own. */
  select(sql: string, limits?: SelectLimits): Promise<readonly Row[]>;
  /**
   * One document with all rows of a SELECT (without SETTINGS and FORMAT), in pieces, made as they are taken. It ends in good
   * order only when it is whole, and throws otherwise, as the other calls reject. Leaving the loop stops the query. Each stream
   * has a connection of its own; beyond their number (`streams`) it throws ClickHouseUnavailable at once.
   */
  stream(sql: string, format: DocumentFormat, limits?: StreamLimits): AsyncIterable<Uint8Array>;
  /** Runs a statement without a result: schema changes, maintenance. */
  execute(sql: string, options?: ExecuteOptions): Promise<void>;
  /** What the engine says it is, e.g. `26.7.2.1`. */
  version(): Promise<string>;
  /** Lets running work finish. Nothing may be asked afterwards. */
  close(): Promise<void>;
}

/** The engine is away, overloaded or out of time: the same may succeed later. */
export class ClickHouseUnavailable extends Error {
  override readonly name = 'ClickHouseUnavailable';
}

/** The engine understood the question and refused it: repeating it changes nothing until a person acts. */
export class ClickHouseRefused extends Error {
  override readonly name = 'ClickHouseRefused';
  /** ClickHouse's own error code. */
  readonly code: number;

  constructor(message: string, code: number, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** Codes of ClickHouse that pass: timeouts, memory, too many parts or queries, read-only, network, keeper. */
const passingCodes: ReadonlySet<number> = new Set([
  159, 160, 202, 209, 210, 236, 241, 242, 243, 252, 279, 319, 394, 425, 999,
]);

/** Tells the two families of errors apart by the code in the message, `Code: 241. DB::Exception: …`. */
export function clickHouseError(
  cause: unknown,
  whatFailed: string,
): ClickHouseUnavailable | ClickHouseRefused {
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = codeOf(cause, message);
  const text = `${whatFailed}: ${message.slice(0, errorTextMax)}`;
  if (code === undefined || passingCodes.has(code)) return new ClickHouseUnavailable(text, { cause });
  return new ClickHouseRefused(text, code, cause);
}

/** Longest part of an engine's message that is passed on; it may repeat the whole statement. */
const errorTextMax = 500;

function codeOf(cause: unknown, message: string): number | undefined {
  const own = (cause as { code?: unknown } | null)?.code;
  if (typeof own === 'string' && /^\d+$/.test(own)) return Number(own);
  const found = /\bCode: (\d+)\b/.exec(message)?.[1];
  return found === undefined ? undefined : Number(found);
}

const selectDefaults = { timeoutMs: 10_000, rowsMax: 10_000, memoryBytesMax: 512 * 1024 * 1024 };

/**
 * The statement with its limits as a SETTINGS clause. Settings never travel beside the statement: on the embedded
 * engine they would stay for the life of the connection.
 */
export function withLimits(sql: string, limits: SelectLimits = {}): string {
  return withSettings(sql, {
    max_execution_time: (limits.timeoutMs ?? selectDefaults.timeoutMs) / 1000,
    max_result_rows: limits.rowsMax ?? selectDefaults.rowsMax,
    max_memory_usage: limits.memoryBytesMax ?? selectDefaults.memoryBytesMax,
    output_format_json_quote_64bit_integers: 0,
    // With it on, ORDER BY … LIMIT over a text index silently loses rows (measured on 26.7).
    use_top_k_dynamic_filtering: 0,
    ...limits.settings,
  });
}

const streamDefaults = { timeoutMs: 600_000, memoryBytesMax: 512 * 1024 * 1024 };

/** The same for a stream: bounded in time and memory, not in rows. */
export function withStreamLimits(sql: string, limits: StreamLimits = {}): string {
  const memoryBytesMax = limits.memoryBytesMax ?? streamDefaults.memoryBytesMax;
  return withSettings(sql, {
    max_execution_time: (limits.timeoutMs ?? streamDefaults.timeoutMs) / 1000,
    max_memory_usage: memoryBytesMax,
    max_bytes_before_external_sort: Math.floor(memoryBytesMax / 4),
    output_format_json_quote_64bit_integers: 0,
    ...limits.settings,
  });
}

function withSettings(sql: string, settings: Readonly<Record<string, number | string>>): string {
  const clause = Object.entries(settings).map(
    ([name, value]) => `${settingName(name)}=${typeof value === 'string' ? sqlText(value) : value}`,
  );
  return `${sql}\nSETTINGS ${clause.join(', ')}`;
}

function settingName(name: string): string {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new Error(`not a setting: ${name}`);
  return name;
}

/** What an answer has to come as: only one of the two says how much was read for it. */
export const answerFormat = (limits?: SelectLimits): 'JSONCompact' | 'JSONCompactEachRow' =>
  limits?.onRowsRead === undefined ? 'JSONCompactEachRow' : 'JSONCompact';

/** The rows of an answer in that format. */
export function parseAnswer(text: string, limits?: SelectLimits): readonly Row[] {
  if (limits?.onRowsRead === undefined) return parseRows(text);
  // An error after the first rows stands behind them, and what came before is no answer.
  const failure = /\bCode: \d+\. DB::Exception[^\n]*/.exec(text.slice(-errorTailMax))?.[0];
  if (failure !== undefined) throw new Error(failure);
  const { data, statistics } = JSON.parse(text) as { data: Row[]; statistics: { rows_read: number } };
  limits.onRowsRead(statistics.rows_read);
  return data;
}

/** An error at the end of an answer lies within so many characters of it. */
const errorTailMax = 4_096;

function parseRows(text: string): readonly Row[] {
  const body = text.trimEnd();
  return body === '' ? [] : (JSON.parse(`[${body.replaceAll('\n', ',')}]`) as Row[]);
}
