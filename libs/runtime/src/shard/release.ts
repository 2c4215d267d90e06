// Letting out what a commit made durable: answers and pushes to gateways (one message each), live publishes, answers to
// queries, and effects onto their lanes. Nothing else in the runtime may talk to the outside about state (INV-7).
import type { OutboundWriter } from '../wire/index.ts';
import type { Batch } from './batch.ts';
import type { Shard } from './shard.ts';
import type { ShardOptions } from './shard-options.ts';

export class Release {
  readonly #options: ShardOptions;
  readonly #shard: Shard;

  constructor(options: ShardOptions, shard: Shard) {
    this.#options = options;
    this.#shard = shard;
  }

  /** Past the lease nothing leaves any more: the next owner answers retries from the journal. */
  send(batch: Batch): void {
    if (!this.#options.isLeaseValid()) return;
    const { messenger } = this.#options.ports;
    for (const [gatewayId, items] of batch.outbound) this.toGateway(gatewayId, items);
    for (const { topic, payload } of batch.publishes) messenger.publish(topic, payload);
    for (const answer of batch.deferred) answer();
  }

  toGateway(gatewayId: string, items: OutboundWriter): void {
    const subject = this.#options.subjects.gateway(gatewayId);
    for (const bytes of items.finish(this.#shard.name, this.#shard.epoch))
      this.#options.ports.messenger.publish(subject, bytes);
  }

  effects(batch: Batch, previousSequence: number): void {
    for (const { type, tenant, payload, targets } of batch.effects) {
      for (const { shard, number, ids } of targets) {
        const effect = { type, tenant, ids, payload };
        this.#shard.lanes.enqueue({ target: shard, number, effect, previousSequence });
      }
    }
    this.#shard.lanes.pump();
  }
}
