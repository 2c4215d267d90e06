// The roll-ups of the made history, counted by the code that counts them in production; and what analysts ask of them.
import type { ClickHouse } from '@parley/adapters';
import { internal } from '@parley/protocol';
import { systemClock } from '@parley/std';
import { DirtyMinutes } from '../../../apps/history/src/analytics/dirty-minutes.ts';
import { minuteOf } from '../../../apps/history/src/analytics/minute-ranges.ts';
import { answerQuestion } from '../../../apps/history/src/analytics/question-reader.ts';
import { RollUps } from '../../../apps/history/src/analytics/roll-ups.ts';

export interface Year {
  readonly tenant: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Nobody waits for them here: fewer and longer statements than beside a server at work. */
const limits = { minutesMax: 92 * 1_440, daysMax: 92, statementMs: 30_000, memoryBytesMax: 1024 ** 3 };

/** All minutes of the year are dirty, as after a projection from nothing. */
export async function countRollUps(clickHouse: ClickHouse, { fromMs, toMs }: Year): Promise<void> {
  const dirty = new DirtyMinutes();
  const minutes = minuteOf(toMs) - minuteOf(fromMs) + 1;
  dirty.add(
    'made',
    Array.from({ length: minutes }, (_, index) => minuteOf(fromMs) + index),
  );
  const rollUps = new RollUps({
    clickHouse,
    dirty,
    isReady: () => true,
    positions: () => new Map(),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    limits,
    // The whole year is over, whatever the clock says.
    clock: { ...systemClock, nowMs: () => toMs + dayMs },
  });
  await rollUps.countAll();
}

const dayMs = 86_400_000;

/** A ready question with its times, as the page of analysts sends them. */
export interface RollUpQuestion {
  readonly question: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** What a dashboard shows, and for how long back. */
const asked: readonly { readonly question: string; readonly days: number }[] = [
  { question: 'messages-per-minute', days: 1 },
  { question: 'active-users', days: 92 },
  { question: 'messages-per-minute', days: 31 },
  { question: 'retention', days: 92 },
  { question: 'size-against-activity', days: 31 },
  { question: 'busiest-groups', days: 7 },
];

/** So many of them in turn, each of another time of the year. */
export function rollUpQuestions({ fromMs, toMs }: Year, count: number): RollUpQuestion[] {
  return Array.from({ length: count }, (_, index) => {
    const { question, days } = asked[index % asked.length]!;
    const daysToChoose = Math.floor((toMs - fromMs) / dayMs) - days;
    const from = fromMs + ((index * 37) % daysToChoose) * dayMs;
    return { question, fromMs: from, toMs: from + days * dayMs };
  });
}

export async function askRollUps(
  clickHouse: ClickHouse,
  tenant: string,
  { question, fromMs, toMs }: RollUpQuestion,
): Promise<{ readonly rows: number }> {
  const parameters = [
    { name: 'from', value: String(fromMs) },
    { name: 'to', value: String(toMs) },
  ];
  const request = internal.AnalyticsRequest.create({ tenant, question, parameters });
  const answer = await answerQuestion(clickHouse, request, () =>
    Promise.resolve({ completeThroughMs: toMs, countedThroughMs: toMs }),
  );
  const { rows } = JSON.parse(answer.json ?? '') as { rows: unknown[] };
  return { rows: rows.length };
}
