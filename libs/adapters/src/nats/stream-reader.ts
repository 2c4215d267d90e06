// Reads the messages of a stream that match a filter, in order, for ever: the client library's ordered consumers go
// deaf when the server that hosts them dies, so this one drives an ephemeral pull consumer itself. It opens a new
// consumer behind the last message seen whenever heartbeats stop, a delivery is missing, or the connection was lost.
import { AckPolicy, DeliverPolicy, ReplayPolicy } from '@nats-io/jetstream';
import { type Msg, type Subscription, createInbox, nanos, nuid } from '@nats-io/nats-core';
import { asError } from './nats-errors.ts';
import type { NatsChannel } from './nats-link.ts';

export interface StreamReaderOptions {
  readonly channel: NatsChannel;
  readonly stream: string;
  readonly filter: string;
  /** Only messages after this sequence; or the last message of each subject, then everything new. */
  readonly start: { readonly afterSequence: number } | 'last-per-subject';
  /** Called in order, each sequence once, synchronously from the socket. */
  readonly onMessage: (message: Msg, sequence: number) => void;
  /** Called each time nothing more was stored at that moment; the reader goes on. */
  readonly onCaughtUp?: () => void;
  /** Whether there is room for another `windowMessages`; when it answers false, call `pull` once there is. */
  readonly hasRoom?: () => boolean;
  /** Called when the reader opens a new consumer, or skips what it did not ask for: for logs and metrics. */
  readonly onRestart?: (reason: string) => void;
  /** Messages asked for ahead. Default 256. */
  readonly windowMessages?: number;
  /**
   * For readers that nobody waits for: from one burst of messages to the next, unless a whole window is waiting. Receiving
   * a message by itself costs both sides several times what it costs in a burst. Default 0: each as soon as it is stored.
   */
  readonly pauseMs?: number;
}

const windowMessagesDefault = 256;
/** One pull never brings more than this (or one message, if those may be larger): the window is bounded in bytes too. */
const pullBytesMax = 4 * 1024 * 1024;
/** The server forgets a pull after this; the reader then repeats it. */
const pullExpiryMs = 30_000;
/** The server says this often that an idle pull still stands. */
const heartbeatMs = 1_000;
/** Nothing heard for this long: the consumer is taken for dead. */
export const readerSilenceMsMax = 3_000;
const watchdogIntervalMs = 500;
/** The server removes a consumer nobody pulls from after this. */
const inactiveMs = 10_000;
/** Statuses after which a pull never comes back, whatever else they say. They have no codes of their own. */
const lostStatuses = new Set(['Consumer Deleted', 'Leadership Change', 'Server Shutdown']);
/** Status ("No Messages") at the end of a pull that was to bring only what is there. */
const burstOver = 404;
/** Pause between tries to open a consumer, doubled each time; also before one that follows another within a second. */
const reopenPauseMsMin = 50;
const reopenPauseMsMax = 2_000;
const restartsApartMsMin = 1_000;

export class StreamReader {
  readonly #options: StreamReaderOptions;
  readonly #windowMessages: number;
  readonly #pauseMs: number;
  readonly #watchdog: NodeJS.Timeout;
  readonly #stopFollowing: () => void;
  #subscription: Subscription | undefined;
  #consumer: string | undefined;
  /** Rises with each consumer; what arrives for an older one is ignored. */
  #generation = 0;
  /** Messages asked for and not yet delivered. */
  #outstanding = 0;
  #deliverySequence = 0;
  #lastSequence: number | undefined;
  #heardMs = 0;
  #openedMs = Number.NEGATIVE_INFINITY;
  #reopenTimer: NodeJS.Timeout | undefined;
  #pauseTimer: NodeJS.Timeout | undefined;
  /** Whether this consumer has delivered something that was not asked for. */
  #hasSkipped = false;
  #isStopped = false;

