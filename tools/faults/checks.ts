// After the faults: everything that was told to somebody is compared with everything that is stored. The journals are the
// yardstick, and are themselves held against what senders were told.
import { inParallel } from '@parley/std';
import { type NatsLink, NatsMessenger } from '@parley/adapters';
import { internal, subjects } from '@parley/protocol';
import { waitUntil } from '@parley/testing/servers';
import type { Device, People, Post, User } from './people.ts';
import { reachesInboxes } from '../journals/membership.ts';
import type { TrueConversation, Truth } from './truth.ts';

export const flawKinds = [
  'lost',
  'duplicated',
  'out_of_order',
  'holes_not_detected',
  'unread_wrong',
  'history_missing',
] as const;

export type FlawKind = (typeof flawKinds)[number];

const toldMax = 60;

export class Verdict {
  readonly counts: Record<FlawKind, number> = {
    lost: 0,
    duplicated: 0,
    out_of_order: 0,
    holes_not_detected: 0,
    unread_wrong: 0,
    history_missing: 0,
  };
  readonly told: string[] = [];

  find(kind: FlawKind, what: string, count = 1): void {
    this.counts[kind] += count;
    if (this.told.length < toldMax) this.told.push(`${kind}: ${what}`);
  }
}

/** Is what senders were told in the journals, at its place, once, in the order each device sent it? */
export function checkLedger(people: People, truth: Truth, verdict: Verdict): void {
  const { posts, changes, doubledByRepeat, shownTwice, shownWithHole } = people.ledger;
  const lastOf = new Map<string, Post>();
  for (const post of posts) {
    if (post.sequence === 0) continue;
    const { conversation, sequence, sender, clientMessageId, text } = post;
    const message = truth.conversations.get(conversation)?.messages[sequence - 1];
    const isIt =
      message?.sender === sender && message.clientMessageId === clientMessageId && message.sentText === text;
    if (!isIt)
      verdict.find(
        'lost',
        `${conversation} #${sequence} is ${message?.clientMessageId ?? 'not'} in the journal, not ${clientMessageId}`,
      );
    const lane = `${sender} ${post.deviceId} ${conversation}`;
    const before = lastOf.get(lane);
    if (before !== undefined && before.sequence >= sequence)
      verdict.find(
        'out_of_order',
        `${lane}: #${sequence} (${clientMessageId}) was sent after #${before.sequence} (${before.clientMessageId})`,
      );
    lastOf.set(lane, post);
  }
  for (const { post, sequence } of changes) {
    const { conversation, sender } = post;
    const element = truth.conversations.get(conversation)?.messages[sequence - 1];
    if (element?.target !== post.sequence || element.sender !== sender)
      verdict.find(
        'lost',
        `${conversation} #${sequence} is not the change of #${post.sequence} in the journal`,
      );
  }
  if (doubledByRepeat > 0) verdict.find('duplicated', 'repeats that got another place', doubledByRepeat);
  if (shownTwice > 0) verdict.find('duplicated', 'shown twice or backwards on a device', shownTwice);
  if (shownWithHole > 0) verdict.find('holes_not_detected', 'shown with a hole on a device', shownWithHole);
}

/** Is every message in the inbox of everybody it is for? */
export function checkInboxes(truth: Truth, verdict: Verdict): void {
  for (const conversation of truth.conversations.values()) {
    for (const [user, spans] of conversation.spans) {
      const entries = truth.inboxes.get(user)?.entries;
      for (const { from, to } of spans) {
        for (let sequence = from; sequence <= (to || conversation.messages.length); sequence++) {
          if (!reachesInboxes(conversation, sequence) || entries?.has(`${conversation.id}#${sequence}`))
            continue;
          verdict.find('lost', `the inbox of ${user} has no ${conversation.id} #${sequence}`);
        }
      }
    }
  }
}

