// Replies and pushes from shard owners: `gw.<gatewayId>` in, frames into the outboxes of connections. Each payload is
// prepared once per encoding, however many connections get it.
import { type FrameCodec, type PreparedEntry, type Subprotocol, subjects, turnOf } from '@parley/protocol';
import {
  type Messenger,
  type OutboundPush,
  type Subscription,
  decodeOutbound,
  decodeOwnerBeat,
} from '@parley/runtime';
import type { Attachments } from '../connection/attachments.ts';
import type { Connections } from '../connection/connections.ts';
import type { PendingRequests } from '../dispatch/pending-requests.ts';
import type { SocketLog } from '../transport/socket-log.ts';
import type { LargeGroups } from './large-groups.ts';

export interface OutboundReceiverParts {
  readonly messenger: Messenger;
  readonly gatewayId: string;
  readonly pending: PendingRequests;
  readonly connections: Connections;
  readonly attachments: Attachments;
  readonly largeGroups: LargeGroups;
  readonly log: SocketLog;
  /** Told the number of replies and pushes of each batch. */
  readonly onBatch?: (items: number) => void;
}

export class OutboundReceiver {
  readonly #parts: OutboundReceiverParts;
  #subscriptions: Subscription[] = [];

  constructor(parts: OutboundReceiverParts) {
    this.#parts = parts;
  }

  start(): void {
    const { messenger, gatewayId } = this.#parts;
    this.#subscriptions = [
      messenger.subscribe(subjects.gateway(gatewayId), (bytes, respond) => {
        this.#guard('outbound batch', () => this.#receive(bytes));
        // Owners ask from time to time whether this gateway is still there; ordinary batches want no answer.
        respond(nothing);
      }),
      messenger.subscribe(subjects.ownerBeats(), (bytes) =>
        this.#guard('owner beat', () => this.#hear(bytes)),
      ),
    ];
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.stop();
    this.#subscriptions = [];
  }

  #receive(bytes: Uint8Array): void {
    // Payloads wait in outboxes until the end of the turn; the bytes are the messenger's.
    const batch = decodeOutbound(bytes.slice());
    this.#parts.onBatch?.(batch.items.length);
    for (const item of batch.items) {
      if (item.kind === 'reply') this.#parts.pending.answer(item.requestId, item.payload, batch.epoch);
      else this.#push(item);
    }
    this.#parts.attachments.observe(batch.shard, batch.epoch);
  }

  #push({ payload, targets }: OutboundPush): void {
    const prepared = new Map<Subprotocol, PreparedEntry>();
    const isEntry = (targets[0]?.position ?? 0) > 0;
    const turn = isEntry ? turnOf(payload) : undefined;
    for (const { connection: number, position } of targets) {
      const connection = this.#parts.connections.get(number);
      if (connection === undefined || !connection.isOpen) continue;
      const frame = preparedFor(prepared, connection.codec, payload, isEntry);
      if (isEntry) {
        if (position > connection.inboxPosition) connection.inboxPosition = position;
        connection.outbox.entry(frame, position);
      } else {
        connection.outbox.push(frame);
      }
      if (turn !== undefined) this.#parts.largeGroups.turn(connection, turn);
    }
  }

  #hear(bytes: Uint8Array): void {
    const { shard, epoch } = decodeOwnerBeat(bytes);
    this.#parts.attachments.observe(shard, epoch);
  }

  /** Bytes nobody can read cost that one message: what they held is repaired like any lost push. */
  #guard(what: string, receive: () => void): void {
    try {
      receive();
    } catch (cause) {
      this.#parts.log.error({ err: cause }, `${what} could not be handled`);
    }
  }
}

const nothing = new Uint8Array();

function preparedFor(
  prepared: Map<Subprotocol, PreparedEntry>,
  codec: FrameCodec,
  payload: Uint8Array,
  isEntry: boolean,
): PreparedEntry {
  let frame = prepared.get(codec.subprotocol);
  if (frame === undefined) {
    frame = isEntry ? codec.prepareEntry(payload) : codec.reply(0, payload);
    prepared.set(codec.subprotocol, frame);
  }
  return frame;
}
