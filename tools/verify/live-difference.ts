// An answer that no commit explains: which sequences, which positions, which fields. Differences are named only as far as
// both sides had come, and by numbers and field names: never by contents.
import type { LogMessage } from '@parley/domain';
import { fromWireMessage, internal, type parley } from '@parley/protocol';
import { differenceBetween, messageDigest } from './digest.ts';
import type { Findings } from './findings.ts';
import { type Question, answerOf } from './questions.ts';
import { placeOf } from './shard-reading.ts';

export interface LiveDifference {
  readonly question: Question;
  readonly answer: Uint8Array;
  /** Head, or inbox position, that the journal had before the question. */
  readonly headBefore: number;
  /** Records of the journal are missing: rebuilt positions may be off. */
  readonly hasHole: boolean;
}

type Answer = parley.internal.v1.QueryAnswer.$Properties;
type Entry = parley.internal.v1.InboxEntry.$Properties;

export function reportLiveDifference(difference: LiveDifference, findings: Findings): void {
  const { question, answer } = difference;
  const actual = read(answer);
  const { entity, body } = question;
  const place = placeOf(entity.address);
  if (actual.error) {
    if (!entity.isBroken && read(answerOf(question)).error?.code === actual.error.code) return;
    findings.add('live-state', place, `the actor refuses '${body}' with ${actual.error.code}`);
    return;
  }
  // Without a state of its own only the messages themselves can be compared.
  if (entity.isBroken) {
    if (body === 'log') compareLog(difference, actual, undefined, findings);
    return;
  }
  const expected = read(answerOf(question));
  if (body === 'log') compareLog(difference, actual, expected, findings);
  else if (body === 'inbox') compareInbox(difference, actual, expected, findings);
  else if (body === 'head') compareHead(difference, actual, expected, findings);
  else compareFields(difference, actual, expected, findings);
}

function read(bytes: Uint8Array): Answer {
  return internal.QueryAnswer.toObject(internal.QueryAnswer.decode(bytes), {
    defaults: true,
    arrays: true,
    oneofs: false,
  }) as Answer;
}

const headWords = (live: number, journal: number): string =>
  `the actor says ${live}, the journal has ${journal}`;

function compareHead(
  { question, headBefore }: LiveDifference,
  actual: Answer,
  expected: Answer,
  findings: Findings,
): void {
  const place = placeOf(question.entity.address);
  const live = Number(actual.head?.head ?? 0);
  const journal = Number(expected.head?.head ?? 0);
  if (live > journal) findings.add('live-head', place, headWords(live, journal), journal + 1, live);
  else if (live < Math.min(journal, headBefore))
    findings.add('live-head', place, headWords(live, journal), live + 1, journal);
  else
    findings.add('live-state', place, 'the actor says otherwise who is a member, or how messages reach them');
}

function compareLog(
  { question, headBefore }: LiveDifference,
  actual: Answer,
  expected: Answer | undefined,
  findings: Findings,
): void {
  const conversation = question.entity.conversation!;
  const place = placeOf(question.entity.address);
  const messages = messagesOf(question.bytes, actual);
  const head = Number(actual.log?.head ?? 0);
  const bySequence = new Map(
    (expected === undefined ? [] : messagesOf(question.bytes, expected)).map((one) => [one.sequence, one]),
  );
  const seen = new Set<number>();
  for (const message of messages) {
    const { sequence } = message;
    if (seen.has(sequence)) findings.add('live-different', place, 'the actor has it twice', sequence);
    seen.add(sequence);
    const digest = conversation.digestAt(sequence);
    if (sequence > conversation.head)
      findings.add('live-extra', place, 'held by the actor, in no journal', sequence);
    else if (digest !== undefined && digest !== messageDigest(message)) {
      const other = bySequence.get(sequence);
      const what =
        other === undefined
          ? ''
          : `: another ${differenceBetween(withPlace(other, conversation.id), message)}`;
      findings.add(
        'live-different',
        place,
        `the actor holds something else than the journal${what}`,
        sequence,
      );
    }
  }
  const first = Math.min(...bySequence.keys(), messages[0]?.sequence ?? Infinity);
  for (let sequence = first; sequence <= Math.min(head, conversation.head); sequence++)
    if (!seen.has(sequence) && (bySequence.has(sequence) || seen.size > 0))
      findings.add('live-missing', place, 'not held by the actor', sequence);
  if (head < Math.min(headBefore, conversation.head))
    findings.add('live-head', place, headWords(head, conversation.head), head + 1, conversation.head);
}

function messagesOf(query: Uint8Array, answer: Answer): LogMessage[] {
  const { type, id } = internal.Query.decode(query);
  const conversation = `${type === 'group' ? 'g' : 'd'}.${id}`;
  return (answer.log?.messages ?? []).map((message) =>
    withPlace(fromWireMessage(message as parley.v1.Message), conversation),
  );
}

