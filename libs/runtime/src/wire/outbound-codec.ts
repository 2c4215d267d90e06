// What a shard sends to one gateway after a commit: the answers and pushes that commit released, in one message.
//
//   1, shard name, epoch, count, count × item
//   reply item: 0, request id, payload
//   push item:  1, payload, count, count × { connection, position }
//
// The payload of a push is there once, however many connections of the gateway get it.
import { ByteWriter } from '@parley/std';
import { readOutbound } from './outbound-reader.ts';

export interface OutboundReply {
  readonly kind: 'reply';
  readonly requestId: number;
  readonly payload: Uint8Array;
}

export interface PushTarget {
  readonly connection: number;
  /** The entity's position number of this push; 0 for pushes without one. */
  readonly position: number;
}

export interface OutboundPush {
  readonly kind: 'push';
  readonly payload: Uint8Array;
  readonly targets: readonly PushTarget[];
}

export interface OutboundBatch {
  readonly shard: string;
  readonly epoch: number;
  readonly items: readonly (OutboundReply | OutboundPush)[];
}

export function encodeOutbound(batch: OutboundBatch): Buffer {
  const writer = new ByteWriter().u8(1).text(batch.shard).varint(batch.epoch).varint(batch.items.length);
  for (const item of batch.items) {
    if (item.kind === 'reply') {
      writer.u8(0).varint(item.requestId).blob(item.payload);
    } else {
      writer.u8(1).blob(item.payload).varint(item.targets.length);
      for (const target of item.targets) writer.varint(target.connection).varint(target.position);
    }
  }
  return writer.finish();
}

/** Throws on malformed bytes. Payloads are views on `bytes`. */
export function decodeOutbound(bytes: Uint8Array): OutboundBatch {
  let head = { shard: '', epoch: 0 };
  const items: (OutboundReply | OutboundPush)[] = [];
  let targets: PushTarget[] = [];
  readOutbound(bytes, {
    begin: (shard, epoch) => void (head = { shard, epoch }),
    reply: (requestId, payload) => void items.push({ kind: 'reply', requestId, payload }),
    push: (payload) => void items.push({ kind: 'push', payload, targets: (targets = []) }),
    target: (connection, position) => void targets.push({ connection, position }),
  });
  return { ...head, items };
}
