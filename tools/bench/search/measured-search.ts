// What a member does with a full history store, through the code that answers in production: search, page, and what analysts
// ask again and again. Each question alone, one after another; times from the question to its answer.
import { type ClickHouse, sqlText } from '@parley/adapters';
import { internal } from '@parley/protocol';
import { type Random, seededRandom, systemClock } from '@parley/std';
import { SampledWords } from '../../../apps/history/src/reading/common-words.ts';
import { readPage } from '../../../apps/history/src/reading/page-reader.ts';
import { search } from '../../../apps/history/src/reading/search-reader.ts';
import { percentile } from '../../percentile.ts';
import type { Lines } from './lines.ts';
import { madeTenant, madeToMs, madeYear } from './made-history.ts';
import { askRollUps, rollUpQuestions } from './made-roll-ups.ts';
import { busyUsers, userName } from './world.ts';

export interface Measured {
  readonly rareMs: readonly number[];
  readonly commonMs: readonly number[];
  readonly pageMs: readonly number[];
  readonly rollUpMs: readonly number[];
}

export interface Member {
  readonly user: string;
  readonly conversations: readonly string[];
}

const rareCount = 200;
const commonCount = 100;
const pageCount = 200;
const rollUpCount = 60;
/** Asked first and not measured: a store that has just been opened reads from the disk. */
const warmUpCount = 10;
const pageSize = 50;
const rareMax = 20;

/** Half of them ordinary members, half in hundreds of groups. */
export async function someMembers(clickHouse: ClickHouse, users: number, count: number): Promise<Member[]> {
  const random = seededRandom(3);
  const members: Member[] = [];
  for (let index = 0; members.length < count; index += 1) {
    const user = userName(Math.floor(random.next() * (index % 2 === 0 ? users : busyUsers)));
    const rows = await clickHouse.select(
      `SELECT DISTINCT conversation FROM parley.memberships WHERE tenant = '${madeTenant}' AND user = ${sqlText(user)}
       ORDER BY conversation LIMIT 10000`,
    );
    if (rows.length > 0) members.push({ user, conversations: rows.map(([name]) => name as string) });
  }
  return members;
}

export async function measureReading(
  clickHouse: ClickHouse,
  { members, lines }: { readonly members: readonly Member[]; readonly lines: Lines },
): Promise<Measured> {
  const random = seededRandom(4);
  // Learned while warming up, as by a process that has just started.
  const sampledWords = new SampledWords(clickHouse, { ...systemClock, nowMs: () => madeToMs });
  const searchFor = ({ user, text }: Question) =>
    search(
      clickHouse,
      internal.SearchRequest.create({ tenant: madeTenant, user, text }),
      () => Promise.resolve(madeToMs),
      { commonWords: sampledWords },
    );
  const rare = await rareQuestions(clickHouse, { members, lines, random });
  const words = commonWords(lines);
  const common = repeat(commonCount, (index) => ({
    user: members[index % members.length]!.user,
    text: words[index % words.length]!,
  }));
  const pages = await pageQuestions(clickHouse, members, random);
  for (const question of [...rare.slice(0, warmUpCount), ...common.slice(0, warmUpCount)])
    await searchFor(question);
  return {
    rareMs: await timed(rare, searchFor),
    commonMs: await timed(common, searchFor),
    pageMs: await timed(pages, (page) => readPage(clickHouse, internal.HistoryPageRequest.create(page))),
    rollUpMs: await timed(rollUpQuestions(madeYear, rollUpCount), async (question) => {
      const { rows } = await askRollUps(clickHouse, madeTenant, question);
      if (rows === 0) throw new Error(`the roll-ups of ${question.question} are empty`);
    }),
  };
}

/** 50th and 95th percentile, milliseconds. */
export const p50 = (values: readonly number[]): number => percentile(values, 0.5);
export const p95 = (values: readonly number[]): number => percentile(values, 0.95);

interface Question {
  readonly user: string;
  readonly text: string;
}

/** Rare words that the member can find: from messages of their own conversations. */
async function rareQuestions(
  clickHouse: ClickHouse,
  { members, lines, random }: { members: readonly Member[]; lines: Lines; random: Random },
): Promise<Question[]> {
  const questions: Question[] = [];
  for (let index = 0; questions.length < rareCount && index < rareCount * 20; index += 1) {
    const member = members[index % members.length]!;
    const rows = await clickHouse.select(
      `SELECT text FROM parley.messages WHERE tenant = '${madeTenant}' AND conversation = ${sqlText(pick(member.conversations, random))}
       ORDER BY cityHash64(sequence, ${index}) LIMIT 20`,
    );
    const words = rows.flatMap(([text]) => (text as string).toLowerCase().match(/[a-z0-9]{3,}/g) ?? []);
    const text = words.find((word) => (lines.wordCounts.get(word) ?? 0) <= rareMax);
    if (text !== undefined) questions.push({ user: member.user, text });
  }
  return questions;
}

/** The twenty words that occur most. */
const commonWords = ({ wordCounts }: Lines): readonly string[] =>
  [...wordCounts]
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, 20)
    .map(([word]) => word);

async function pageQuestions(clickHouse: ClickHouse, members: readonly Member[], random: Random) {
  const conversations = repeat(pageCount, (index) =>
    pick(members[index % members.length]!.conversations, random),
  );
  const questions = [];
  for (const conversation of conversations) {
    const [row] = await clickHouse.select(
      `SELECT max(sequence) FROM parley.messages WHERE tenant = '${madeTenant}' AND conversation = ${sqlText(conversation)}`,
    );
    const to = Math.max(1, Math.ceil(random.next() * ((row?.[0] as number | undefined) ?? 1)));
    questions.push({ tenant: madeTenant, conversation, from: Math.max(1, to - pageSize + 1), to });
  }
  return questions;
}

async function timed<T>(questions: readonly T[], ask: (question: T) => Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  for (const question of questions) {
    const startedMs = performance.now();
    await ask(question);
    took.push(performance.now() - startedMs);
  }
  return took;
}

const repeat = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

const pick = <T>(values: readonly T[], random: Random): T =>
  values[Math.floor(random.next() * values.length)]!;