  constructor(options: StreamReaderOptions) {
    this.#options = options;
    this.#windowMessages = options.windowMessages ?? windowMessagesDefault;
    this.#pauseMs = options.pauseMs ?? 0;
    this.#watchdog = setInterval(() => this.#watch(), watchdogIntervalMs).unref();
    this.#stopFollowing = options.channel.onReconnect(() => this.#restart('connection was lost'));
    void this.#open(reopenPauseMsMin);
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    clearInterval(this.#watchdog);
    this.#stopFollowing();
    this.#drop();
  }

  /** Asks for more if there is room. Call it when room has come back. */
  pull(): void {
    const { channel, stream, hasRoom } = this.#options;
    if (this.#isStopped || this.#subscription === undefined || !channel.isConnected) return;
    // A pull that ends with a burst stands alone: the server refuses one beside it.
    if (this.#outstanding > (this.#pauseMs > 0 ? 0 : this.#windowMessages / 2)) return;
    if (this.#pauseTimer !== undefined || hasRoom?.() === false) return;
    const batch = this.#windowMessages - this.#outstanding;
    if (this.#outstanding === 0) this.#heardMs = performance.now();
    this.#outstanding += batch;
    const request = {
      batch,
      max_bytes: Math.max(pullBytesMax, 2 * (channel.connection.info?.max_payload ?? 0)),
      expires: nanos(pullExpiryMs),
      idle_heartbeat: nanos(heartbeatMs),
      // Waits for a first message, and ends with the last that is there then.
      ...(this.#pauseMs > 0 ? { no_wait: true } : {}),
    };
    channel.connection.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${this.#consumer}`,
      JSON.stringify(request),
      { reply: this.#subscription.getSubject() },
    );
  }

  async #open(pauseMs: number): Promise<void> {
    const generation = ++this.#generation;
    const { channel, stream } = this.#options;
    const isCurrent = () => !this.#isStopped && generation === this.#generation;
    const inbox = createInbox();
    const subscription = channel.connection.isClosed()
      ? undefined
      : channel.connection.subscribe(inbox, {
          callback: (error, message) => {
            if (!isCurrent()) return;
            if (error === null) this.#receive(message);
            else this.#restart(error.message);
          },
        });
    if (subscription === undefined) return;
    this.#subscription = undefined;
    const name = nuid.next();
    try {
      const info = await channel.jsm.consumers.add(stream, this.#consumerConfig(name));
      if (!isCurrent()) {
        subscription.unsubscribe();
        return;
      }
      this.#subscription = subscription;
      this.#consumer = name;
      this.#outstanding = 0;
      this.#deliverySequence = 0;
      this.#hasSkipped = false;
      this.#openedMs = performance.now();
      if (info.num_pending === 0) this.#options.onCaughtUp?.();
      this.pull();
    } catch (cause) {
      if (!channel.connection.isClosed()) subscription.unsubscribe();
      if (!isCurrent()) return;
      this.#options.onRestart?.(`cannot open a consumer on ${stream}: ${asError(cause).message}`);
      this.#openLater(pauseMs);
    }
  }

  #consumerConfig(name: string) {
    const { filter, start } = this.#options;
    const afterSequence =
      this.#lastSequence ?? (start === 'last-per-subject' ? undefined : start.afterSequence);
    return {
      name,
      filter_subject: filter,
      ack_policy: AckPolicy.None,
      replay_policy: ReplayPolicy.Instant,
      mem_storage: true,
      num_replicas: 1,
      max_deliver: 1,
      inactive_threshold: nanos(inactiveMs),
      ...(afterSequence === undefined
        ? { deliver_policy: DeliverPolicy.LastPerSubject }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: afterSequence + 1 }),
    };
  }

  #receive(message: Msg): void {
    this.#heardMs = performance.now();
    const delivery = parseDelivery(message.reply);
    if (delivery === undefined) {
      this.#receiveStatus(message);
      return;
    }
    if (delivery.deliverySequence !== this.#deliverySequence + 1) {
      this.#restart(`delivery ${this.#deliverySequence + 1} is missing`);
      return;
    }
    this.#deliverySequence = delivery.deliverySequence;
    this.#outstanding = Math.max(0, this.#outstanding - 1);
    if (delivery.sequence > this.#floor) {
      this.#lastSequence = delivery.sequence;
      this.#options.onMessage(message, delivery.sequence);
    } else {
      this.#skip(delivery.sequence);
    }
    if (delivery.pending === 0) this.#options.onCaughtUp?.();
    this.pull();
  }

  /**
   * A replica that lags behind may start a consumer before what was asked for: then this is harmless. A stream that has
   * lost its end (a power failure, a restored backup) gives old sequences to new messages: then a person should look.
   */
  #skip(sequence: number): void {
    if (this.#hasSkipped) return;
    this.#hasSkipped = true;
    this.#options.onRestart?.(`message ${sequence} is not after ${this.#floor}: skipped`);
  }

  get #floor(): number {
    const { start } = this.#options;
    return this.#lastSequence ?? (start === 'last-per-subject' ? 0 : start.afterSequence);
  }

  #receiveStatus(message: Msg): void {
    const code = message.headers?.code ?? 0;
    if (code === 100) return;
    if (code === burstOver && this.#pauseMs > 0) {
      this.#outstanding = 0;
      this.#pause();
      return;
    }
    const description = message.headers?.description ?? '';
    // The end of one pull (completed, expired, or full in bytes) says what it did not deliver. Everything else (the
    // consumer is gone, its leader or server changes, a limit is reached) is a reason for a new consumer.
    const undelivered = message.headers?.get('Nats-Pending-Messages') ?? '';
    if (undelivered !== '' && !lostStatuses.has(description)) {
      this.#outstanding = Math.max(0, this.#outstanding - Number(undelivered));
      this.pull();
      return;
    }
    this.#restart(`${code} ${description}`);
  }

  /** All readers go on at the same moments, so that a process with many of them wakes once and asks for all. */
  #pause(): void {
    const leftMs = this.#pauseMs - (performance.now() % this.#pauseMs);
    this.#pauseTimer ??= setTimeout(() => {
      this.#pauseTimer = undefined;
      this.pull();
    }, leftMs).unref();
  }

  #watch(): void {
    if (this.#subscription === undefined || !this.#options.channel.isConnected) return;
    if (this.#outstanding === 0) return;
    const silentMs = performance.now() - this.#heardMs;
    if (silentMs > readerSilenceMsMax) this.#restart(`silent for ${Math.round(silentMs)} ms`);
  }

  #restart(reason: string): void {
    if (this.#isStopped) return;
    this.#options.onRestart?.(reason);
    this.#drop();
    const isSoon = performance.now() - this.#openedMs < restartsApartMsMin;
    if (isSoon) this.#openLater(reopenPauseMsMin);
    else void this.#open(reopenPauseMsMin);
  }

  #openLater(pauseMs: number): void {
    const generation = this.#generation;
    this.#reopenTimer = setTimeout(
      () => {
        const isCurrent = !this.#isStopped && generation === this.#generation;
        if (isCurrent) void this.#open(Math.min(pauseMs * 2, reopenPauseMsMax));
      },
      pauseMs * (0.5 + Math.random()),
    ).unref();
  }

  #drop(): void {
    this.#generation++;
    clearTimeout(this.#reopenTimer);
    clearTimeout(this.#pauseTimer);
    this.#pauseTimer = undefined;
    const { channel, stream } = this.#options;
    if (!channel.connection.isClosed()) {
      this.#subscription?.unsubscribe();
      // Without waiting and without an answer: a consumer that is not deleted goes away by itself.
      if (this.#consumer !== undefined && channel.isConnected) {
        channel.connection.publish(`$JS.API.CONSUMER.DELETE.${stream}.${this.#consumer}`);
      }
    }
    this.#subscription = undefined;
    this.#consumer = undefined;
  }
}

interface Delivery {
  readonly sequence: number;
  readonly deliverySequence: number;
  readonly pending: number;
}

/**
 * The reply subject of a delivered message says where it stands:
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<delivery sequence>.<time>.<pending>`, or since 2.15 with domain
 * and account hash in front of the stream (and possibly a random token at the end).
 */
function parseDelivery(reply: string | undefined): Delivery | undefined {
  if (reply === undefined || !reply.startsWith('$JS.ACK.')) return undefined;
  const tokens = reply.split('.');
  const first = tokens.length === 9 ? 5 : 7;
  return {
    sequence: Number(tokens[first]),
    deliverySequence: Number(tokens[first + 1]),
    pending: Number(tokens[first + 3]),
  };
}
