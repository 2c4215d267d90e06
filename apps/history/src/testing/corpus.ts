// Real conversations for tests where they are at hand (PARLEY_CORPUS, or ../shared/corpus beside the project), and a
// small built-in stand-in where they are not.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

export interface Dialogue {
  readonly lang: string;
  readonly lines: readonly string[];
}

const root = path.resolve(import.meta.dirname, '../../../..');
const folder = process.env['PARLEY_CORPUS'] ?? path.join(root, '..', 'shared', 'corpus');

/** At most `max` dialogues in many scripts, evenly taken. */
export function dialogues(max: number): readonly Dialogue[] {
  const file = path.join(folder, 'dialogues.jsonl');
  if (!existsSync(file)) return standIn;
  const all = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Dialogue);
  const step = Math.max(1, all.length / max);
  return Array.from(
    { length: Math.min(max, all.length) },
    (_, index) => all[Math.floor(index * step)] as Dialogue,
  );
}

/** The first `max` lines that were said in a busy channel; none where the corpus is not at hand. */
export function channelLines(max: number): readonly string[] {
  const file = path.join(folder, 'ubuntu-irc.jsonl.gz');
  if (!existsSync(file)) return [];
  const lines: string[] = [];
  for (const line of gunzipSync(readFileSync(file)).toString('utf8').split('\n')) {
    const { kind, text } = (line === '' ? {} : JSON.parse(line)) as { kind?: string; text?: string };
    if (kind === 'say' && text !== undefined) lines.push(text);
    if (lines.length === max) break;
  }
  return lines;
}

const standIn: readonly Dialogue[] = [
  {
    lang: 'english',
    lines: [
      'What does xorg.conf do?',
      'It sets up the X server. My kernel panics.',
      'A kernel panic, again?',
    ],
  },
  {
    lang: 'chinese',
    lines: ['你好，你是谁？', '我是一个机器人。', '什么是人工智能？', '人工智能是工程和科学的分支。'],
  },
  { lang: 'japanese', lines: ['ありがとう', 'どういたしまして。ｶﾞﾝﾊﾞﾚ！'] },
  { lang: 'german', lines: ['Wie heißt du?', 'Das möchte ich über dich wissen. STRASSE'] },
  { lang: 'spanish', lines: ['¿Qué tal?', '¿Qué hora es?'] },
];
