// What people do with what was said: reactions, reading, deleting for oneself and blocking in private conversations; muting,
// banning and reading in a group. Played when all has been said and compared; each act is checked on every device of those
// it is about, against what it ought to have done.
import { type Client, ClientError, type Message } from '@parley/client';
import { waitUntil } from '@parley/testing/servers';
import { conversationOf } from './dialogue-replay.ts';
import { Gate } from './gate.ts';
import type { People } from './people.ts';
import type { Pair } from './plan.ts';

export interface Social {
  reactions: number;
  receipts: number;
  deletions: number;
  blocks: number;
  mutes: number;
  bans: number;
  /** What was not as it ought to be, in words. */
  readonly wrong: string[];
}

const pairsAtOnceMax = 16;
/** How long everybody may take to see an act. */
const seenLimitMs = 30_000;
const circleGroup = 'circle';
const circleConversation = `g.${circleGroup}`;

export interface SocialOptions {
  readonly people: People;
  readonly pairs: readonly Pair[];
  /** Makes the group, and looks after it. */
  readonly keeper: string;
  /** Who is in it; all of them are connected. */
  readonly members: readonly string[];
  isStopping(): boolean;
}

export async function beSocial(options: SocialOptions): Promise<Social> {
  const social: Social = {
    reactions: 0,
    receipts: 0,
    deletions: 0,
    blocks: 0,
    mutes: 0,
    bans: 0,
    wrong: [],
  };
  const note = (what: string, error: unknown): void => {
    social.wrong.push(`${what}: ${(error as Error).message}`);
  };
  const gate = new Gate(pairsAtOnceMax);
  for (const pair of options.pairs) {
    if (options.isStopping()) break;
    await gate.start(() =>
      inPrivate(pair, options.people, social).catch((error: unknown) =>
        note(`${pair.first} and ${pair.second}`, error),
      ),
    );
  }
  await gate.drain();
  if (!options.isStopping())
    await inCircle(options, social).catch((error: unknown) => note(circleConversation, error));
  return social;
}

async function inPrivate(pair: Pair, people: People, social: Social): Promise<void> {
  const conversation = conversationOf(pair);
  const [atFirst, atSecond] = [devicesOf(people, pair.first), devicesOf(people, pair.second)];
  const [first, second] = [atFirst[0], atSecond[0]];
  if (first === undefined || second === undefined) return;
  const written = messagesOf(first, conversation).filter(({ text, isRecalled }) => text && !isRecalled);
  const [kept, deleted] = [written.at(-1), written.at(-2)];
  if (kept === undefined) return;
  await second.react(conversation, kept.sequence, '👍');
  await first.react(conversation, kept.sequence, '👍');
  await first.react(conversation, kept.sequence, '🎉');
  await first.react(conversation, kept.sequence, '🎉', true);
  for (const device of [...atFirst, ...atSecond]) {
    await seen(`👍 twice, and nothing else, on ${conversation} #${kept.sequence}`, device, () => {
      const { reactions = [] } = messageAt(device, conversation, kept.sequence) ?? {};
      return reactions.length === 1 && reactions[0]?.emoji === '👍' && reactions[0].count === 2;
    });
  }
  social.reactions += 4;
  if (deleted !== undefined) {
    await first.deleteForMe(conversation, [deleted.sequence]);
    for (const device of atFirst)
      await seen(`${conversation} #${deleted.sequence} is gone`, device, () =>
        Boolean(messageAt(device, conversation, deleted.sequence)?.gone),
      );
    for (const device of atSecond)
      if (messageAt(device, conversation, deleted.sequence)?.text !== deleted.text)
        social.wrong.push(`${conversation} #${deleted.sequence} was deleted for the other one, too`);
    social.deletions += 1;
  }
  await block(pair, people, social);
  const read = second.conversation(conversation).tail;
  await second.markRead(conversation, read);
  for (const device of atFirst)
    await seen(
      `${pair.second} has read ${conversation} up to ${read}`,
      device,
      () => device.conversation(conversation).peerRead >= read,
    );
  social.receipts += 1;
}

