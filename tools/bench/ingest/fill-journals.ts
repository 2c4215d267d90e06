// Journals as people leave them: direct conversations and groups, with texts of the corpus, decided by the cluster's own
// actors.
import path from 'node:path';
import { projectFolder } from '@parley/testing/servers';
import { type Corpus, makeUpCorpus, openCorpus } from '../../demo/corpus.ts';
import type { PlannedMessage } from '../bulk-orders.ts';
import { userName } from '../people-plan.ts';
import type { Stand } from '../stand.ts';

const users = 2_000;
const pairs = 3_000;
const groups = 40;
const membersOfGroup = 50;
/** Of ten messages. */
const inGroups = 3;
const postedAtOnce = 8_192;

/** At least so many messages; system messages of groups come on top. */
export async function fillJournals(
  stand: Stand,
  messages: number,
  say: (line: string) => void,
): Promise<void> {
  const names = Array.from({ length: users }, (_, index) => userName(index));
  await stand.orders.register(names);
  const rooms = Array.from({ length: groups }, (_, index) => ({
    id: `room-${index}`,
    members: Array.from({ length: membersOfGroup }, (_member, member) => userAt(index * 37 + member * 13)),
  }));
  await stand.orders.createGroups(rooms);
  const texts = await textsOfCorpus(messages);
  let batch: PlannedMessage[] = [];
  for (let number = 0; number < messages; number += 1) {
    const text = texts[number % texts.length]!;
    const clientMessageId = `m${number}`;
    if (number % 10 < inGroups) {
      const { id, members } = rooms[(number * 7) % groups]!;
      batch.push({ type: 'group', id, sender: members[number % membersOfGroup]!, clientMessageId, text });
    } else {
      const pair = (number * 31) % pairs;
      const two = [userAt(pair), userAt(pair * 3 + 1)].sort();
      batch.push({ type: 'direct', id: two.join('.'), sender: two[number % 2]!, clientMessageId, text });
    }
    if (batch.length < postedAtOnce && number + 1 < messages) continue;
    await stand.orders.post(batch);
    batch = [];
    if (number % 65_536 < postedAtOnce) say(`  ${number + 1} messages are journaled`);
  }
}

const userAt = (number: number): string => userName(number % users);

/** As many lines as needed, or as there are: channel and dialogues in turn. */
async function textsOfCorpus(max: number): Promise<readonly string[]> {
  const folder = process.env['PARLEY_CORPUS'] ?? path.join(projectFolder, '..', 'shared', 'corpus');
  const corpus: Corpus = openCorpus(folder) ?? makeUpCorpus();
  const lines = corpus.dialogues.flatMap((dialogue) => dialogue.lines);
  const texts: string[] = [];
  for await (const { kind, text = '' } of corpus.channel()) {
    if (kind !== 'say' || text.trim() === '') continue;
    texts.push(text);
    if (texts.length % 4 === 0) texts.push(lines[(texts.length / 4) % lines.length] ?? text);
    if (texts.length >= max) break;
  }
  return texts;
}
