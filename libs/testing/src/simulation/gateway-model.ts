// A gateway as the cluster sees it: batches commands per shard, awaits replies, attaches its connections again when a shard
// changes hands, passes pushes on, asks questions. Small on purpose; the real one has tests of its own.
import type { MemoryNode } from '@parley/adapters';
import { encodeUserCommand, internal, subjects, wire, type parley } from '@parley/protocol';
import {
  askOwner,
  type IntakeRecord,
  type OutboundPush,
  type Placement,
  type ShardId,
  decodeOutbound,
  decodeOwnerBeat,
  encodeClientBatch,
  encodeSignals,
  encodeSubscriber,
  shardName,
} from '@parley/runtime';
import type { EntityAddress } from '@parley/std';
import type { ProcessClock } from './process-clock.ts';

export interface GatewayConnection {
  readonly number: number;
  readonly address: EntityAddress;
  readonly device: string;
  /** The device's contiguous inbox position. */
  position(): number;
  pushed(position: number, payload: Uint8Array): void;
  welcomed(welcome: parley.v1.Welcome): void;
}

interface Attachment {
  readonly connection: GatewayConnection;
  readonly shard: string;
  epoch: number;
  askedAtMs: number;
}

type OnReply = (frame: parley.v1.ServerFrame, epoch: number) => void;

const deadlineMs = 5_000;
/** A re-attach without an answer is repeated after this long. */
const reattachMs = 1_000;
const sweepMs = 500;

export class GatewayModel {
  readonly id: string;
  readonly clock: ProcessClock;
  readonly link: MemoryNode;
  readonly #placement: Placement;
  readonly #pending = new Map<number, OnReply>();
  readonly #batches = new Map<string, { readonly shard: ShardId; readonly records: IntakeRecord[] }>();
  readonly #attachments = new Map<number, Attachment>();
  readonly #epochs = new Map<string, number>();
  readonly #topics = new Map<
    string,
    { readonly listeners: Set<(live: parley.v1.Live) => void>; stop(): void }
  >();
  /** Who waits for an answer; a crash answers nobody. */
  readonly #asking = new Set<(answer: undefined) => void>();
  #requests = 0;
  isAlive = true;

  constructor(options: {
    readonly id: string;
    readonly clock: ProcessClock;
    readonly link: MemoryNode;
    readonly placement: Placement;
  }) {
    this.id = options.id;
    this.clock = options.clock;
    this.link = options.link;
    this.#placement = options.placement;
    this.link.messenger.subscribe(subjects.gateway(this.id), (bytes, respond) => {
      this.#receive(bytes.slice());
      respond(new Uint8Array());
    });
    this.link.messenger.subscribe(subjects.ownerBeats(), (bytes) => {
      const { shard, epoch } = decodeOwnerBeat(bytes);
      this.#observe(shard, epoch);
    });
    this.#sweep();
  }

