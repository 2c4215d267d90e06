// Replies and pushes from shard owners: `gw.<gatewayId>` in, frames into the outboxes of connections. Each payload is
// prepared once per encoding, however many connections get it.
import {
  type EntryTurn,
  type FrameCodec,
  type PreparedEntry,
  deviceLoggedOutIn,
  isOfDirect,
  subjects,
  turnOf,
} from '@parley/protocol';
import {
  type Messenger,
  type OutboundItems,
  type Subscription,
  decodeOwnerBeat,
  readOutbound,
} from '@parley/runtime';
import { type DeviceEntry, endIfLoggedOut } from '../connection/log-out.ts';
import type { Attachments } from '../connection/attachments.ts';
import type { ClientConnection } from '../connection/client-connection.ts';
import type { Connections } from '../connection/connections.ts';
import type { PendingRequests } from '../dispatch/pending-requests.ts';
import type { Sealing } from '../sealing/sealing.ts';
import type { SocketLog } from '../transport/socket-log.ts';
import type { LargeGroups } from './large-groups.ts';

export interface OutboundReceiverParts {
  readonly messenger: Messenger;
  readonly gatewayId: string;
  readonly pending: PendingRequests;
  readonly connections: Connections;
  readonly attachments: Attachments;
  readonly largeGroups: LargeGroups;
  /** Absent: no tenant seals. */
  readonly sealing?: Sealing | undefined;
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
    const items = new ReceivedItems(this.#parts);
    // Payloads wait in outboxes until the end of the turn; the bytes are the messenger's.
    readOutbound(bytes.slice(), items);
    this.#parts.attachments.observe(items.shard, items.epoch);
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

/** One batch while it is read: each item goes to its connections at once. */
class ReceivedItems implements OutboundItems {
  readonly #parts: OutboundReceiverParts;
  shard = '';
  epoch = 0;
  /** The last push: prepared for each encoding when the first connection needs it. */
  #payload: Uint8Array = nothing;
  #bytes: PreparedEntry | undefined;
  #text: PreparedEntry | undefined;
  #turn: EntryTurn | undefined;
  #isTurnKnown = false;
  /** Of the last push, once it was opened or needed not be; later: when its key has been read. */
  #opened: Uint8Array | Promise<Uint8Array | undefined> | undefined;
  #loggedOut: DeviceEntry | undefined;
  #isDirect = false;

  constructor(parts: OutboundReceiverParts) {
    this.#parts = parts;
  }

  begin(shard: string, epoch: number, count: number): void {
    this.shard = shard;
    this.epoch = epoch;
    this.#parts.onBatch?.(count);
  }

  reply(requestId: number, payload: Uint8Array): void {
    this.#parts.pending.answer(requestId, payload, this.epoch);
  }

  push(payload: Uint8Array): void {
    this.#payload = payload;
    this.#bytes = undefined;
    this.#text = undefined;
    this.#opened = undefined;
    this.#isTurnKnown = false;
    this.#isDirect = isOfDirect(payload);
  }

  target(number: number, position: number): void {
    const connection = this.#parts.connections.get(number);
    if (connection === undefined || !connection.isOpen) return;
    const isEntry = position > 0;
    if (isEntry && this.#waitsForKey(connection)) return this.#deliverLater(connection, position);
    const prepared = this.#preparedFor(connection.codec, isEntry);
    if (!isEntry) return connection.outbox.push(prepared);
    const turn = this.#turnOfEntry();
    if (position > connection.inboxPosition) connection.inboxPosition = position;
    if (this.#isDirect) connection.undeliveredPosition = Math.max(connection.undeliveredPosition, position);
    connection.outbox.entry(prepared, position);
    if (turn !== undefined) this.#parts.largeGroups.turn(connection, turn);
    if (this.#loggedOut !== undefined) endIfLoggedOut(connection, this.#loggedOut);
  }

  /** Opens the push, when it is sealed and its key is at hand. All its targets are of one tenant. */
  #waitsForKey({ owner }: ClientConnection): boolean {
    const { sealing } = this.#parts;
    if (sealing === undefined || owner === undefined || !sealing.covers(owner.tenant)) return false;
    this.#opened ??= sealing.openEntry(owner.tenant, this.#payload);
    if (this.#opened instanceof Promise) return true;
    this.#payload = this.#opened;
    return false;
  }

  /**
   * Later entries may come first then: the client sees a gap and reads what is in it, as after any lost push. Without a
   * key it is told to: it will be answered when keys can be read again.
   */
  #deliverLater(connection: ClientConnection, position: number): void {
    const turn = this.#turnOfEntry();
    if (position > connection.inboxPosition) connection.inboxPosition = position;
    if (turn !== undefined) this.#parts.largeGroups.turn(connection, turn);
    const { codec } = connection;
    void Promise.resolve(this.#opened)
      .then((payload) => {
        if (!connection.isOpen) return;
        if (payload !== undefined) connection.outbox.entry(codec.prepareEntry(payload), position);
        else connection.push({ syncNeeded: { inboxPosition: connection.inboxPosition } });
      })
      .catch((cause: unknown) => this.#parts.log.error({ err: cause }, 'a sealed push could not be opened'));
  }

  /** The targets of one push all have a position, or none has. */
  #preparedFor(codec: FrameCodec, isEntry: boolean): PreparedEntry {
    const known = codec.isBinary ? this.#bytes : this.#text;
    if (known !== undefined) return known;
    const prepared = isEntry ? codec.prepareEntry(this.#payload) : codec.reply(0, this.#payload);
    if (codec.isBinary) this.#bytes = prepared;
    else this.#text = prepared;
    return prepared;
  }

  #turnOfEntry(): EntryTurn | undefined {
    if (this.#isTurnKnown) return this.#turn;
    this.#isTurnKnown = true;
    this.#loggedOut = deviceLoggedOutIn(this.#payload);
    return (this.#turn = turnOf(this.#payload));
  }
}
