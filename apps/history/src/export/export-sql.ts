// The SQL of an export: one row for each message in its newest version, in the same columns for every format. A person's own
// data begins with a row of the account, so that it is in every format too.
import { type DocumentFormat, sqlInteger, sqlText, sqlMoment } from '@parley/adapters';
import { protobufFieldSql } from '../protobuf-field.ts';
import { spansSql } from '../reading/search-sql.ts';
import { firstKeptSql } from '../retention/expired.ts';

export interface ExportScope {
  readonly tenant: string;
  readonly user: string;
  /** Empty: all the user may read, and the account. */
  readonly conversation: string;
  /** Of the conversation; both ends included. */
  readonly spans: readonly { readonly from: number; readonly to: number }[];
  /** Messages sent in [fromMs, toMs); 0: unbounded. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly displayName: string;
  /** What the user has deleted for themself. */
  readonly views: readonly {
    readonly conversation: string;
    readonly clearedThrough: number;
    readonly deleted: readonly number[];
  }[];
}

export function exportSql(scope: ExportScope, format: DocumentFormat): string {
  const all =
    scope.conversation === ''
      ? `${accountSql(scope)}\nUNION ALL\n${ownMessagesSql(scope)}`
      : conversationSql(scope);
  return `SELECT ${columnsOf(format).join(', ')} FROM (${all}) ORDER BY conversation, sequence`;
}

/** Settings of exports: times as ISO 8601 in UTC, and little memory, whatever the format. */
export const exportSettings = {
  date_time_output_format: 'iso',
  // All versions of a message lie in one partition: those of several need not be compared.
  do_not_merge_across_partitions_select_final: 1,
  // Rows are long, and a part of a Parquet file is held until it is full.
  max_block_size: 8_192,
  output_format_parquet_row_group_size: 50_000,
  output_format_parquet_row_group_size_bytes: 16 * 1024 * 1024,
  // An export is nobody's hurry.
  max_threads: 2,
} as const;

const conversationSql = (scope: ExportScope): string => {
  const spans = scope.spans.map(
    ({ from, to }) => `sequence BETWEEN ${sqlInteger(from)} AND ${sqlInteger(to)}`,
  );
  return `SELECT ${storedColumns} FROM parley.messages AS m FINAL
    WHERE m.tenant = ${sqlText(scope.tenant)} AND m.conversation = ${sqlText(scope.conversation)}
    AND (${spans.length === 0 ? '0' : spans.join(' OR ')}) AND sequence >= ${firstKeptSql(scope.tenant, scope.conversation)}${timesSql(scope)}${viewsSql(scope)}`;
};

/**
 * Joined with the spans of membership, as a search is; naming the conversations too lets the engine read only theirs. In a cluster
 * the spans are found once and sent to all servers.
 */
const ownMessagesSql = (scope: ExportScope): string =>
  `SELECT ${storedColumns} FROM parley.messages AS m FINAL
    GLOBAL INNER JOIN (SELECT conversation AS its, from_sequence, to_sequence FROM (${spansOf(scope)})) AS s ON m.conversation = s.its
    WHERE m.tenant = ${sqlText(scope.tenant)} AND m.conversation GLOBAL IN (SELECT conversation FROM (${spansOf(scope)}))
    AND m.sequence BETWEEN s.from_sequence AND s.to_sequence${timesSql(scope)}${viewsSql(scope)}`;

const spansOf = (scope: ExportScope): string => spansSql({ ...scope, conversations: [] });

const accountSql = ({ user, displayName }: ExportScope): string =>
  `SELECT '' AS conversation, toUInt64(0) AS sequence, ${sqlText(user)} AS sender, '' AS client_message_id,
    NULL AS at, 'account' AS kind, ${sqlText(displayName)} AS text, '' AS system`;

const storedColumns =
  'm.conversation AS conversation, sequence, sender, client_message_id, at, kind, text, system';

function viewsSql({ views }: ExportScope): string {
  const parts = views.map(({ conversation, clearedThrough, deleted }) => {
    const sequences = deleted.map(sqlInteger).join(', ');
    const listed = sequences === '' ? '' : ` OR m.sequence IN (${sequences})`;
    return `(m.conversation = ${sqlText(conversation)} AND (m.sequence <= ${sqlInteger(clearedThrough)}${listed}))`;
  });
  return parts.length === 0 ? '' : ` AND NOT (${parts.join(' OR ')})`;
}

const timesSql = ({ fromMs, toMs }: ExportScope): string =>
  (fromMs > 0 ? ` AND at >= ${sqlMoment(fromMs)}` : '') + (toMs > 0 ? ` AND at < ${sqlMoment(toMs)}` : '');

/** Names as in the HTTP API's messages. */
function columnsOf(format: DocumentFormat): string[] {
  const guarded = format === 'CSVWithNames' ? withoutFormula : (column: string) => column;
  const columns: readonly [column: string, name: string][] = [
    ['conversation', 'conversation'],
    ['sequence', 'sequence'],
    [guarded('sender'), 'sender'],
    [guarded('client_message_id'), 'clientMessageId'],
    ['at', 'sentAt'],
    [kindSql, 'kind'],
    [guarded('text'), 'text'],
    [guarded('system'), 'system'],
  ];
  return columns.map(([column, name]) => (column === name ? column : `${column} AS ${name}`));
}

/**
 * Spreadsheets take a cell that begins so for a formula, which may send its neighbours elsewhere: an apostrophe before it makes
 * it a text. The last four are what some of them take for the first four.
 */
const withoutFormula = (column: string): string =>
  `if(match(${column}, '^[=+\\\\-@\\\\t\\\\r\\\\n\uff1d\uff0b\uff0d\uff20]'), concat('\\'', ${column}), ${column})`;

/** The name of a change of the conversation, by the number of its field, with which the stored System begins. */
const changes: Readonly<Record<number, string>> = {
  1: 'group_created',
  2: 'members_added',
  3: 'member_removed',
  4: 'member_left',
  5: 'group_dismissed',
  6: 'diffusion_changed',
  7: 'role_changed',
  8: 'member_muted',
  20: 'message_reacted',
  21: 'message_pinned',
  22: 'message_unpinned',
  40: 'profile_changed',
  41: 'announcement_changed',
  42: 'settings_changed',
  43: 'ban_changed',
  44: 'windows_changed',
  47: 'join_requested',
  49: 'nickname_changed',
};

const kindSql = `if(kind = 'system', transform(toUInt32(${protobufFieldSql('base64Decode(system)')}),
  [${Object.keys(changes).join(', ')}], [${Object.values(changes).map(sqlText).join(', ')}], 'system'), kind)`;
