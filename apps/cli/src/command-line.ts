// What a line the user typed means. Pure: no connection, no terminal.

import { type PeopleCommand, parsePeople, peopleHelp } from './people-commands.ts';
import { type CareVerb, careHelp, isCare } from './group-care.ts';
export type ExportFormat = 'jsonl' | 'csv' | 'parquet';

export type Command =
  | PeopleCommand
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'invalid'; readonly hint: string }
  | { readonly kind: 'to'; readonly name: string }
  | { readonly kind: 'group-new'; readonly name: string; readonly members: readonly string[] }
  | { readonly kind: 'group-add'; readonly members: readonly string[] }
  | { readonly kind: 'group-remove'; readonly members: readonly string[] }
  | { readonly kind: 'group-care'; readonly verb: CareVerb; readonly words: readonly string[] }
  | { readonly kind: 'join'; readonly group: string; readonly code: string }
  | { readonly kind: 'nick'; readonly name: string }
  | { readonly kind: 'edit'; readonly text: string }
  | { readonly kind: 'recall' }
  | {
      readonly kind: 'react';
      readonly emoji: string;
      readonly sequence: number | undefined;
      readonly remove: boolean;
    }
  | { readonly kind: 'delete'; readonly sequence: number | undefined }
  | { readonly kind: 'clear' }
  | { readonly kind: 'hide' }
  | { readonly kind: 'unread' }
  | { readonly kind: 'quiet'; readonly hours: number }
  | { readonly kind: 'pin'; readonly sequence: number | undefined; readonly unpin: boolean }
  | { readonly kind: 'leave' }
  | { readonly kind: 'list' }
  | { readonly kind: 'history'; readonly count: number }
  | { readonly kind: 'history-at'; readonly atMs: number }
  | { readonly kind: 'search'; readonly words: string }
  | { readonly kind: 'export'; readonly file: string; readonly format: ExportFormat }
  | { readonly kind: 'members' }
  | { readonly kind: 'who' }
  | { readonly kind: 'read' }
  | { readonly kind: 'help' }
  | { readonly kind: 'quit' };

export const helpText = `plain text            send to the current conversation
/to NAME              talk to a user, or switch to a group
/group new NAME A B   make a group with members A and B
/group add A B        add members to the current group
/group remove A B     remove them
${careHelp}
/edit TEXT            put your last message here right
/recall               take your last message here back, for everybody
/react EMOJI [N]      put an emoji on message N, or on the last one
/unreact EMOJI [N]    take yours away
/pin [N], /unpin [N]  pin message N, or the last one, for everybody
/delete [N]           delete message N, or the last one, for yourself
/clear                delete everything here, for yourself
/hide                 take this conversation off the list until somebody writes
/unread               mark this conversation unread
/quiet [HOURS]        do not disturb (default 8; 0: again)
/leave                leave the current group
/list                 conversations and unread counts
/history [N]          the last N messages (default 20)
/history DATE         what was said then: 2026-01-31, or 2026-01-31T14:30
/export FILE          all of the current conversation in a new file: .jsonl, .csv or .parquet
/search WORDS         find messages: words, "a phrase", begin*, -without, from:NAME, after:2026-01-31
/members              members of the current group
/who                  who of this conversation is online
/read                 mark everything here as read
${peopleHelp}
/help                 this
/quit                 end (or Ctrl-C)
//text                send text that begins with /`;

const defaultHistoryCount = 20;
const historyCountMax = 200;

export function parseLine(line: string): Command {
  if (line.trim() === '') return { kind: 'nothing' };
  if (line.startsWith('//')) return { kind: 'say', text: line.slice(1) };
  if (!line.startsWith('/')) return { kind: 'say', text: line };
  const [name = '', ...words] = line.slice(1).trim().split(/\s+/);
  switch (name) {
    case 'to':
      return words.length > 0 ? { kind: 'to', name: words.join(' ') } : invalid('say to whom: /to bob');
    case 'group':
      return parseGroup(words);
    case 'history':
      return parseHistory(words[0]);
    case 'search':
      return words.length > 0
        ? { kind: 'search', words: words.join(' ') }
        : invalid('say what: /search kernel panic');
    case 'contacts':
    case 'contact':
    case 'block':
    case 'unblock':
    case 'allow':
    case 'devices':
    case 'logout':
      return parsePeople(name, words) ?? invalid('say whom: /block NAME, /contact add NAME, /allow contacts');
    case 'export':
      return parseExport(words.join(' '));
    case 'join':
      return words[0] === undefined
        ? invalid('join what: /join GROUP, /join GROUP CODE')
        : { kind: 'join', group: words[0], code: words[1] ?? '' };
    case 'nick':
      return { kind: 'nick', name: words.join(' ') };
    case 'edit':
      return words.length > 0
        ? { kind: 'edit', text: line.slice(line.indexOf('edit') + 4).trim() }
        : invalid('say what it should be: /edit TEXT');
    case 'react':
    case 'unreact':
      return words[0] === undefined
        ? invalid('say which: /react 👍')
        : { kind: 'react', emoji: words[0], sequence: sequenceOf(words[1]), remove: name === 'unreact' };
    case 'delete':
      return { kind: 'delete', sequence: sequenceOf(words[0]) };
    case 'quiet':
      return { kind: 'quiet', hours: Number(words[0] ?? 8) || 0 };
    case 'pin':
    case 'unpin':
      return { kind: 'pin', sequence: sequenceOf(words[0]), unpin: name === 'unpin' };
    case 'clear':
    case 'hide':
    case 'unread':
    case 'recall':
    case 'leave':
    case 'list':
    case 'members':
    case 'who':
    case 'read':
    case 'help':
    case 'quit':
      return { kind: name };
    default:
      return invalid(`there is no /${name}; /help shows what there is`);
  }
}

/** Undefined: the last one is meant. */
const sequenceOf = (word: string | undefined): number | undefined =>
  Number(word?.replace('#', '')) || undefined;

function parseGroup([verb, ...words]: string[]): Command {
  const [name, ...members] = words;
  if (verb === 'new' && name !== undefined) return { kind: 'group-new', name, members };
  if (verb === 'add' && words.length > 0) return { kind: 'group-add', members: words };
  if (verb === 'remove' && words.length > 0) return { kind: 'group-remove', members: words };
  if (isCare(verb, words)) return { kind: 'group-care', verb, words };
  return invalid('/group new NAME A B, /group add A B, /group remove A B; /help shows the others');
}

function parseHistory(word: string | undefined): Command {
  if (word === undefined) return { kind: 'history', count: defaultHistoryCount };
  if (datePattern.test(word)) return parseHistoryAt(word);
  const count = Number(word);
  if (!Number.isInteger(count) || count < 1) return invalid('/history takes a number of messages, or a date');
  return { kind: 'history', count: Math.min(count, historyCountMax) };
}

/** A day begins where the user is, not in UTC. */
function parseHistoryAt(word: string): Command {
  const atMs = new Date(word.includes('T') ? word : `${word}T00:00`).getTime();
  return atMs > 0 ? { kind: 'history-at', atMs } : invalid(`there is no such day or time: ${word}`);
}

function parseExport(file: string): Command {
  const format = /\.(jsonl|csv|parquet)$/.exec(file)?.[1];
  if (format === undefined) return invalid('/export takes a file name that ends in .jsonl, .csv or .parquet');
  return { kind: 'export', file, format: format as ExportFormat };
}

const datePattern = /^\d{4}-\d\d-\d\d(T\d\d:\d\d)?$/;

const invalid = (hint: string): Command => ({ kind: 'invalid', hint });
