// Searches compared with somebody who reads everything a member may read: how many of them found something else.
import { type ClickHouse, sqlTexts } from '@parley/adapters';
import { internal } from '@parley/protocol';
import { seededRandom } from '@parley/std';
import { type Wanted, asTyped, plainMatch, plainWords, sampleTerms } from '@parley/testing/search';
import { search } from '../../../apps/history/src/reading/search-reader.ts';
import { madeTenant, madeToMs } from './made-history.ts';
import type { Member } from './measured-search.ts';

const membersChecked = 4;
const termsOfEach = 15;
/** Messages read for one member, newest parts first to be left out: a full scan in this process is slow. */
const readMax = 60_000;
/** What more messages match than this is left out. */
const matchesMax = 1_000;

interface Readable {
  readonly name: string;
  readonly text: string;
  readonly words: readonly string[];
}

export async function countWrong(
  clickHouse: ClickHouse,
  members: readonly Member[],
  say: (line: string) => void,
): Promise<{ readonly checked: number; readonly wrong: number }> {
  let checked = 0;
  let wrong = 0;
  const random = seededRandom(5);
  for (const member of members.slice(0, membersChecked)) {
    const conversations = await someOf(clickHouse, member);
    const readable = await readAll(clickHouse, member.user, conversations);
    const texts = readable.map(({ text }) => text);
    for (const wanted of sampleTerms(texts, termsOfEach, random)) {
      const truth = readable.filter(({ words }) => plainMatch(words, wanted)).map(({ name }) => name);
      if (truth.length > matchesMax || wanted.every(isWordless)) continue;
      checked += 1;
      const found = await findAll(clickHouse, { user: member.user, conversations, wanted });
      if (found.toSorted().join() === truth.toSorted().join()) continue;
      wrong += 1;
      say(`${member.user} finds ${found.length} of ${truth.length} for ${asTyped(wanted)}`);
    }
  }
  return { checked, wrong };
}

const isWordless = ({ text, isExcluded }: Wanted): boolean =>
  isExcluded === true || plainWords(text).length === 0;

/** As many of the member's conversations as can be read. */
async function someOf(clickHouse: ClickHouse, { conversations }: Member): Promise<string[]> {
  const rows = await clickHouse.select(
    `SELECT conversation, count() FROM parley.messages WHERE tenant = '${madeTenant}' AND conversation IN ${sqlTexts(conversations)}
     GROUP BY conversation ORDER BY conversation LIMIT 10000`,
  );
  const some: string[] = [];
  let sum = 0;
  for (const [conversation, count] of rows as [string, number][]) {
    if (sum + count > readMax || some.length === conversationsMax) continue;
    sum += count;
    some.push(conversation);
  }
  return some;
}

/** As many as one search may name. */
const conversationsMax = 500;

async function readAll(
  clickHouse: ClickHouse,
  user: string,
  conversations: readonly string[],
): Promise<Readable[]> {
  const limits = { rowsMax: readMax * 2, timeoutMs: 60_000 };
  const where = `tenant = '${madeTenant}' AND conversation IN ${sqlTexts(conversations)}`;
  const changes = await clickHouse.select(
    `SELECT conversation, sequence, is_member FROM parley.memberships FINAL WHERE ${where} AND user = '${user}'
     ORDER BY conversation, sequence LIMIT ${readMax}`,
    limits,
  );
  const changesOf = new Map<string, Change[]>();
  for (const change of changes as unknown as Change[])
    changesOf.set(change[0], [...(changesOf.get(change[0]) ?? []), change]);
  const messages = await clickHouse.select(
    `SELECT conversation, sequence, text FROM parley.messages FINAL WHERE ${where} LIMIT ${readMax * 2}`,
    limits,
  );
  return (messages as [string, number, string][])
    .filter(([conversation, sequence]) => wasIn(changesOf.get(conversation) ?? [], sequence))
    .map(([conversation, sequence, text]) => ({
      name: `${conversation}/${sequence}`,
      text,
      words: plainWords(text),
    }));
}

type Change = readonly [conversation: string, sequence: number, isMember: number];

/** From the change that made somebody a member to the one that ended it, both included. */
function wasIn(changes: readonly Change[], at: number): boolean {
  const before = changes.findLast(([, sequence]) => sequence <= at);
  if (before === undefined) return false;
  const [, sequence, isMember] = before;
  return isMember === 1 || sequence === at;
}

async function findAll(
  clickHouse: ClickHouse,
  {
    user,
    conversations,
    wanted,
  }: { user: string; conversations: readonly string[]; wanted: readonly Wanted[] },
): Promise<string[]> {
  const found: string[] = [];
  let cursor = '';
  do {
    const text = asTyped(wanted);
    const request = { tenant: madeTenant, user, text, conversations: [...conversations], limit: 100, cursor };
    const answer = await search(clickHouse, internal.SearchRequest.create(request), () =>
      Promise.resolve(madeToMs),
    );
    for (const { message } of answer.hits ?? []) found.push(`${message?.conversation}/${message?.sequence}`);
    cursor = answer.nextCursor ?? '';
  } while (cursor !== '');
  return found;
}
