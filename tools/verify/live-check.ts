// Live actors against the journal, while people write. An answer is right when it is what the entity said at some commit
// between the one read before asking and the one that was last after the answer: so the journal is read on until each
// answer has been met, and who was not met is asked again before it is called a difference.
import { inParallel } from '@parley/std';
import { setTimeout as delay } from 'node:timers/promises';
import { internal } from '@parley/protocol';
import type { Findings } from './findings.ts';
import { reportLiveDifference } from './live-difference.ts';
import { type Question, answerOf, isSameAnswer, questionsAbout } from './questions.ts';
import type { Rebuilt, ShardReading } from './shard-reading.ts';
import type { Sources } from './sources.ts';

export interface LiveCheckLimits {
  /** Questions asked at the same time. */
  readonly atOnce: number;
  /** Questions asked before the journal is read on: bounds the answers in memory. */
  readonly chunk: number;
  /** Pauses before asking again; after the last one it is a difference. */
  readonly pausesMs: readonly number[];
}

export const liveCheckLimits: LiveCheckLimits = {
  atOnce: 16,
  chunk: 512,
  pausesMs: [0, 50, 200, 500, 1_000, 2_000],
};

interface Asked {
  readonly question: Question;
  answer: Uint8Array | undefined;
  /** Why there is no answer. */
  silence: string;
  /** Head, or inbox position, that the journal had before asking. */
  headBefore: number;
}

export async function checkLive(
  reading: ShardReading,
  sources: Sources,
  findings: Findings,
  limits: LiveCheckLimits = liveCheckLimits,
): Promise<void> {
  const questions = [...reading.entities.values()].flatMap((entity) => questionsAbout(entity));
  for (let at = 0; at < questions.length; at += limits.chunk)
    await checkSome(questions.slice(at, at + limits.chunk), { reading, sources, findings, limits });
}

interface Check {
  readonly reading: ShardReading;
  readonly sources: Sources;
  readonly findings: Findings;
  readonly limits: LiveCheckLimits;
}

async function checkSome(questions: readonly Question[], check: Check): Promise<void> {
  const { reading, sources, findings, limits } = check;
  let open: Asked[] = questions.map((question) => ({
    question,
    answer: undefined,
    silence: '',
    headBefore: 0,
  }));
  for (const pauseMs of limits.pausesMs) {
    if (pauseMs > 0) {
      await delay(pauseMs);
      await reading.readOn();
    }
    await inParallel(open, limits.atOnce, (asked) => ask(asked, reading, sources));
    open = open.filter((asked) => !isMet(asked));
    if (open.length > 0) open = await meetLater(open, reading);
    if (open.length === 0) break;
  }
  findings.compared.live_answers += questions.length - open.length;
  for (const { question, answer, silence, headBefore } of open) {
    if (answer === undefined) findings.cannotVerify(`the owner of ${reading.name} ${silence}`);
    else reportLiveDifference({ question, answer, headBefore, hasHole: reading.hasHole }, findings);
  }
}

async function ask(asked: Asked, reading: ShardReading, sources: Sources): Promise<void> {
  asked.headBefore = headOf(asked.question.entity);
  const result = await sources.ask(reading.shard, asked.question.bytes);
  asked.answer = undefined;
  if (result.outcome !== 'answered') {
    asked.silence = `does not answer (${result.outcome})`;
    return;
  }
  // A view on a buffer that is used again.
  const answer = Uint8Array.from(result.bytes);
  const { error } = internal.QueryAnswer.decode(answer);
  if (error && passing.has(error.code ?? '')) asked.silence = `answers ${error.code}`;
  else asked.answer = answer;
}

const passing = new Set(['BUSY', 'UNAVAILABLE', 'INTERNAL']);

const isMet = ({ question, answer }: Asked): boolean =>
  answer !== undefined && !question.entity.isBroken && isSameAnswer(answerOf(question), answer);

/** Reads the journal on; returns what no commit has met. */
async function meetLater(open: readonly Asked[], reading: ShardReading): Promise<Asked[]> {
  const left = new Set(open);
  const byEntity = new Map<Rebuilt, Asked[]>();
  for (const asked of open) {
    const { entity } = asked.question;
    byEntity.set(entity, [...(byEntity.get(entity) ?? []), asked]);
  }
  await reading.readOn((entity) => {
    for (const asked of byEntity.get(entity) ?? []) if (left.has(asked) && isMet(asked)) left.delete(asked);
  });
  return [...left];
}

export function headOf({ address, state, conversation }: Rebuilt): number {
  return address.type === 'user'
    ? (state as { inbox: { last: number } }).inbox.last
    : (conversation?.head ?? 0);
}
