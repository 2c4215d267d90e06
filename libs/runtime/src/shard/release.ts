// Letting out what a commit made durable: answers and pushes to gateways (one message each), live publishes, answers to
// queries, and effects onto their lanes. Nothing else in the runtime may talk to the outside about state (INV-7).
import { type OutboundBatch, encodeOutbound } from '../wire/index.ts';
import type { Batch } from './batch.ts';
import type { Shard } from './shard.ts';
import type { ShardOptions } from './shard-options.ts';

/** Bytes of one message to a gateway; what is more goes into further messages, in order. */
const outboundBytesMax = 512 * 1024;

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
    for (const [gatewayId, { items }] of batch.outbound) this.toGateway(gatewayId, items);
    for (const { topic, payload } of batch.publishes) messenger.publish(topic, payload);
    for (const answer of batch.deferred) answer();
  }

  toGateway(gatewayId: string, items: OutboundBatch['items']): void {
    const subject = this.#options.subjects.gateway(gatewayId);
    for (let start = 0; start < items.length;) {
      const end = endOfPart(items, start);
      const part = start === 0 && end === items.length ? items : items.slice(start, end);
      const bytes = encodeOutbound({ shard: this.#shard.name, epoch: this.#shard.epoch, items: part });
      this.#options.ports.messenger.publish(subject, bytes);
      start = end;
    }
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

/** Behind the last item that goes into one message with the item at `start`. */
function endOfPart(items: OutboundBatch['items'], start: number): number {
  let bytes = 0;
  for (let index = start; index < items.length; index++) {
    const item = items[index]!;
    bytes += item.payload.length + 16 + (item.kind === 'push' ? item.targets.length * 8 : 0);
    if (index > start && bytes > outboundBytesMax) return index;
  }
  return items.length;
}
