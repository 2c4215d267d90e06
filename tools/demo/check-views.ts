// After the replay: compares what every device shows with what was acknowledged. The log of a conversation is what its
// longest witness has, once that has been shown to hold exactly the acknowledged messages, in the order they were sent.
import type { Message } from '@parley/client';
import type { Changed, People, Posted } from './people.ts';
import type { Versions } from './versions.ts';

export interface Verdict {
  delivered: number;
  lost: number;
  duplicated: number;
  outOfOrder: number;
  readonly findings: string[];
}

export interface Span {
  readonly from: number;
  /** 0 while open. */
  to: number;
}

/** Findings told in words; more are only counted. */
const findingsMax = 40;

export const newVerdict = (): Verdict => ({
  delivered: 0,
  lost: 0,
  duplicated: 0,
  outOfOrder: 0,
  findings: [],
});

function find(verdict: Verdict, kind: 'lost' | 'duplicated' | 'outOfOrder', what: string, count = 1): void {
  verdict[kind] += count;
  if (verdict.findings.length < findingsMax) verdict.findings.push(`${kind}: ${what}`);
}

/** All messages a device holds of a conversation, in the order it shows them. */
export function viewOf(people: People, user: string, device: number, conversation: string): Message[] {
  const store = people.devices.get(user)?.[device]?.store;
  return (store?.segments(conversation) ?? []).flatMap((segment) => segment.messages);
}

/** Holds `log` exactly what was acknowledged, at the acknowledged places, in the order each sender sent? */
export function checkLog(
  log: readonly Message[],
  { posted, changed }: { readonly posted: readonly Posted[]; readonly changed: readonly Changed[] },
  verdict: Verdict,
): void {
  const bySequence = new Map(log.map((message) => [message.sequence, message]));
  log.forEach((message, index) => {
    if (message.sequence !== index + 1)
      find(verdict, 'outOfOrder', `${message.conversation} #${message.sequence} at place ${index + 1}`);
  });
  for (const one of posted) {
    const message = bySequence.get(one.sequence);
    const isThere = message?.sender === one.sender && message.clientMessageId === one.clientMessageId;
    if (!isThere)
      find(verdict, 'lost', `${one.conversation} #${one.sequence} is not what ${one.sender} was told`);
  }
  for (const { conversation, sequence, target, text } of changed) {
    const element = bySequence.get(sequence);
    const isThere =
      text === undefined
        ? element?.recalled?.sequence === target
        : element?.edited?.sequence === target && element.edited.text === text;
    if (!isThere) find(verdict, 'lost', `${conversation} #${sequence} is not the change of #${target}`);
  }
  const ids = new Set<string>();
  for (const message of log) {
    if (message.system) continue;
    const id = `${message.sender} ${message.clientMessageId}`;
    if (ids.has(id)) find(verdict, 'duplicated', `${message.conversation} #${message.sequence}: ${id} again`);
    ids.add(id);
  }
  checkOrder(posted, verdict);
}

function checkOrder(posted: readonly Posted[], verdict: Verdict): void {
  const lastOf = new Map<string, number>();
  for (const one of posted.toSorted((a, b) => a.order - b.order)) {
    const last = lastOf.get(one.sender) ?? 0;
    if (one.sequence <= last)
      find(
        verdict,
        'outOfOrder',
        `${one.conversation} #${one.sequence} of ${one.sender} was sent after #${last}`,
      );
    lastOf.set(one.sender, Math.max(last, one.sequence));
  }
}

/** The spans in which each user was a member of the group, from its log. */
export function spansOf(log: readonly Message[]): Map<string, Span[]> {
  const spans = new Map<string, Span[]>();
  const open = (user: string, from: number) => spans.set(user, [...(spans.get(user) ?? []), { from, to: 0 }]);
  const close = (user: string, to: number) => {
    const last = spans.get(user)?.at(-1);
    if (last !== undefined && last.to === 0) last.to = to;
  };
  for (const { system, sequence, sender } of log) {
    if (!system) continue;
    if (system.groupCreated)
      for (const user of new Set([sender, ...(system.groupCreated.members ?? [])])) open(user, sequence);
    for (const user of system.membersAdded?.members ?? []) open(user, sequence);
    if (system.memberLeft?.member) close(system.memberLeft.member, sequence);
    if (system.memberRemoved?.member) close(system.memberRemoved.member, sequence);
  }
  return spans;
}

/** Shows the device exactly the messages of these spans, each once, in order? */
export function checkView(
  view: readonly Message[],
  expected: {
    readonly log: readonly Message[];
    readonly spans: readonly Span[];
    readonly who: string;
    readonly versions: Versions;
  },
  verdict: Verdict,
): void {
  const { log, spans, who, versions } = expected;
  const seen = new Set<number>();
  let last = 0;
  for (const message of view) {
    const { sequence } = message;
    if (seen.has(sequence)) find(verdict, 'duplicated', `${who} shows #${sequence} twice`);
    else if (sequence < last) find(verdict, 'outOfOrder', `${who} shows #${sequence} after #${last}`);
    else if (!isSame(message, log[sequence - 1]))
      find(verdict, 'outOfOrder', `${who} shows something else at #${sequence}`);
    else if (!versions.isRight(message, spans))
      find(verdict, 'lost', `${who} shows another version of #${sequence} than the newest it may see`);
    else verdict.delivered++;
    seen.add(sequence);
    last = Math.max(last, sequence);
  }
  let wanted = 0;
  let missing = 0;
  let firstMissing = 0;
  for (const span of spans) {
    for (let sequence = span.from; sequence <= (span.to || log.length); sequence++) {
      wanted++;
      if (seen.has(sequence)) continue;
      missing++;
      firstMissing ||= sequence;
    }
  }
  if (missing > 0)
    find(
      verdict,
      'lost',
      `${who} lacks ${missing}, from #${firstMissing} on; member in ${spans.map((span) => `${span.from}…${span.to || ''}`).join(', ')}`,
      missing,
    );
  if (seen.size > wanted - missing)
    find(verdict, 'outOfOrder', `${who} shows ${seen.size - wanted + missing} that are not for it`);
}

const isSame = (one: Message, other: Message | undefined): boolean =>
  one === other ||
  (other !== undefined &&
    one.sequence === other.sequence &&
    one.sender === other.sender &&
    one.clientMessageId === other.clientMessageId &&
    ((one.revision ?? 0) !== (other.revision ?? 0) || (one.text ?? '') === (other.text ?? '')));
