// Deletes what one tenant sent before a time. In this order, so that readers never see a hole and a crash anywhere is
// repaired by doing all of it again:
//
//   1. marks: of each conversation, the first sequence that is left; from here on readers get `expired` below it
//   2. rows of `messages`, and with them what search finds
//   3. events of `commits` that carry what people wrote; who was when a member of what stays, for audits. Their commits are
//      rewritten without them
//
// Statements carry the conversations on hold as literals, a range of ids at a time: a subquery in a mutation would be
// evaluated by each replica for itself, and they could disagree. Rows are chosen by tenant, conversation and time of
// sending alone, which are the same in all versions of a row: deleting a newest version only would bring an older one back.
import { type ClickHouse, type Layout, dateTimeText, sqlText, sqlTexts } from '@parley/adapters';
import { protobufFieldSql } from '../protobuf-field.ts';
import { heldConversations } from './holds.ts';

/**
 * Conversations on hold in one statement, which has to stay below the engine's 256 KiB: it names them twice at most, and an
 * id has 131 characters at most.
 */
export const heldPerStatementMax = 500;

export interface Deletion {
  readonly tenant: string;
  readonly beforeMs: number;
}

export interface DeletionOptions {
  readonly clickHouse: ClickHouse;
  readonly layout: Layout;
  /** Default heldPerStatementMax. */
  readonly heldPerStatement?: number;
}

/** Returns how many conversations lost something. Rejects when the store is away: do it again. */
export async function deleteBefore(options: DeletionOptions, deletion: Deletion): Promise<number> {
  const limit = options.heldPerStatement ?? heldPerStatementMax;
  let after = '';
  let conversations = 0;
  for (;;) {
    const held = await heldConversations(options.clickHouse, deletion.tenant, { after, limit });
    const isLast = held.length < limit;
    const upTo = isLast ? undefined : (held.at(-1) as string);
    conversations += await deleteRange(options, deletion, { after, upTo, held });
    if (upTo === undefined) return conversations;
    after = upTo;
  }
}

/** Conversations greater than `after`, up to `upTo`, but those on hold. */
interface Range {
  readonly after: string;
  readonly upTo: string | undefined;
  readonly held: readonly string[];
}

async function deleteRange(
  { clickHouse, layout }: DeletionOptions,
  { tenant, beforeMs }: Deletion,
  range: Range,
): Promise<number> {
  const isOld = `at < toDateTime64('${dateTimeText(beforeMs)}', 3, 'UTC')`;
  const messages = `tenant = ${sqlText(tenant)} AND ${isOld} AND ${isIn('conversation', range)}`;
  const [row] = await clickHouse.select(
    `SELECT uniqExact(conversation) FROM parley.messages WHERE ${messages}`,
    {
      timeoutMs: 60_000,
    },
  );
  const conversations = Number(row?.[0] ?? 0);
  if (conversations > 0) {
    await clickHouse.execute(
      `INSERT INTO parley.expired (tenant, conversation, first_kept)
       SELECT tenant, conversation, max(sequence) + 1 FROM parley.messages WHERE ${messages}
       GROUP BY tenant, conversation`,
    );
    await clickHouse.execute(`DELETE FROM ${layout.storage('messages')} WHERE ${messages} ${untilDone}`);
  }
  const events = `${isOld} AND arrayExists(e -> ${goes(tenant, range)}, events)`;
  const [found] = await clickHouse.select(`SELECT 1 FROM parley.commits WHERE ${events} LIMIT 1`, {
    timeoutMs: 60_000,
  });
  if (found !== undefined) {
    await clickHouse.execute(
      `ALTER TABLE ${layout.storage('commits')} UPDATE events = arrayFilter(e -> NOT (${goes(tenant, range)}), events)
       WHERE ${events} SETTINGS mutations_sync = 2`,
      // It rewrites whole months; inserts go on.
      { isLong: true },
    );
  }
  return conversations;
}

/** The statement ends when the rows are gone for readers, on all replicas. Their bytes leave the disk with merges. */
const untilDone = 'SETTINGS lightweight_deletes_sync = 2';

function isIn(conversation: string, { after, upTo, held }: Range): string {
  const parts = [`${conversation} > ${sqlText(after)}`];
  if (upTo !== undefined) parts.push(`${conversation} <= ${sqlText(upTo)}`);
  if (held.length > 0) parts.push(`${conversation} NOT IN ${sqlTexts(held)}`);
  return parts.join(' AND ');
}

/** Whether an event `e` of a commit that is old carries what people wrote in the range. */
function goes(tenant: string, range: Range): string {
  const isContent = Object.entries(keptFields).map(
    ([type, kept]) => `(e.type = '${type}' AND ${eventFieldSql} NOT IN (${kept.join(', ')}))`,
  );
  const conversation = "concat(substring(e.type, 1, 1), '.', e.ids[1])";
  return `e.tenant = ${sqlText(tenant)} AND (${isContent.join(' OR ')}) AND ${isIn(conversation, range)}`;
}

/** An event is a protobuf message with one member: its number, of one byte below 16 and of two from there on. */
const eventFieldSql = protobufFieldSql('e.payload');

/**
 * Facts without what people wrote: ReadAdvanced, pins, RefusalSet; GroupCreated … MemberMuted, ReadsNoted, ProfileChanged (as the
 * title of GroupCreated), SettingsChanged, BanChanged, WindowsChanged, NicknameChanged, InviteCreated, InviteRevoked, JoinRefused
 * (entities.proto). Whatever comes later is content until it is named here, and deleted.
 */
const keptFields: Readonly<Record<'direct' | 'group', readonly number[]>> = {
  direct: [2, 21, 22, 50],
  group: [2, 3, 4, 5, 6, 7, 8, 9, 21, 22, 30, 40, 42, 43, 44, 45, 46, 48, 49],
};
