// Registers users and fills groups as fast as the shards decide: commands straight into the command log, in batches, as a
// gateway would put them there. The doors for people (passwords, one HTTP request each) would take an hour for 100,000.
import { inParallel } from '@parley/std';
import { randomBytes } from 'node:crypto';
import { NatsCommandLog, type NatsLink, NatsMessenger, connectNats, provisionNats } from '@parley/adapters';
import { internal, placementRules, subjects, wire } from '@parley/protocol';
import {
  askOwner,
  type IntakeRecord,
  Placement,
  type ShardId,
  decodeOutbound,
  encodeClientBatch,
  shardName,
} from '@parley/runtime';

export interface GroupPlan {
  readonly id: string;
  readonly members: readonly string[];
  /** At this many members it turns to read-diffusion. */
  readonly largeFrom?: number;
}

export interface PlannedMessage {
  /** `direct` with the id of two users, or `group`. */
  readonly type: 'direct' | 'group';
  readonly id: string;
  readonly sender: string;
  readonly clientMessageId: string;
  readonly text: string;
}

interface Order {
  readonly type: 'user' | 'direct' | 'group';
  readonly id: string;
  readonly payload: Uint8Array;
}

const deadlineMs = 120_000;
const batchRecordsMax = 256;
/** Orders without an answer, over all shards: their batches must fit into the command streams. */
const underWayMax = 8_192;
/** Members in one command: the fan-out of one is one decision, which has a limit in bytes. */
const membersPerOrder = 500;
const membersMax = 1_000_000;
const questionsAtOnce = 64;
const questionLimitMs = 10_000;

export class BulkOrders {
  readonly #link: NatsLink;
  readonly #log: NatsCommandLog;
  readonly #placement: Placement;
  readonly #tenant: string;
  readonly #gatewayId = `bench-${randomBytes(4).toString('hex')}`;
  readonly #waiting = new Map<
    number,
    { what: string; resolve: () => void; reject: (error: Error) => void }
  >();
  #lastRequest = 0;

  static async open(natsUrl: string, tenant: string): Promise<BulkOrders> {
    const link = await connectNats(natsUrl, { name: 'bench' });
    const { numbers } = await provisionNats(link);
    const log = new NatsCommandLog(link, { parts: numbers.commandParts });
    const orders = new BulkOrders(link, log, new Placement(placementRules, numbers.shardCounts), tenant);
    await orders.#listen();
    return orders;
  }

  private constructor(link: NatsLink, log: NatsCommandLog, placement: Placement, tenant: string) {
    this.#link = link;
    this.#log = log;
    this.#placement = placement;
    this.#tenant = tenant;
  }

  async register(users: Iterable<string>): Promise<void> {
    const orders = Array.from(users, (user): Order => {
      const registerUser = { handle: user, displayName: '', passwordHash: '' };
      return { type: 'user', id: user, payload: internal.UserCommand.encode({ registerUser }).finish() };
    });
    await this.#doAll(orders);
  }

  /** The first member owns the group. */
  async createGroups(groups: readonly GroupPlan[]): Promise<void> {
    await this.#doAll(
      groups.map(({ id, members, largeFrom = 500 }) => {
        const policy = { membersMax, largeFrom, smallTo: Math.floor(largeFrom * 0.8) };
        const [by = '', ...others] = members.slice(0, membersPerOrder);
        const createGroup = { by, title: id, members: others, policy };
        return { type: 'group', id, payload: internal.GroupCommand.encode({ createGroup }).finish() };
      }),
    );
    for (const { id, members } of groups) {
      for (let at = membersPerOrder; at < members.length; at += membersPerOrder) {
        const addMembers = { by: members[0]!, members: members.slice(at, at + membersPerOrder) };
        const payload = internal.GroupCommand.encode({ addMembers }).finish();
        await this.#doAll([{ type: 'group', id, payload }]);
      }
    }
  }

  /** All are committed when it resolves. */
  async post(messages: readonly PlannedMessage[]): Promise<void> {
    await this.#doAll(
      messages.map(({ type, id, sender, clientMessageId, text }) => {
        const postMessage = { sender, clientMessageId, text };
        const command = type === 'direct' ? internal.DirectCommand : internal.GroupCommand;
        return { type, id, payload: command.encode({ postMessage }).finish() };
      }),
    );
  }

  /** Newest inbox position of each, asked of the shards' owners. */
  async inboxPositions(users: readonly string[]): Promise<number[]> {
    const messenger = new NatsMessenger(this.#link);
    return inParallel(users, questionsAtOnce, async (user) => {
      const address = { type: 'user', tenant: this.#tenant, id: user };
      const { kind, index: shard } = this.#placement.shardOf(address);
      const question = internal.Query.encode({ ...address, conversations: {} }).finish();
      const result = await askOwner(messenger, subjects.query(kind, shard), question, questionLimitMs);
      if (result.outcome !== 'answered') throw new Error(`inbox of ${user}: ${result.outcome}`);
      return internal.QueryAnswer.decode(result.bytes).conversations?.position ?? 0;
    });
  }

  async close(): Promise<void> {
    await this.#link.close();
  }

  async #listen(): Promise<void> {
    const messenger = new NatsMessenger(this.#link);
    messenger.subscribe(subjects.gateway(this.#gatewayId), (bytes, respond) => {
      for (const item of decodeOutbound(bytes).items) {
        if (item.kind === 'reply') this.#answered(item.requestId, item.payload);
      }
      respond(new Uint8Array());
    });
    await messenger.flush();
  }

  async #doAll(orders: readonly Order[]): Promise<void> {
    for (let at = 0; at < orders.length; at += underWayMax) {
      const answers: Promise<void>[] = [];
      const byShard = new Map<string, { shard: ShardId; records: IntakeRecord[] }>();
      for (const order of orders.slice(at, at + underWayMax)) {
        const address = { type: order.type, tenant: this.#tenant, id: order.id };
        const shard = this.#placement.shardOf(address);
        const requestId = (this.#lastRequest += 1);
        answers.push(
          new Promise((resolve, reject) => {
            this.#waiting.set(requestId, { what: `${order.type} ${order.id}`, resolve, reject });
          }),
        );
        const name = shardName(shard);
        let batch = byShard.get(name);
        if (batch === undefined) byShard.set(name, (batch = { shard, records: [] }));
        batch.records.push({ kind: 'command', requestId, ...address, payload: order.payload });
      }
      for (const { shard, records } of byShard.values()) this.#offer(shard, records);
      await Promise.all(answers);
    }
  }

  #offer(shard: ShardId, records: readonly IntakeRecord[]): void {
    const gatewayId = this.#gatewayId;
    for (let at = 0; at < records.length; at += batchRecordsMax) {
      const some = records.slice(at, at + batchRecordsMax);
      this.#log.offer(
        shard,
        encodeClientBatch({ gatewayId, deadlineMs: Math.floor(Date.now()) + deadlineMs, records: some }),
      );
    }
  }

  #answered(requestId: number, payload: Uint8Array): void {
    const waiting = this.#waiting.get(requestId);
    if (waiting === undefined) return;
    this.#waiting.delete(requestId);
    const frame = wire.ServerFrame.decode(payload);
    const code = frame.error?.code;
    if (code === undefined || code === 'ALREADY_EXISTS') waiting.resolve();
    else waiting.reject(new Error(`${waiting.what}: ${code}`));
  }
}
