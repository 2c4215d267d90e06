// Writes journals as a busy cluster does: a user shard and a group shard run on real adapters while people write to each
// other and to groups, until both journals are long enough. The group shard's lanes feed the user shard.
import type { NatsLink } from '@parley/adapters';
import type { DirectCommand, GroupCommand } from '@parley/domain';
import { encodeDirectCommand, encodeGroupCommand, subjects } from '@parley/protocol';
import {
  type IntakeRecord,
  type RuntimeLimits,
  type Shard,
  decodeOutbound,
  encodeClientBatch,
  shardName,
} from '@parley/runtime';
import { seededRandom } from '@parley/std';
import { type BenchPorts, createShard, openPorts, placement } from './one-shard.ts';

export const tenant = 'bench';
export const userShard = { kind: 'user', index: 0 } as const;
export const groupShard = { kind: 'group', index: 0 } as const;

const usersCount = 16_000;
const directsCount = 6_000;
const groupsCount = 200;
const membersPerGroup = 100;
/** Commands of one message, and commands without an answer, per shard: busy gateways. */
const batchRecords = 64;
const unansweredMax = 1_024;

const random = seededRandom(64);
const below = (count: number): number => Math.floor(random.next() * count);

type Address = Pick<IntakeRecord, 'type' | 'id'>;
interface Posting extends Address {
  readonly senders: readonly string[];
}

const users = Array.from({ length: usersCount }, (_, index) => `user${String(index).padStart(6, '0')}`);
const isOn = (address: Address, shard: { kind: string; index: number }): boolean =>
  shardName(placement.shardOf({ ...address, tenant })) === shardName(shard);

/** Conversations of the user shard: the smaller id lives there, the other anywhere. */
export function directs(): Posting[] {
  const homes = users.filter((id) => isOn({ type: 'user', id }, userShard));
  return Array.from({ length: directsCount }, () => {
    const senders = [homes[below(homes.length)]!, users[below(usersCount)]!].sort();
    return { type: 'direct', id: senders.join('.'), senders };
  }).filter((one) => one.senders[0] !== one.senders[1] && isOn(one, userShard));
}

export function groups(): Posting[] {
  const ids = Array.from({ length: groupsCount * 16 }, (_, index) => `group${index}`);
  return ids
    .filter((id) => isOn({ type: 'group', id }, groupShard))
    .slice(0, groupsCount)
    .map((id) => {
      const members = new Set(Array.from({ length: membersPerGroup }, () => users[below(usersCount)]!));
      return { type: 'group', id, senders: [...members] };
    });
}

/** Short lines mostly, a long one now and then, as people write. */
function text(): string {
  const length = random.next() < 0.02 ? 400 + below(1_600) : Math.round(8 + 110 * random.next() ** 2);
  let line = '';
  while (line.length < length)
    line += `${below(60_466_176)
      .toString(36)
      .slice(0, 2 + below(4))} `;
  return line.slice(0, length);
}

let messages = 0;
function post({ type, id, senders }: Posting): Omit<IntakeRecord, 'requestId'> {
  const sender = senders[below(senders.length)]!;
  const command = {
    type: 'PostMessage' as const,
    sender,
    clientMessageId: `${sender}-${(messages++).toString(36)}`,
    text: text(),
    afterClientMessageId: '',
  };
  const payload =
    type === 'direct'
      ? encodeDirectCommand(command satisfies DirectCommand)
      : encodeGroupCommand(command satisfies GroupCommand);
  return { kind: 'command', type, tenant, id, payload };
}

const create = ({ id, senders }: Posting): Omit<IntakeRecord, 'requestId'> => ({
  kind: 'command',
  type: 'group',
  tenant,
  id,
  payload: encodeGroupCommand({ type: 'CreateGroup', by: senders[0]!, title: id, members: senders }),
});

/** Feeds one shard through its command log until its journal has grown by `bytes`. */
class Feeder {
  readonly #ports: BenchPorts;
  readonly #shard: typeof userShard | typeof groupShard;
  readonly #gatewayId: string;
  #unanswered = 0;
  #requests = 0;
  #wake: () => void = () => undefined;
  written = 0;

  constructor(ports: BenchPorts, shard: typeof userShard | typeof groupShard) {
    this.#ports = ports;
    this.#shard = shard;
    this.#gatewayId = `feeder-${shard.kind}`;
    ports.messenger.subscribe(subjects.gateway(this.#gatewayId), (bytes, respond) => {
      respond(new Uint8Array());
      this.#unanswered -= decodeOutbound(bytes).items.filter(({ kind }) => kind === 'reply').length;
      this.#wake();
    });
  }

  async send(records: readonly Omit<IntakeRecord, 'requestId'>[]): Promise<void> {
    while (this.#unanswered > unansweredMax) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#unanswered += records.length;
    const numbered = records.map((record) => ({ ...record, requestId: ++this.#requests }));
    const deadlineMs = Date.now() + 600_000;
    const batch = encodeClientBatch({ gatewayId: this.#gatewayId, deadlineMs, records: numbered });
    // Repeated by a starved machine; the conversations recognise what they have.
    const isStored = () =>
      this.#ports.commandLog.publish(this.#shard, batch).then(
        () => true,
        () => false,
      );
    while (!(await isStored()));
  }

  async untilAnswered(): Promise<void> {
    while (this.#unanswered > 0) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  async fill(postings: readonly Posting[], bytes: number): Promise<void> {
    while (this.written < bytes)
      await this.send(Array.from({ length: batchRecords }, () => post(postings[below(postings.length)]!)));
    await this.untilAnswered();
  }
}

/** Both shards are dropped as a crash would; their journals stay. */
export async function writeTails(
  link: NatsLink,
  options: { readonly bytes: number; readonly limits: Partial<RuntimeLimits> },
): Promise<void> {
  const open = async (id: typeof userShard | typeof groupShard): Promise<[Feeder, Shard]> => {
    const ports = await openPorts(link, id.kind);
    const feeder = new Feeder(ports, id);
    const claimed = await ports.owners.write(shardName(id), new Uint8Array(), 0);
    if (claimed.outcome !== 'written') throw new Error('the bench needs a fresh NATS');
    const observer = {
      committed: (_: string, facts: { bytes: number }) => void (feeder.written += facts.bytes),
      refused: (shard: string, code: string) => {
        throw new Error(`${shard} refused a command of the bench: ${code}`);
      },
      tookOver: () => undefined,
    };
    const shard = createShard({
      shard: id,
      ports,
      epoch: claimed.revision,
      limits: options.limits,
      observer,
    });
    await shard.open();
    return [feeder, shard];
  };
  const [userFeeder, user] = await open(userShard);
  const [groupFeeder, group] = await open(groupShard);
  const rooms = groups();
  for (const room of rooms) await groupFeeder.send([create(room)]);
  await groupFeeder.untilAnswered();
  await Promise.all([userFeeder.fill(directs(), options.bytes), groupFeeder.fill(rooms, options.bytes)]);
  user.drop();
  group.drop();
}
