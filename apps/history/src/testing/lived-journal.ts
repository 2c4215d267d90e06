// A journal of what people might have done: random commands to real deciders, committed as shards commit, and what every
// entity was after each commit, by the states themselves.
import { type DirectState, type GroupState, Role, type UserState } from '@parley/domain';
import { directCodec, groupCodec, userCodec } from '@parley/protocol';
import type { CommittedEvent } from '@parley/runtime';
import type { EntityAddress, Random } from '@parley/std';
import { groupShard, userShard } from './history-bench.ts';
import type { ScriptedJournal } from './scripted-journal.ts';

export interface Moment {
  readonly atMs: number;
  /** Encoded snapshots, by `type/id`. */
  readonly states: ReadonlyMap<string, string>;
}

/** DomainWorld of @parley/testing, as far as it is used here: what is no spec does not import it. */
export interface LivedWorld {
  nowMs: number;
  command(type: string, id: string, command: unknown): unknown;
  deliverOne(choice: number): boolean;
  user(id: string): UserState;
  entities(): readonly {
    readonly address: EntityAddress;
    readonly state: unknown;
    readonly events: readonly unknown[];
  }[];
}

const people = ['ann', 'ben', 'cat', 'dan', 'eve'];
/** Small, so that groups turn large and back. */
const policy = { membersMax: 10, largeFrom: 4, smallTo: 2 };

/** Commits `steps` random commands of tenant `acme`, one second apart. */
export function liveThrough(
  world: LivedWorld,
  journal: ScriptedJournal,
  random: Random,
  steps: number,
): Moment[] {
  const committed = new Map<string, number>();
  const moments: Moment[] = [];
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)] as T;
  world.nowMs = journal.nowMs;
  for (const user of people) {
    world.command('user', user, {
      type: 'RegisterUser',
      handle: user,
      displayName: `${user}!`,
      passwordHash: 'x',
    });
  }
  for (let step = 0; step < steps; step += 1) {
    world.nowMs += 1_000;
    randomCommand(world, pick, step);
    // What is told arrives now or later, in any order lanes allow.
    for (let count = Math.floor(random.next() * 8); count > 0; count -= 1)
      world.deliverOne(Math.floor(random.next() * 100));
    commitNews(world, journal, committed);
    moments.push({ atMs: world.nowMs, states: statesOf(world) });
  }
  return moments;
}

function randomCommand(world: LivedWorld, pick: <T>(list: readonly T[]) => T, step: number): void {
  const group = pick(['tea', 'run']);
  const [by, member] = [pick(people), pick(people)];
  const text = {
    type: 'PostMessage',
    clientMessageId: `c${step}`,
    afterClientMessageId: '',
    text: `text ${step} 你好`,
  };
  const commands: readonly (() => unknown)[] = [
    () =>
      world.command('group', group, {
        type: 'CreateGroup',
        by,
        title: `Title ${step}`,
        members: [by, member],
        policy,
      }),
    () => world.command('group', group, { type: 'AddMembers', by, members: [member, pick(people)] }),
    () => world.command('group', group, { type: 'RemoveMember', by, member }),
    () => world.command('group', group, { type: 'LeaveGroup', member }),
    () =>
      world.command('group', group, { type: 'SetRole', by, member, role: pick([Role.MEMBER, Role.ADMIN]) }),
    () =>
      world.command('group', group, { type: 'MuteMember', by, member, mutedUntilMs: world.nowMs + 5_000 }),
    () => world.command('group', group, { type: 'SetBan', by, member, isBanned: step % 3 > 0 }),
    () => world.command('group', group, { type: 'ChangeProfile', by, title: `Another title ${step}` }),
    () => world.command('group', group, { type: 'Announce', by, text: `All: ${text.text}` }),
    () =>
      world.command('group', group, { type: 'ChangeSettings', by, muteAll: step % 4 === 0, slowModeMs: 50 }),
    () => world.command('group', group, { type: 'SetNickname', by, member: by, nickname: `n${step}` }),
    () => world.command('group', group, { ...text, sender: by }),
    () => world.command('group', group, { ...text, sender: by }),
    () => world.command('direct', directId(by, member), { ...text, sender: by }),
    () => world.command('direct', directId(by, member), { ...text, sender: member }),
    () => {
      const conversation = pick([...world.user(by).conversations.values()]);
      if (conversation !== undefined)
        world.command('user', by, {
          type: 'ReadConversation',
          conversation: conversation.conversation,
          sequence: conversation.head,
        });
    },
  ];
  pick(commands)();
}

const directId = (one: string, other: string): string =>
  one <= other ? `${one}.${other}` : `${other}.${one}`;

/** One commit for each shard. The same event of several users, one after another, is one event of them all, as in life. */
function commitNews(world: LivedWorld, journal: ScriptedJournal, committed: Map<string, number>): void {
  const events: CommittedEvent[] = [];
  for (const { address, events: all } of world.entities()) {
    const { type, tenant, id } = address;
    const key = `${type}/${id}`;
    for (const event of all.slice(committed.get(key) ?? 0)) {
      const payload = codecs[type as keyof typeof codecs].encodeEvent(event as never);
      const newest = events.at(-1);
      const same = newest?.type === 'user' && type === 'user' && isSame(newest.payload, payload) && newest;
      if (!same) events.push({ type, tenant, ids: [id], payload });
      else (same.ids as string[]).push(id);
    }
    committed.set(key, all.length);
  }
  journal.moveTo(world.nowMs);
  const ofGroups = events.filter(({ type }) => type === 'group');
  const others = events.filter(({ type }) => type !== 'group');
  if (ofGroups.length > 0) journal.commit(groupShard, ofGroups);
  if (others.length > 0) journal.commit(userShard, others);
}

const isSame = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

const codecs = { user: userCodec, direct: directCodec, group: groupCodec };

const statesOf = (world: LivedWorld): Map<string, string> =>
  new Map(
    world
      .entities()
      .map(({ address, state }) => [`${address.type}/${address.id}`, snapshotText(address.type, state)]),
  );

/** What is equal for equal states. */
export function snapshotText(type: string, state: unknown): string {
  const bytes =
    type === 'group'
      ? groupCodec.encodeSnapshot(state as GroupState)
      : type === 'direct'
        ? directCodec.encodeSnapshot(state as DirectState)
        : userCodec.encodeSnapshot(state as UserState);
  return Buffer.from(bytes).toString('base64');
}