/** The second one wants to hear nothing more of the first, and thinks better of it. */
async function block(pair: Pair, people: People, social: Social): Promise<void> {
  const conversation = conversationOf(pair);
  const [first] = devicesOf(people, pair.first);
  const api = await people.api(pair.second);
  await api.block(pair.first);
  await refusedWith('BLOCKED', () => first!.send(conversation, 'do you hear me?'));
  await api.unblock(pair.first);
  await waitUntil(async () => (await codeOf(first!.send(conversation, 'again'))) === undefined, {
    what: `${pair.first} may write to ${pair.second} again`,
    limitMs: seenLimitMs,
  });
  social.blocks += 1;
}

async function inCircle({ people, keeper, members }: SocialOptions, social: Social): Promise<void> {
  const [muted, banned] = members;
  if (muted === undefined || banned === undefined) return;
  const api = await people.api(keeper);
  const atKeeper = devicesOf(people, keeper)[0]!;
  await api.createGroup({ id: circleGroup, title: 'circle', members: [...members] });
  const circle = api.group(circleGroup);
  await untilMember(people, members, true);
  const [atMuted, atBanned] = [devicesOf(people, muted)[0]!, devicesOf(people, banned)[0]!];

  await circle.mute(muted, Date.now() + 3_600_000);
  await refusedWith('MUTED', () => atMuted.send(circleConversation, 'may I?'));
  await circle.mute(muted, 0);
  await atMuted.send(circleConversation, 'I may');
  social.mutes += 1;

  await circle.ban(banned);
  await untilMember(people, [banned], false);
  await refusedWith('NOT_A_MEMBER', () => atBanned.send(circleConversation, 'let me in'));
  await refusedWith('BANNED', () => api.addMembers(circleGroup, [banned]));
  await circle.unban(banned);
  await api.addMembers(circleGroup, [banned]);
  await untilMember(people, [banned], true);
  social.bans += 1;

  const { sequence } = await atKeeper.send(circleConversation, 'who has read this?');
  for (const user of members) {
    for (const device of devicesOf(people, user))
      await seen(
        `${circleConversation} up to #${sequence}`,
        device,
        () => device.conversation(circleConversation).tail >= sequence,
      );
    await devicesOf(people, user)[0]!.markRead(circleConversation, sequence);
  }
  const everybody = members.length + 1;
  await waitUntil(async () => (await atKeeper.readers(circleConversation, sequence)).count === everybody, {
    what: `${everybody} have read ${circleConversation} #${sequence}`,
    limitMs: seenLimitMs,
  });
  social.receipts += members.length;
}

async function untilMember(people: People, users: readonly string[], isMember: boolean): Promise<void> {
  for (const user of users)
    for (const device of devicesOf(people, user))
      await seen(`${user} is ${isMember ? '' : 'no '}member of ${circleConversation}`, device, () => {
        const view = device.conversation(circleConversation);
        return view.head > 0 && view.isMember === isMember;
      });
}

async function seen(what: string, device: Client, condition: () => boolean): Promise<void> {
  await waitUntil(() => device.isCaughtUp && condition(), {
    what: `${what}, for ${device.user}`,
    limitMs: seenLimitMs,
  });
}

/** Until the refusal has come to where it is decided, the same is done again. */
async function refusedWith(code: string, work: () => Promise<unknown>): Promise<void> {
  await waitUntil(async () => (await codeOf(work())) === code, {
    what: `a refusal with ${code}`,
    limitMs: seenLimitMs,
  });
}

const codeOf = (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof ClientError ? error.code : String(error)),
  );

const devicesOf = (people: People, user: string): Client[] =>
  (people.devices.get(user) ?? []).flatMap(({ client }) => client ?? []);

const messagesOf = (device: Client, conversation: string): Message[] =>
  device.conversation(conversation).segments.flatMap(({ messages }) => messages);

const messageAt = (device: Client, conversation: string, sequence: number): Message | undefined =>
  messagesOf(device, conversation).find((message) => message.sequence === sequence);