/** Does the device show exactly what it should, in order? */
export function checkDevice(device: Device, truth: Truth, verdict: Verdict, name = device.deviceId): void {
  for (const conversation of truth.conversations.values()) {
    const spans = conversation.spans.get(device.user);
    if (spans !== undefined) checkView(device, conversation, spans, verdict, `${device.user}/${name}`);
  }
}

function checkView(
  device: Device,
  conversation: TrueConversation,
  spans: readonly { readonly from: number; readonly to: number }[],
  verdict: Verdict,
  who: string,
): void {
  const { id, messages } = conversation;
  const view = device.store.segments(id).flatMap((segment) => segment.messages);
  const seen = new Set<number>();
  let last = 0;
  for (const message of view) {
    const { sequence, sender, clientMessageId, text, system, revision, isRecalled } = message;
    const real = messages[sequence - 1];
    if (seen.has(sequence)) verdict.find('duplicated', `${who} has ${id} #${sequence} twice`);
    else if (sequence < last) verdict.find('out_of_order', `${who} has ${id} #${sequence} after #${last}`);
    const isSame =
      real !== undefined &&
      (real.isSystem
        ? Boolean(system)
        : real.sender === sender &&
          real.clientMessageId === clientMessageId &&
          real.text === (text ?? '') &&
          real.revision === (revision ?? 0) &&
          real.isRecalled === (isRecalled ?? false));
    if (!isSame) verdict.find('out_of_order', `${who} has something else at ${id} #${sequence}`);
    seen.add(sequence);
    last = sequence;
  }
  const missing: number[] = [];
  for (const { from, to } of spans) {
    for (let sequence = from; sequence <= (to || messages.length); sequence++) {
      if (!seen.has(sequence)) missing.push(sequence);
    }
  }
  if (missing.length === 0) return;
  // Missing and not known to be missing is worse than missing.
  const client = device.client;
  const isHidden = client?.isCaughtUp === true && client.conversation(id).isComplete;
  const what = `${who} lacks ${missing.length} of ${id}, from #${missing[0]} on (of ${messages.length})`;
  verdict.find(isHidden ? 'holes_not_detected' : 'lost', what, missing.length);
}

/** Read pointers and counts of all devices: with what the server confirmed, with the journals and with each other. */
export function checkReads(
  user: User,
  devices: readonly Device[],
  { people, truth, verdict }: { readonly people: People; readonly truth: Truth; readonly verdict: Verdict },
): void {
  for (const conversation of user.conversations) {
    const views = devices.flatMap((device) => {
      const view = device.client?.conversation(conversation);
      return view === undefined
        ? []
        : [
            {
              name: device.deviceId,
              read: view.read,
              unread: view.unread,
              mentions: view.unreadMentions,
              head: view.head,
            },
          ];
    });
    const pointer = user.reads.get(conversation) ?? 0;
    const own = people.ledger.posts
      .filter((post) => post.sender === user.id && post.conversation === conversation)
      .reduce((most, post) => Math.max(most, post.sequence), 0);
    const expected = Math.max(pointer, own);
    for (const { name, read, unread, mentions, head } of views) {
      const mentioned = mentionsAfter(read, user, people, truth.conversations.get(conversation));
      if (mentions !== mentioned)
        verdict.find(
          'unread_wrong',
          `${user.id}/${name} in ${conversation}: ${mentions} unread mentions after ${read}, the journal has ${mentioned}`,
        );
      if (read < expected || unread !== unreadBetween(truth, conversation, { read, head }))
        verdict.find(
          'unread_wrong',
          `${user.id}/${name} in ${conversation}: read ${read}, unread ${unread} of ${head}; confirmed ${pointer}, own ${own}`,
        );
    }
    if (new Set(views.map(({ unread }) => unread)).size > 1)
      verdict.find(
        'unread_wrong',
        `${user.id} in ${conversation}: ${views.map(({ name, unread }) => `${name} ${unread}`).join(', ')}`,
      );
  }
}

