// What the history store has of a person in the clear, and where it has any of some phrases: its part of the proof that an erasure
// has left no copy. The phrases are in no audit and in no log of the engine: the report would be a copy itself.
import { type ClickHouse, ClickHouseUnavailable, sqlText } from '@parley/adapters';
import { idPattern, internal, parseConversation, type parley } from '@parley/protocol';
import { BadRequest } from '../reading/bad-request.ts';

type Query = parley.internal.v1.ErasureReportQuery;

const phrasesMax = 100;
const phraseCharactersMax = 1_000;

/** Every column that holds, or could hold, something a person wrote. Of all tenants: a copy may be anywhere. */
const places = [
  { place: 'messages.text', table: 'messages', value: 'text' },
  { place: 'messages.content', table: 'messages', value: 'tryBase64Decode(content)' },
  { place: 'events.payload', table: 'events', value: 'payload' },
  { place: 'audit.details', table: 'audit', value: 'details' },
  { place: 'holds.reason', table: 'holds', value: 'reason' },
] as const;

/** Throws BadRequest: BAD_ID, RANGE_TOO_LARGE. */
export async function erasureReport(
  clickHouse: ClickHouse,
  tenant: string,
  { user, conversation, phrases }: Query,
): Promise<parley.internal.v1.IErasureReport> {
  if (!idPattern.test(user)) throw new BadRequest('BAD_ID', 'the user is not valid');
  if (conversation !== '' && parseConversation(conversation) === undefined)
    throw new BadRequest('BAD_ID', 'the conversation is not valid');
  if (phrases.length > phrasesMax || phrases.some((phrase) => phrase.length > phraseCharactersMax))
    throw new BadRequest(
      'RANGE_TOO_LARGE',
      `at most ${phrasesMax} phrases of ${phraseCharactersMax} characters`,
    );
  const wanted = phrases.filter((phrase) => phrase !== '');
  const where = conversation === '' ? '' : ` AND conversation = ${sqlText(conversation)}`;
  const count = async (sql: string): Promise<number[]> =>
    (await clickHouse.select(`${sql} SETTINGS log_queries = 0`))[0]!.map(Number);
  const [sealed = 0, plain = 0] = await count(
    `SELECT countIf(kind = 'sealed'), countIf(kind != 'sealed' AND text != '') FROM parley.messages FINAL
     WHERE tenant = ${sqlText(tenant)} AND sender = ${sqlText(user)}${where}`,
  );
  const found = [];
  for (const { place, table, value } of wanted.length === 0 ? [] : places) {
    const [rows = 0] = await count(
      `SELECT count() FROM parley.${table} WHERE multiSearchAny(${value}, [${wanted.map(sqlText).join(', ')}])`,
    ).catch(() => {
      // The engine's own message may repeat the statement, and with it the phrases, in the log.
      throw new ClickHouseUnavailable(`${place} could not be searched`, {});
    });
    if (rows > 0) found.push({ place, count: rows });
  }
  const [inactive = 0] = await count(
    `SELECT count() FROM system.parts WHERE database = 'parley' AND NOT active`,
  );
  const [detached = 0] = await count(`SELECT count() FROM system.detached_parts WHERE database = 'parley'`);
  return internal.ErasureReport.create({ sealed, plain, places: found, partsLeft: inactive + detached });
}
