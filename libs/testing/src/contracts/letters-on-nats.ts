// Shards of the toy entity on real NATS servers, as an actor process has them, with a client that repeats what is not
// answered and everything that was logged: for tests of what happens when the servers' files are not what they were.
import {
  type NatsLink,
  NatsCommandLog,
  NatsJournal,
  NatsKeyValueStore,
  NatsMessenger,
  NatsSnapshotStore,
  NatsTrimGuard,
  connectNats,
  provisionNats,
} from '@parley/adapters';
import { buckets, placementRules, subjects } from '@parley/protocol';
import {
  askOwner,
  type KeyValueStore,
  type Log,
  Placement,
  type RuntimeLimits,
  type ShardId,
  ShardNode,
  decodeOutbound,
  defaultLimits,
  encodeClientBatch,
  shardName,
} from '@parley/runtime';
import { systemClock } from '@parley/std';
import {
  type LettersState,
  decodeJson,
  encodeJson,
  lettersQuery,
  lettersQueryAddress,
  lettersType,
} from '../runtime/letters.entity-type.ts';
import { waitUntil } from '../servers/wait-until.ts';

const tenant = 'test';
const shardCount = 2;
const parts = 1;
const placement = new Placement(placementRules, { user: shardCount, group: 1 });

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export const journalStream = 'JRN_USER_0';

/** A person who lives in the shard; `among` counts them from 0. */
export function personOf(index: number, among = 0): string {
  for (let number = 0, found = 0; ; number++) {
    const id = `p${number}`;
    if (placement.shardOf({ type: 'user', tenant, id }).index === index && found++ === among) return id;
  }
}

export class LettersOnNats {
  readonly lines: LogLine[] = [];
  readonly link: NatsLink;
  readonly journal: NatsJournal;
  readonly keyValues: KeyValueStore;
  readonly #shards: ShardNode;
  readonly #gatewayId: string;
  readonly #messenger: NatsMessenger;
  readonly #commandLog: NatsCommandLog;
  readonly #replies = new Map<number, unknown>();
  #requests = 0;

  private constructor(
    link: NatsLink,
    keyValues: KeyValueStore,
    shards: ShardNode,
    log: LogLine[],
    id: string,
  ) {
    this.link = link;
    this.keyValues = keyValues;
    this.journal = new NatsJournal(link, { parts });
    this.lines = log;
    this.#shards = shards;
    this.#gatewayId = `gw-${id}`;
    this.#messenger = new NatsMessenger(link);
    this.#commandLog = new NatsCommandLog(link, { parts });
    this.#messenger.subscribe(subjects.gateway(this.#gatewayId), (bytes) => {
      for (const item of decodeOutbound(bytes).items)
        if (item.kind === 'reply') this.#replies.set(item.requestId, decodeJson(item.payload));
    });
  }

  /** One process; begin each with a name of its own. */
  static async start(
    url: string,
    nodeId: string,
    options: { replicas?: number; limits?: Partial<RuntimeLimits> } = {},
  ): Promise<LettersOnNats> {
    const { replicas = 1 } = options;
    const link = await connectNats(url, { name: nodeId });
    const numbers = { shardCounts: { user: shardCount }, journalParts: parts, commandParts: parts };
    await provisionNats(link, { numbers, replicas });
    const keyValues = new NatsKeyValueStore(link, { replicas, relistIntervalMs: 1_000 });
    const lines: LogLine[] = [];
    const note =
      (level: LogLine['level']): Log['info'] =>
      (fields, message) =>
        void lines.push({ level, message, fields: fields as LogLine['fields'] });
    const shards = new ShardNode({
      nodeId,
      kind: 'user',
      members: await keyValues.bucket(buckets.members),
      owners: await keyValues.bucket(buckets.owners),
      ports: {
        journal: new NatsJournal(link, { parts }),
        commandLog: new NatsCommandLog(link, { parts }),
        snapshots: new NatsSnapshotStore(link, buckets.snapshots('user'), { replicas }),
        checkpoints: await keyValues.bucket(buckets.checkpoints),
        messenger: new NatsMessenger(link),
        trimGuard: new NatsTrimGuard(keyValues),
      },
      types: [lettersType],
      placement,
      subjects,
      clock: systemClock,
      limits: { ...defaultLimits, ...options.limits },
      log: { info: note('info'), warn: note('warn'), error: note('error') },
      queryAddress: lettersQueryAddress,
      queryRefusal: (code) => encodeJson({ code }),
    });
    const node = new LettersOnNats(link, keyValues, shards, lines, nodeId);
    await shards.start();
    return node;
  }

  isServing(index: number): boolean {
    return this.#shards.serving.some(({ name }) => name === shardName({ kind: 'user', index }));
  }

  async untilServing(...indexes: readonly number[]): Promise<void> {
    await waitUntil(() => indexes.every((index) => this.isServing(index)), {
      what: `shards ${indexes.join(', ')} are served`,
      limitMs: 40_000,
      everyMs: 20,
    }).catch((cause: unknown) => {
      const said = this.lines.map(({ message, fields }) => `${message} ${JSON.stringify(fields)}`);
      throw new Error(`${(cause as Error).message}; it said:\n${said.join('\n')}`, { cause });
    });
  }

  /** The alarms about a shard's journal, oldest first. */
  alarms(index: number): readonly LogLine['fields'][] {
    const shard = shardName({ kind: 'user', index });
    const isAlarm = ({ level, message, fields }: LogLine) =>
      level === 'error' && message.startsWith('the journal is damaged') && fields['shard'] === shard;
    return this.lines.filter(isAlarm).map(({ fields }) => fields);
  }

  async untilAlarm(index: number): Promise<LogLine['fields']> {
    await waitUntil(() => this.alarms(index).length > 0, {
      what: `an alarm about shard ${index}`,
      limitMs: 40_000,
      everyMs: 20,
    });
    return this.alarms(index)[0]!;
  }

  /** Posts and repeats until it is acknowledged. */
  async post(from: string, id: string, limitMs = 30_000): Promise<void> {
    const shard = shardOf(from);
    const untilMs = performance.now() + limitMs;
    while (performance.now() < untilMs) {
      const requestId = ++this.#requests;
      const payload = encodeJson({ type: 'Post', id, to: [] });
      const record = { kind: 'command', requestId, type: 'user', tenant, id: from, payload } as const;
      const deadlineMs = systemClock.nowMs() + 2_000;
      const batch = encodeClientBatch({ gatewayId: this.#gatewayId, deadlineMs, records: [record] });
      this.#commandLog.offer(shard, batch);
      const isOver = await waitUntil(() => this.#replies.has(requestId), {
        what: 'a reply',
        limitMs: 1_000,
        everyMs: 1,
      }).catch(() => false);
      if (isOver && (this.#replies.get(requestId) as { id?: string }).id === id) return;
    }
    throw new Error(`${id} was not acknowledged within ${limitMs} ms`);
  }

  async postAll(from: string, ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.post(from, id);
  }

  /** What the person has posted, or how the question failed. */
  async posted(person: string): Promise<readonly string[] | string> {
    const subject = subjects.query('user', shardOf(person).index);
    const result = await askOwner(this.#messenger, subject, lettersQuery(tenant, person), 2_000);
    if (result.outcome !== 'answered') return result.outcome;
    const state = decodeJson<LettersState & { code?: string }>(result.bytes);
    return state.code ?? state.posted;
  }

  /** As after a crash: nothing is handed over or written down. */
  async crash(): Promise<void> {
    this.#shards.kill();
    await this.link.close();
  }
}

export const shardOf = (person: string): ShardId => placement.shardOf({ type: 'user', tenant, id: person });