function unreadBetween(
  truth: Truth,
  conversation: string,
  { read, head }: { readonly read: number; readonly head: number },
): number {
  let unread = Math.max(0, head - read);
  for (const sequence of truth.conversations.get(conversation)?.uncounted ?? [])
    if (sequence > read && sequence <= head) unread--;
  return unread;
}

function mentionsAfter(
  read: number,
  { id }: User,
  people: People,
  conversation: TrueConversation | undefined,
): number {
  const mentioning = (conversation?.messages ?? []).filter(
    ({ sequence, clientMessageId, isSystem, isRecalled, target }) => {
      if (sequence <= read || isSystem || isRecalled || target > 0) return false;
      const meant = people.mentionsOf(conversation!.id, clientMessageId);
      return meant !== undefined && (meant.mentionsAll || meant.mentions.includes(id));
    },
  );
  return Math.min(mentioning.length, countedMentionsMax);
}

/** As many as servers and devices count. */
const countedMentionsMax = 256;
const pageSequencesMax = 500;
const askLimitMs = 10_000;

/** Has ClickHouse everything? Asked page by page, as gateways do; first waits until history has caught up. */
export async function checkHistory(
  link: NatsLink,
  tenant: string,
  truth: Truth,
  verdict: Verdict,
  limitMs: number,
): Promise<void> {
  const messenger = new NatsMessenger(link);
  const endMs = performance.now() + limitMs;
  await inParallel([...truth.conversations.values()], 4, async (conversation) => {
    const { id, messages } = conversation;
    let at = 0;
    let problem = '';
    while (at < messages.length) {
      const to = Math.min(messages.length, at + pageSequencesMax);
      const request = internal.HistoryPageRequest.encode({
        tenant,
        conversation: id,
        from: at + 1,
        to,
      }).finish();
      const result = await messenger.request(subjects.history('page'), request, askLimitMs);
      const answer =
        result.outcome === 'answered' ? internal.HistoryPageAnswer.decode(result.bytes) : undefined;
      const page = answer?.messages ?? [];
      for (const message of page) {
        const real = messages[at];
        const isSame =
          message.sequence === at + 1 &&
          real !== undefined &&
          (real.isSystem ||
            (real.clientMessageId === message.clientMessageId &&
              real.text === (message.text ?? '') &&
              real.revision === message.revision));
        if (!isSame) verdict.find('history_missing', `${id} #${at + 1} is something else in the history`);
        at++;
      }
      if (page.length > 0) continue;
      problem = answer?.error?.code ?? result.outcome;
      if (performance.now() > endMs) break;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    if (at < messages.length)
      verdict.find(
        'history_missing',
        `${id} ends at #${at} of ${messages.length} in the history (${problem})`,
        messages.length - at,
      );
  });
}

/** Waits until every device has everything; what is missing after that is for the checks to find. */
export async function untilQuiet(people: People, truth: Truth, limitMs: number): Promise<string | undefined> {
  const isDone = (device: Device): boolean => {
    const { client } = device;
    if (client === undefined || !client.isCaughtUp || client.outboxSize > 0) return false;
    for (const conversation of truth.conversations.values()) {
      if (!conversation.spans.has(device.user)) continue;
      if (client.conversation(conversation.id).tail < conversation.messages.length) return false;
    }
    return true;
  };
  const devices = people.users.flatMap((user) => user.devices);
  try {
    await waitUntil(() => devices.every(isDone), {
      what: 'every device has everything',
      limitMs,
      everyMs: 100,
    });
    return undefined;
  } catch {
    const late = devices.filter((device) => !isDone(device));
    const [first] = late;
    const client = first?.client;
    return `${late.length} of ${devices.length} devices do not have everything after ${limitMs / 1_000} s; ${first?.user}/${first?.deviceId} is ${client?.state}, caught up: ${client?.isCaughtUp}, ${client?.outboxSize} to send, position ${client?.inboxPosition}`;
  }
}
