// Remembers the newest posted messages by (sender, client message id), so that a retry gets the first answer again.
// Bounded by count and by age; both are applied while evolving, so replay forgets exactly what the live shard forgot.
// An entry beyond its age that no later post has pushed out still answers: a second message would be worse.
//
// There are thousands of entries for each conversation, and they live for days: an object and a key for each of them was
// most of what the garbage collector had to look at. So they are columns, and only the client message id is kept.
import type { ConversationLimits } from './conversation-limits.ts';

export interface DedupeEntry {
  readonly sender: string;
  readonly clientMessageId: string;
  readonly sequence: number;
  readonly atMs: number;
}

export interface DedupeWindow {
  readonly countMax: number;
  /** By sender and client message id the number of the entry; entries are numbered from 0, in order of sequence. */
  readonly bySender: Map<string, Map<string, number>>;
  /** Entry `n` is at `n % countMax` in each column. */
  readonly senders: string[];
  readonly clientMessageIds: string[];
  readonly sequences: number[];
  readonly atMs: number[];
  /** Number of the oldest entry kept. */
  first: number;
  /** Number of the next one. */
  next: number;
}

type DedupeLimits = Pick<ConversationLimits, 'dedupeCountMax' | 'dedupeAgeMaxMs'>;

export const emptyDedupe = ({ dedupeCountMax }: DedupeLimits): DedupeWindow => ({
  countMax: dedupeCountMax,
  bySender: new Map(),
  senders: [],
  clientMessageIds: [],
  sequences: [],
  atMs: [],
  first: 0,
  next: 0,
});

export function findPosted(
  window: DedupeWindow,
  sender: string,
  clientMessageId: string,
): DedupeEntry | undefined {
  const number = window.bySender.get(sender)?.get(clientMessageId);
  return number === undefined ? undefined : entryAt(window, number);
}

export function rememberPosted(window: DedupeWindow, entry: DedupeEntry, limits: DedupeLimits): void {
  while (window.first < window.next) {
    const isYoung = entry.atMs - window.atMs[window.first % window.countMax]! <= limits.dedupeAgeMaxMs;
    if (isYoung && window.next - window.first < window.countMax) break;
    forgetOldest(window);
  }
  add(window, entry);
}

/** In order of sequence. */
export function dedupeEntries(window: DedupeWindow): readonly DedupeEntry[] {
  const entries: DedupeEntry[] = [];
  for (let number = window.first; number < window.next; number++) entries.push(entryAt(window, number));
  return entries;
}

/** More entries than are remembered lose the oldest. */
export function restoreDedupe(entries: readonly DedupeEntry[], limits: DedupeLimits): DedupeWindow {
  const window = emptyDedupe(limits);
  for (const entry of entries.slice(-window.countMax)) add(window, entry);
  return window;
}

function add(window: DedupeWindow, { sender, clientMessageId, sequence, atMs }: DedupeEntry): void {
  const place = window.next % window.countMax;
  window.senders[place] = sender;
  window.clientMessageIds[place] = clientMessageId;
  window.sequences[place] = sequence;
  window.atMs[place] = atMs;
  const posted = window.bySender.get(sender);
  if (posted === undefined) window.bySender.set(sender, new Map([[clientMessageId, window.next]]));
  else posted.set(clientMessageId, window.next);
  window.next++;
}

function forgetOldest(window: DedupeWindow): void {
  const { sender, clientMessageId } = entryAt(window, window.first);
  const posted = window.bySender.get(sender);
  posted?.delete(clientMessageId);
  if (posted?.size === 0) window.bySender.delete(sender);
  window.first++;
}

function entryAt(window: DedupeWindow, number: number): DedupeEntry {
  const place = number % window.countMax;
  return {
    sender: window.senders[place]!,
    clientMessageId: window.clientMessageIds[place]!,
    sequence: window.sequences[place]!,
    atMs: window.atMs[place]!,
  };
}
