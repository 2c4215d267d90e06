// Real conversations for tests where they are at hand (PARLEY_CORPUS, or ../shared/corpus beside the project), and a
// small built-in stand-in where they are not.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface Dialogue {
  readonly lang: string;
  readonly lines: readonly string[];
}

const root = path.resolve(import.meta.dirname, '../../../..');

/** At most `max` dialogues in many scripts, evenly taken. */
export function dialogues(max: number): readonly Dialogue[] {
  const folder = process.env['PARLEY_CORPUS'] ?? path.join(root, '..', 'shared', 'corpus');
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
