// Filters that stand in a search text: `from:alice in:g.team kind:image has:attachment mentions:me after:2026-01-31`.
import { type SearchKind, idPattern, parseConversation, searchKinds, timeMsMax } from '@parley/protocol';
import { parseMoment } from '@parley/std';
import { BadRequest } from './bad-request.ts';

/** Which messages are looked at. Values of a list are alternatives; an empty list lets everything through. */
export interface SearchFilters {
  readonly conversations: readonly string[];
  readonly senders: readonly string[];
  readonly kinds: readonly SearchKind[];
  readonly hasAttachment: boolean;
  readonly mentionsMe: boolean;
  /** Sent at or after; 0: whenever. */
  readonly fromMs: number;
  /** Sent before; 0: whenever. */
  readonly toMs: number;
}

export interface FilteredText {
  /** What is left to be searched for. */
  readonly text: string;
  readonly filters: SearchFilters;
}

const quotes = '"“”„«»「」『』';
/** A quoted phrase, which is left alone, or a filter: one of the known names, a colon, and something behind it. */
const filterPattern = new RegExp(
  `[${quotes}][^${quotes}]*(?:$|[${quotes}])|(?<!\\S)(from|in|kind|has|mentions|after|before):([^\\s${quotes}]+)`,
  'giu',
);

/** `user`: whom `me` stands for. Rejects values that no filter of that name can have. */
export function takeFilters(text: string, user: string): FilteredText {
  const found: [name: string, value: string][] = [];
  const rest = text.replace(filterPattern, (whole: string, name: string | undefined, value: string) => {
    if (name === undefined) return whole;
    found.push([name.toLowerCase(), value]);
    return ' ';
  });
  const valuesOf = (name: string) => found.filter(([one]) => one === name).map(([, value]) => value);
  const times = (name: string) => valuesOf(name).map((value) => timeOf(name, value));
  mustAllBe('attachment', 'has', valuesOf('has'));
  mustAllBe('me', 'mentions', valuesOf('mentions'));
  return {
    text: rest,
    filters: {
      conversations: valuesOf('in').map(conversationOf),
      senders: valuesOf('from').map((value) => (value === 'me' ? user : senderOf(value))),
      kinds: valuesOf('kind').map(kindOf),
      hasAttachment: valuesOf('has').length > 0,
      mentionsMe: valuesOf('mentions').length > 0,
      fromMs: Math.max(0, ...times('after')),
      toMs: Math.min(...times('before'), Infinity) === Infinity ? 0 : Math.min(...times('before')),
    },
  };
}

/** Both: values of lists together, and what the stricter of two bounds says. */
export function joinFilters(one: SearchFilters, other: SearchFilters): SearchFilters {
  const union = <T>(left: readonly T[], right: readonly T[]): T[] => [...new Set([...left, ...right])];
  const ends = [one.toMs, other.toMs].filter((ms) => ms > 0);
  return {
    conversations: union(one.conversations, other.conversations),
    senders: union(one.senders, other.senders),
    kinds: union(one.kinds, other.kinds),
    hasAttachment: one.hasAttachment || other.hasAttachment,
    mentionsMe: one.mentionsMe || other.mentionsMe,
    fromMs: Math.max(one.fromMs, other.fromMs),
    toMs: ends.length === 0 ? 0 : Math.min(...ends),
  };
}

export const letThroughAll = ({ conversations, senders, kinds, ...rest }: SearchFilters): boolean =>
  [conversations, senders, kinds].every((values) => values.length === 0) &&
  !rest.hasAttachment &&
  !rest.mentionsMe &&
  rest.fromMs === 0 &&
  rest.toMs === 0;

export function conversationOf(value: string): string {
  if (parseConversation(value) !== undefined) return value;
  throw new BadRequest('BAD_ID', 'in: a conversation is d.<user>.<user> or g.<group>');
}

export function senderOf(value: string): string {
  if (idPattern.test(value)) return value;
  throw new BadRequest('BAD_ID', 'from: the sender is not a valid user id');
}

export function kindOf(value: string): SearchKind {
  const kind = searchKinds.find((one) => one === value);
  if (kind !== undefined) return kind;
  throw new BadRequest('BAD_REQUEST', `kind: one of ${searchKinds.join(', ')}`);
}

function timeOf(name: string, value: string): number {
  const ms = parseMoment(value);
  if (ms !== undefined && ms > 0 && ms <= timeMsMax) return ms;
  throw new BadRequest('BAD_REQUEST', `${name}: a day as 2026-01-31, or a time as 2026-01-31T13:45:00Z`);
}

function mustAllBe(only: string, name: string, values: readonly string[]): void {
  if (values.some((value) => value !== only))
    throw new BadRequest('BAD_REQUEST', `${name}: knows only ${only}`);
}
