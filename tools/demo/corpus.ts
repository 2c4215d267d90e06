// What the demo plays: the events of a chat channel in order, and short dialogues. Read from a corpus folder, or made up
// from a seed where there is none.
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { createGunzip } from 'node:zlib';
import { type Random, seededRandom } from '@parley/std';

export interface ChannelEvent {
  readonly kind: 'say' | 'action' | 'join' | 'leave' | 'nick';
  readonly nick: string;
  /** What was said; with `nick` the new name. */
  readonly text?: string;
}

export interface Dialogue {
  readonly lang: string;
  readonly lines: readonly string[];
}

export interface Corpus {
  readonly name: string;
  channel(): AsyncIterable<ChannelEvent> | Iterable<ChannelEvent>;
  readonly dialogues: readonly Dialogue[];
}

const channelFile = 'ubuntu-irc.jsonl.gz';
const dialoguesFile = 'dialogues.jsonl';

/** undefined when the folder has no corpus. */
export function openCorpus(folder: string): Corpus | undefined {
  const channel = path.join(folder, channelFile);
  const dialogues = path.join(folder, dialoguesFile);
  if (!existsSync(channel) || !existsSync(dialogues)) return undefined;
  const lines = readFileSync(dialogues, 'utf8').trim().split('\n');
  return {
    name: `the corpus in ${folder}`,
    channel: () => readChannel(channel),
    dialogues: lines.map((line) => JSON.parse(line) as Dialogue),
  };
}

async function* readChannel(file: string): AsyncGenerator<ChannelEvent> {
  const input = createReadStream(file).pipe(createGunzip());
  for await (const line of readline.createInterface({ input })) {
    if (line !== '') yield JSON.parse(line) as ChannelEvent;
  }
}

// ---------- made up ----------

const englishWords =
  'the a my this try install kernel driver sound screen disk boot update package server network works broken thanks please help how why file folder sudo apt mount wireless card printer'.split(
    ' ',
  );
const chineseWords = [
  '你好',
  '机器人',
  '人工智能',
  '电脑',
  '今天',
  '天气',
  '喜欢',
  '音乐',
  '谢谢',
  '朋友',
  '工作',
  '学习',
  '什么',
  '为什么',
  '可以',
];
const namesInChannel = 3_000;
const madeUpDialogues = 2_500;

export function makeUpCorpus(seed = 1): Corpus {
  return {
    name: 'a made-up corpus',
    channel: () => makeUpChannel(seededRandom(seed)),
    dialogues: [...makeUpDialogues(seededRandom(seed + 1))],
  };
}

/** Endless: many listen, few talk, people come and go. */
function* makeUpChannel(random: Random): Generator<ChannelEvent> {
  for (;;) {
    const chance = random.next();
    // The square makes low numbers talk most.
    const talker = `nick${Math.floor(random.next() ** 2 * namesInChannel)}`;
    if (chance < 0.78)
      yield { kind: 'say', nick: talker, text: `${sentence(random, englishWords, ' ')} ${rareWord(random)}` };
    else if (chance < 0.96) yield { kind: 'join', nick: `nick${Math.floor(random.next() * namesInChannel)}` };
    else yield { kind: 'leave', nick: talker };
  }
}

function* makeUpDialogues(random: Random): Generator<Dialogue> {
  for (let i = 0; i < madeUpDialogues; i++) {
    const isChinese = i % 4 === 0;
    const line = () => (isChinese ? sentence(random, chineseWords, '') : sentence(random, englishWords, ' '));
    yield { lang: isChinese ? 'chinese' : 'english', lines: Array.from({ length: 2 + (i % 3) }, line) };
  }
}

const syllables = ['ba', 'ko', 'ri', 'mu', 'te', 'la', 'no', 'si'];

/** One of 512 words that each occur now and then: something to search for. */
function rareWord(random: Random): string {
  const syllable = () => syllables[Math.floor(random.next() * syllables.length)]!;
  return syllable() + syllable() + syllable();
}

function sentence(random: Random, words: readonly string[], glue: string): string {
  const length = 3 + Math.floor(random.next() * 10);
  return Array.from({ length }, () => words[Math.floor(random.next() * words.length)]).join(glue);
}