  /** Crash: nobody hears of it any more. */
  crash(sentArrives: boolean): void {
    this.isAlive = false;
    this.clock.kill();
    this.link.disconnect({ sentArrives });
    for (const resolve of [...this.#asking]) resolve(undefined);
    this.#asking.clear();
  }

  /** `onReply` is called at most once; who waits has a timeout of their own. */
  command(address: EntityAddress, payload: Uint8Array, onReply: OnReply): void {
    this.#offer(address, 'command', payload, onReply);
  }

  attach(connection: GatewayConnection, position: number): void {
    const shard = shardName(this.#placement.shardOf(connection.address));
    const attachment = { connection, shard, epoch: 0, askedAtMs: 0 };
    this.#attachments.set(connection.number, attachment);
    this.#attach(attachment, position);
  }

  detach(connection: GatewayConnection): void {
    if (!this.#attachments.delete(connection.number) || !this.isAlive) return;
    this.#offer(connection.address, 'detach', this.#subscriber(connection, 0));
  }

  acknowledge(connection: GatewayConnection, position: number): void {
    if (!this.isAlive) return;
    const { address, number } = connection;
    const { kind, index } = this.#placement.shardOf(address);
    const signal = {
      kind: 'acknowledge' as const,
      ...address,
      gatewayId: this.id,
      connection: number,
      position,
    };
    this.link.messenger.publish(subjects.signal(kind, index), encodeSignals([signal]));
    this.#offer(address, 'command', encodeUserCommand({ type: 'AcknowledgeInbox', position }));
  }

  /** Undefined when nobody answered. */
  ask(address: EntityAddress, body: object): Promise<parley.internal.v1.QueryAnswer | undefined> {
    if (!this.isAlive) return Promise.resolve(undefined);
    const { kind, index } = this.#placement.shardOf(address);
    const query = internal.Query.encode({ ...address, ...body }).finish();
    return new Promise((resolve) => {
      this.#asking.add(resolve);
      void askOwner(this.link.messenger, subjects.query(kind, index), query, 1_000).then((result) => {
        if (!this.#asking.delete(resolve)) return;
        resolve(result.outcome === 'answered' ? internal.QueryAnswer.decode(result.bytes) : undefined);
      });
    });
  }

  listen(tenant: string, conversation: string, listener: (live: parley.v1.Live) => void): void {
    const subject = subjects.live(tenant, conversation);
    let topic = this.#topics.get(subject);
    if (topic === undefined) {
      const listeners = new Set<(live: parley.v1.Live) => void>();
      const subscription = this.link.messenger.subscribe(subject, (bytes) => {
        const live = wire.Live.decode(bytes.slice());
        for (const each of [...listeners]) each(live);
      });
      topic = { listeners, stop: () => subscription.stop() };
      this.#topics.set(subject, topic);
    }
    topic.listeners.add(listener);
  }

  unlisten(tenant: string, conversation: string, listener: (live: parley.v1.Live) => void): void {
    this.#topics.get(subjects.live(tenant, conversation))?.listeners.delete(listener);
  }

  /** The network of this gateway is back: whatever it has missed, it attaches everybody again. */
  reattachAll(): void {
    for (const attachment of this.#attachments.values()) this.#attach(attachment);
  }

  #attach(attachment: Attachment, position = attachment.connection.position()): void {
    const { connection } = attachment;
    attachment.askedAtMs = this.clock.monotonicMs();
    this.#offer(connection.address, 'attach', this.#subscriber(connection, position), (frame, epoch) => {
      if (this.#attachments.get(connection.number) !== attachment) return;
      attachment.epoch = Math.max(attachment.epoch, epoch);
      if (frame.welcome) connection.welcomed(frame.welcome as parley.v1.Welcome);
    });
  }

  #subscriber({ number, device }: GatewayConnection, inboxPosition: number): Uint8Array {
    const request = wire.Hello.encode({ deviceId: device, inboxPosition }).finish();
    return encodeSubscriber({ connection: number, device, request });
  }

  #offer(address: EntityAddress, kind: IntakeRecord['kind'], payload: Uint8Array, onReply?: OnReply): void {
    if (!this.isAlive) return;
    const requestId = onReply === undefined ? 0 : ++this.#requests;
    if (onReply !== undefined) this.#pending.set(requestId, onReply);
    const shard = this.#placement.shardOf(address);
    const name = shardName(shard);
    let batch = this.#batches.get(name);
    if (batch === undefined) {
      batch = { shard, records: [] };
      this.#batches.set(name, batch);
      this.clock.after(0, () => this.#flush(name));
    }
    batch.records.push({ kind, requestId, ...address, payload });
  }

  #flush(name: string): void {
    const batch = this.#batches.get(name);
    this.#batches.delete(name);
    if (batch === undefined) return;
    const bytes = encodeClientBatch({
      gatewayId: this.id,
      deadlineMs: this.clock.nowMs() + deadlineMs,
      records: batch.records,
    });
    this.link.commandLog.offer(batch.shard, bytes);
  }

  #receive(bytes: Uint8Array): void {
    const { shard, epoch, items } = decodeOutbound(bytes);
    this.#observe(shard, epoch);
    for (const item of items) {
      if (item.kind === 'push') {
        this.#push(item);
        continue;
      }
      const onReply = this.#pending.get(item.requestId);
      this.#pending.delete(item.requestId);
      onReply?.(wire.ServerFrame.decode(item.payload), epoch);
    }
  }

  #push({ targets, payload }: OutboundPush): void {
    for (const { connection, position } of targets)
      this.#attachments.get(connection)?.connection.pushed(position, payload);
  }

  /** A new owner knows nobody. */
  #observe(shard: string, epoch: number): void {
    if (epoch <= (this.#epochs.get(shard) ?? 0)) return;
    this.#epochs.set(shard, epoch);
    for (const attachment of this.#attachments.values()) {
      if (attachment.shard === shard && attachment.epoch < epoch) this.#attach(attachment);
    }
  }

  #sweep(): void {
    const nowMs = this.clock.monotonicMs();
    for (const attachment of this.#attachments.values()) {
      const isBehind = attachment.epoch < Math.max(1, this.#epochs.get(attachment.shard) ?? 0);
      if (isBehind && nowMs - attachment.askedAtMs >= reattachMs) this.#attach(attachment);
    }
    this.clock.after(sweepMs, () => this.#sweep());
  }
}