/** Logs may leave the conversation's id out. */
const withPlace = (message: LogMessage, conversation: string): LogMessage =>
  message.conversation === '' ? { ...message, conversation } : message;

function compareInbox(
  { question, headBefore, hasHole }: LiveDifference,
  actual: Answer,
  expected: Answer,
  findings: Findings,
): void {
  const { user } = question.entity.inbox!;
  const place = { tenant: question.entity.address.tenant, subject: `inbox ${user}` };
  const live = (actual.inbox?.entries ?? []) as Entry[];
  const journal = (expected.inbox?.entries ?? []) as Entry[];
  const position = Number(actual.inbox?.position ?? 0);
  const known = Number(expected.inbox?.position ?? 0);
  if (hasHole) return alignInbox(live, journal, place, findings);
  if (position > known)
    findings.add('live-head', place, `position: ${headWords(position, known)}`, known + 1, position);
  else if (position < Math.min(headBefore, known))
    findings.add('live-head', place, `position: ${headWords(position, known)}`, position + 1, known);
  const found = new Map<number, Entry>();
  for (const entry of live) {
    const at = Number(entry.position);
    if (found.has(at)) findings.add('live-different', place, 'the actor has this position twice', at);
    found.set(at, entry);
  }
  for (const entry of journal) {
    const at = Number(entry.position);
    const other = found.get(at);
    // Positions beyond its own are told of above; a full page ends before the journal's newest.
    if (at > position || (other === undefined && live.length >= journal.length)) continue;
    if (other === undefined)
      findings.add('live-missing', place, `position of ${entry.conversation} is not held by the actor`, at);
    else if (keyOf(other) !== keyOf(entry))
      findings.add(
        'live-different',
        place,
        `position is ${keyOf(other)} at the actor, ${keyOf(entry)} in the journal`,
        at,
      );
  }
}

/** Positions of the journal's side are not known behind a hole: entries are found by what they refer to. */
function alignInbox(
  live: readonly Entry[],
  journal: readonly Entry[],
  place: { readonly tenant: string; readonly subject: string },
  findings: Findings,
): void {
  const inJournal = new Set(journal.map(keyOf));
  for (const entry of live) {
    if (inJournal.has(keyOf(entry))) continue;
    findings.add(
      'journal-missing',
      place,
      `position of ${entry.conversation} is held by the actor and not in the journal`,
      Number(entry.position),
    );
  }
}

const keyOf = ({ conversation, sequence, isReadMoved, membership, personal }: Entry): string =>
  personal
    ? `personal ${JSON.stringify(personal)}`
    : `${conversation} #${sequence}${isReadMoved ? ' read' : ''}${membership ? ` membership ${membership}` : ''}`;

/** Members, conversations, the account: which of them differ. */
function compareFields(
  { question }: LiveDifference,
  actual: Answer,
  expected: Answer,
  findings: Findings,
): void {
  const place = placeOf(question.entity.address);
  const { body } = question;
  if (body === 'account') {
    findings.add('live-state', place, 'the account is another one');
    return;
  }
  const listOf = (answer: Answer) =>
    body === 'members'
      ? (answer.members?.members ?? []).map((one) => [one.user ?? '', JSON.stringify(one)] as const)
      : (answer.conversations?.conversations ?? []).map(
          (one) => [one.conversation ?? '', JSON.stringify(one)] as const,
        );
  const live = new Map<string, string>(listOf(actual));
  const journal = new Map<string, string>(listOf(expected));
  const names = [...new Set([...live.keys(), ...journal.keys()])].filter(
    (name) => live.get(name) !== journal.get(name),
  );
  for (const name of names.slice(0, namedMax)) {
    const how = !live.has(name)
      ? 'is not known to the actor'
      : !journal.has(name)
        ? 'is in no journal'
        : fieldsOf(live.get(name)!, journal.get(name)!);
    findings.add('live-state', place, `${body}: ${name} ${how}`);
  }
  if (names.length === 0) findings.add('live-state', place, `${body} differ in their order or their count`);
}

/** Members or conversations named for one entity; further ones have the same cause. */
const namedMax = 20;

function fieldsOf(one: string, other: string): string {
  const left = JSON.parse(one) as Record<string, unknown>;
  const right = JSON.parse(other) as Record<string, unknown>;
  const fields = Object.keys({ ...left, ...right }).filter(
    (key) => JSON.stringify(left[key]) !== JSON.stringify(right[key]) && key !== 'title',
  );
  const words = fields.map(
    (field) => `${field} ${String(left[field])} at the actor, ${String(right[field])} in the journal`,
  );
  return words.join('; ') || 'has another title';
}
