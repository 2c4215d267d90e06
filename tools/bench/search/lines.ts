// What is said in the made history: lines of the corpus in their order, or made-up ones. Now and then a number of a case
// that nobody else mentions, as people at work do: something rare to search for.
import path from 'node:path';
import { projectFolder } from '@parley/testing/servers';
import { type Corpus, makeUpCorpus, openCorpus } from '../../demo/corpus.ts';

export interface Lines {
  readonly name: string;
  /** The line of a conversation at a sequence; `chance` in [0, 1) decides whether a case is mentioned. */
  textAt(conversation: number, sequence: number, chance: number): string;
  /** How often each word (a run of letters and digits) occurs in all lines. */
  readonly wordCounts: ReadonlyMap<string, number>;
}

const channelLinesMax = 160_000;
const caseShare = 0.01;

export async function openLines(): Promise<Lines> {
  const folder = process.env['PARLEY_CORPUS'] ?? path.join(projectFolder, '..', 'shared', 'corpus');
  const corpus: Corpus = openCorpus(folder) ?? makeUpCorpus();
  const channel: string[] = [];
  for await (const { kind, text } of corpus.channel()) {
    if (kind === 'say' && text !== undefined) channel.push(text);
    if (channel.length === channelLinesMax) break;
  }
  const dialogues = corpus.dialogues.flatMap(({ lines }) => lines);
  return {
    name: corpus.name,
    wordCounts: countWords([...channel, ...dialogues]),
    textAt(conversation, sequence, chance) {
      // Every seventh conversation is of dialogues, in many scripts.
      const lines = conversation % 7 === 3 ? dialogues : channel;
      const text = lines[(conversation * 4_801 + sequence) % lines.length]!;
      return chance < caseShare ? `${text} case-${conversation.toString(36)}x${sequence}` : text;
    },
  };
}

function countWords(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const word of text.toLowerCase().match(/[a-z0-9]+/g) ?? [])
      counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}
