// Questions to the owner of a shard, and volatile signals. A question is answered from committed state only: when the
// entity has events in an open commit, the answer waits for it. Until the shard is handed over its owner answers; whoever
// asks a moment later, or once the lease is over, gets an empty answer, and asks the next owner.
import { entityKey } from '../entity/entity-key.ts';
import type { Entity } from '../entity/entity-table.ts';
import type { Respond, Subscription } from '../ports/index.ts';
import { OutboundWriter, type Signal, decodeSignals } from '../wire/index.ts';
import { notTheOwner } from './ask-owner.ts';
import { Release } from './release.ts';
import type { Shard } from './shard.ts';
import type { ShardOptions } from './shard-options.ts';

export class Queries {
  readonly #options: ShardOptions;
  readonly #shard: Shard;
  #subscriptions: Subscription[] = [];
  #waiting = 0;

  constructor(options: ShardOptions, shard: Shard) {
    this.#options = options;
    this.#shard = shard;
  }

  start(): void {
    const { subjects, shard, ports } = this.#options;
    this.#subscriptions = [
      ports.messenger.subscribe(subjects.query(shard.kind, shard.index), (bytes, respond) =>
        this.#ask(bytes, respond),
      ),
      ports.messenger.subscribe(subjects.signal(shard.kind, shard.index), (bytes) => this.#signals(bytes)),
    ];
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.stop();
    this.#subscriptions = [];
  }

  #ask(bytes: Uint8Array, respond: Respond): void {
    if (!this.#mayAnswer) return respond(notTheOwner);
    const address = this.#addressOf(bytes);
    if (address === undefined || !this.#shard.entities.knowsType(address.type)) {
      respond(this.#options.queryRefusal('BAD_REQUEST'));
      return;
    }
    const { type, tenant, id } = address;
    const entity = this.#shard.entities.find(type, tenant, id);
    if (entity !== undefined) this.#answer(entity, bytes, respond);
    else this.#loadAndAnswer(entityKey(type, tenant, id), Uint8Array.prototype.slice.call(bytes), respond);
  }

  get #mayAnswer(): boolean {
    return this.#shard.isOpen && this.#options.isLeaseValid();
  }

  #addressOf(bytes: Uint8Array) {
    try {
      return this.#options.queryAddress(bytes);
    } catch {
      return undefined;
    }
  }

  #loadAndAnswer(key: string, bytes: Uint8Array, respond: Respond): void {
    if (this.#waiting >= this.#options.limits.waitingQuestionsMax) {
      respond(this.#options.queryRefusal('BUSY'));
      return;
    }
    this.#waiting++;
    this.#shard.entities
      .load(key)
      .then((entity) => this.#answer(entity, bytes, respond))
      .catch((cause: unknown) => {
        this.#options.log.warn(
          { shard: this.#shard.name, cause: String(cause) },
          'an entity could not be loaded for a query',
        );
        respond(this.#options.queryRefusal('UNAVAILABLE'));
      })
      .finally(() => this.#waiting--);
  }

  #answer(entity: Entity, bytes: Uint8Array, respond: Respond): void {
    if (!this.#mayAnswer) return respond(notTheOwner);
    entity.lastUsedMs = this.#shard.decisions.nowMs();
    let answer: Uint8Array;
    try {
      answer = entity.type.query(entity.state, bytes, entity.address);
    } catch (cause) {
      this.#options.log.error({ shard: this.#shard.name, type: entity.type.name, cause }, 'a query threw');
      answer = this.#options.queryRefusal('INTERNAL');
    }
    if (entity.lastEventN <= this.#shard.ledger.n) respond(answer);
    else this.#defer(answer, respond);
  }

  /** The answer saw state of an open commit: it leaves with that commit or after it, or never. */
  #defer(answer: Uint8Array, respond: Respond): void {
    const { deferred } = this.#shard.openBatch;
    if (deferred.length < this.#options.limits.waitingQuestionsMax) deferred.push(() => respond(answer));
    else respond(this.#options.queryRefusal('BUSY'));
  }

  #signals(bytes: Uint8Array): void {
    if (!this.#shard.isServing) return;
    let signals: Signal[];
    try {
      signals = decodeSignals(bytes);
    } catch (cause) {
      this.#options.log.warn({ shard: this.#shard.name, cause: String(cause) }, 'unreadable signal, ignored');
      return;
    }
    for (const signal of signals) {
      if (signal.kind === 'relay') this.#relay(signal);
      else this.#shard.subscribers.acknowledge(signal, signal);
    }
  }

  #relay(signal: Signal & { kind: 'relay' }): void {
    const byGateway = new Map<string, OutboundWriter>();
    const { type, tenant } = signal;
    for (const id of signal.ids) {
      for (const { gatewayId, connection } of this.#shard.subscribers.of({ type, tenant, id })) {
        let gateway = byGateway.get(gatewayId);
        if (gateway === undefined) {
          byGateway.set(gatewayId, (gateway = new OutboundWriter()));
          gateway.push(signal, signal.payload);
        }
        gateway.target(connection, 0);
      }
    }
    const release = new Release(this.#options, this.#shard);
    for (const [gatewayId, items] of byGateway) release.toGateway(gatewayId, items);
  }
}
