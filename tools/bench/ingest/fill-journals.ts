// Journals as people leave them: direct conversations and groups, with texts of the corpus, decided by the cluster's own
// actors.
import path from 'node:path';
import { projectFolder } from '@parley/testing/servers';
import { type Corpus, makeUpCorpus, openCorpus } from '../../demo/corpus.ts';
import type { GroupPlan, PlannedMessage } from '../bulk-orders.ts';
import { userName } from '../people-plan.ts';
import type { Stand } from '../stand.ts';

const users = 2_000;
const pairs = 3_000;
const groups = 40;
const membersOfGroup = 50;
/** Of ten messages. */
const inGroups = 3;
const postedAtOnce = 8_192;
const textsMax = 300_000;

/** Makes people and groups; `write` then adds at least so many messages. System messages of groups come on top. */
export class JournalFiller {
  readonly #stand: Stand;
  readonly #rooms: readonly GroupPlan[];
  readonly #texts: readonly string[];
  #number = 0;

  static async open(stand: Stand): Promise<JournalFiller> {
    await stand.orders.register(Array.from({ length: users }, (_, index) => userName(index)));
    const rooms = Array.from({ length: groups }, (_, index) => ({
      id: `room-${index}`,
      members: Array.from({ length: membersOfGroup }, (_member, member) => userAt(index * 37 + member * 13)),
    }));
    await stand.orders.createGroups(rooms);
    return new JournalFiller(stand, rooms, await textsOfCorpus());
  }

  private constructor(stand: Stand, rooms: readonly GroupPlan[], texts: readonly string[]) {
    this.#stand = stand;
    this.#rooms = rooms;
    this.#texts = texts;
  }

  /** All are committed when it resolves. */
  async write(messages: number): Promise<void> {
    for (let left = messages; left > 0; left -= postedAtOnce)
      await this.#stand.orders.post(
        Array.from({ length: Math.min(left, postedAtOnce) }, () => this.#message(this.#number++)),
      );
  }

  #message(number: number): PlannedMessage {
    const of = { clientMessageId: `m${number}`, text: this.#texts[number % this.#texts.length]! };
    if (number % 10 < inGroups) {
      const { id, members } = this.#rooms[(number * 7) % groups]!;
      return { type: 'group', id, sender: members[number % membersOfGroup]!, ...of };
    }
    const pair = (number * 31) % pairs;
    const two = [userAt(pair), userAt(pair * 3 + 1)].sort();
    return { type: 'direct', id: two.join('.'), sender: two[number % 2]!, ...of };
  }
}

const userAt = (number: number): string => userName(number % users);

/** Channel and dialogues in turn. */
async function textsOfCorpus(): Promise<readonly string[]> {
  const folder = process.env['PARLEY_CORPUS'] ?? path.join(projectFolder, '..', 'shared', 'corpus');
  const corpus: Corpus = openCorpus(folder) ?? makeUpCorpus();
  const lines = corpus.dialogues.flatMap((dialogue) => dialogue.lines);
  const texts: string[] = [];
  for await (const { kind, text = '' } of corpus.channel()) {
    if (kind !== 'say' || text.trim() === '') continue;
    texts.push(text);
    if (texts.length % 4 === 0) texts.push(lines[(texts.length / 4) % lines.length] ?? text);
    if (texts.length >= textsMax) break;
  }
  return texts;
}
