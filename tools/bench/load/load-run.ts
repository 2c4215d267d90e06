// The work of one load process: opens its connections, sends by its pacing, books what arrives, and compares in the end.
import { seededRandom } from '@parley/std';
import { LatencyHistogram, type PackedHistogram } from '../latency-histogram.ts';
import { nowUs } from '../monotonic.ts';
import { type Books, LoadConnection, ackSweepMs } from './connection.ts';
import { minus, noCounts } from './counts.ts';
import { DueTimes } from './due-times.ts';
import { Expectations } from './expectations.ts';
import { type LostExample, lostExamplesMax } from './lost-example.ts';
import type { ConnectReport, LoadCounts, LoadPlan, LoadReport, Window } from './plan.ts';
import { type Flaws, type StreamTotal, noFlaws } from './stream-ledger.ts';
import { StreamSender, bodyText } from './stream-sender.ts';
import { type Ticker, arrivals, startTicker } from './ticker.ts';
import { tokenMaker } from './tokens.ts';

const settlePollMs = 20;
const syncLimitMs = 120_000;
const answersLimitMs = 30_000;
/** What has not arrived by then is lost, even if something else still comes. */
const arrivalsLimitMs = 300_000;
/** Refusals that go away by themselves; the client library repeats after them too. */
const retryPauseMsMin = 50;

export class LoadRun {
  readonly counts: { -readonly [Name in keyof LoadCounts]: number } = { ...noCounts };
  readonly connections: LoadConnection[] = [];
  readonly #plan: LoadPlan;
  readonly #senders: StreamSender[];
  readonly #senderOf = new Map<LoadConnection, StreamSender>();
  readonly #ack = new LatencyHistogram();
  readonly #receive = new LatencyHistogram();
  readonly #lateness = new LatencyHistogram();
  readonly #errors: Record<string, number> = {};
  readonly #seconds: LoadReport['seconds'][number][] = [];
  readonly #due = new DueTimes();
  readonly #acknowledging: NodeJS.Timeout;
  /** When the message was read whose contents are being booked: what came together arrived together. */
  #nowUs = nowUs();
  /** Not in `#receive` yet. */
  #ofSecond = new LatencyHistogram();
  #window: Window | undefined;
  #inWindow = noCounts;
  #isSending = false;
  #hasSentAll: () => void = () => undefined;
  #flaws: Flaws = noFlaws;
  #repairs = 0;
  #pushesRepeated = 0;
  #closed = 0;
  #ticker: Ticker | undefined;

  constructor(plan: LoadPlan) {
    this.#plan = plan;
    const conversationOfStream: string[] = [];
    for (const { stream, conversation } of plan.allStreams)
      conversationOfStream[stream] = plan.conversations[conversation]!;
    const token = tokenMaker(plan.tokenKeyPem, plan.tenant);
    const books = this.#books();
    for (const { user, gateway, fromPosition } of plan.connections) {
      const address = plan.gateways[gateway]!;
      const options = {
        encoding: plan.encoding,
        address,
        user,
        fromPosition,
        books,
        token: token(user),
      };
      this.connections.push(new LoadConnection(options, conversationOfStream));
    }
    const text = bodyText(plan.textBytes);
    this.#senders = plan.streams.map(({ stream, connection, conversation }) => {
      const sender = new StreamSender({
        connection: this.connections[connection]!,
        encoding: plan.encoding,
        conversation: plan.conversations[conversation]!,
        stream,
        text,
      });
      if (this.#senderOf.has(sender.connection)) throw new Error('a connection sends one stream');
      this.#senderOf.set(sender.connection, sender);
      sender.connection.ownStream = stream;
      return sender;
    });
    this.#acknowledging = setInterval(() => this.#acknowledgeAll(), ackSweepMs);
  }

  get connectedCount(): number {
    return this.connections.reduce((count, one) => count + (one.isOpen ? 1 : 0), 0);
  }

  async connect(): Promise<ConnectReport> {
    const startedMs = performance.now();
    const failures: Record<string, number> = {};
    const waiting = this.connections.values();
    const worker = async (): Promise<void> => {
      for (const connection of waiting) {
        try {
          await connection.open();
        } catch (error) {
          const why = (error as Error).message;
          failures[why] = (failures[why] ?? 0) + 1;
        }
      }
    };
    await Promise.all(Array.from({ length: this.#plan.opensAtOnce }, worker));
    const seconds = (performance.now() - startedMs) / 1_000;
    await this.#until(() => this.connections.every((one) => one.isSynced || !one.isOpen), syncLimitMs);
    return {
      connected: this.connectedCount,
      seconds,
      syncedSeconds: (performance.now() - startedMs) / 1_000,
      entriesSynced: this.counts.entries,
      failures,
      positions: this.connections.map((one) => one.serverPosition),
    };
  }

  /** Resolves when everything sent has its answer, or the limit is over. */
  async send(window: Window): Promise<readonly StreamTotal[]> {
    this.#window = window;
    this.#isSending = true;
    const { pacing } = this.#plan;
    const measured = { from: noCounts };
    const seconds = Math.round((window.measureToUs - window.measureFromUs) / 1_000_000);
    let before = noCounts;
    for (let second = 0; second <= seconds; second += 1) {
      this.#due.at(window.measureFromUs + second * 1_000_000, () => {
        if (second === 0) measured.from = { ...this.counts };
        else this.#endSecond(minus(this.counts, before));
        before = { ...this.counts };
      });
    }
    const ended = new Promise<void>((resolve) => {
      const end = (): void => {
        if (!this.#isSending) return;
        this.#isSending = false;
        this.#inWindow = minus(this.counts, measured.from);
        resolve();
      };
      this.#hasSentAll = end;
      this.#due.at(window.measureToUs, end);
    });
    if (pacing.kind === 'closed') this.#due.at(window.startUs, () => this.#fill(pacing.inFlight));
    if (pacing.kind === 'open') this.#follow(pacing, window);
    await ended;
    // Times of the window whose tick is still on its way here. A message that left behind the totals would be in nobody's
    // books: counted as unanswered, or taken for one that is missing.
    await this.#ticker?.ended;
    const isAnswered = () => this.#senders.every((sender) => sender.unansweredCount === 0);
    await this.#until(isAnswered, answersLimitMs);
    return this.#senders.map((sender) => sender.total());
  }

  /** Waits until everything has arrived (or the limit is over) and compares. */
  async settle(totals: readonly StreamTotal[], limitMs: number): Promise<LoadReport> {
    const expectations = new Expectations(this.#plan, this.connections, totals);
    await this.#untilMet(expectations, limitMs);
    this.#endReceived();
    const unanswered = this.#senders.reduce((sum, sender) => sum + sender.unansweredCount, 0);
    const lostExamples = [...expectations.lostExamples(), ...this.#unansweredExamples()];
    return {
      window: this.#inWindow,
      total: { ...this.counts },
      ack: this.#ack.pack(),
      receive: this.#receive.pack(),
      lateness: this.#lateness.pack(),
      flaws: expectations.addedTo(this.#flaws),
      unanswered,
      lostExamples: lostExamples.slice(0, lostExamplesMax),
      resent: this.#senders.reduce((sum, sender) => sum + sender.resent, 0),
      repairs: this.#repairs,
      pushesRepeated: this.#pushesRepeated,
      closed: this.#closed,
      errors: this.#errors,
      seconds: this.#seconds,
    };
  }

  #unansweredExamples(): LostExample[] {
    return this.#senders
      .filter((sender) => sender.unansweredCount > 0)
      .slice(0, lostExamplesMax)
      .map(({ connection, conversation, oldestUnanswered, sent, acked }) => ({
        what: 'answer',
        user: connection.user,
        conversation,
        stream: connection.ownStream,
        number: oldestUnanswered ?? sent,
        acked,
        sequence: connection.sequenceIn(conversation),
        position: connection.position,
        isOpen: connection.isOpen,
      }));
  }

  disconnect(): void {
    clearInterval(this.#acknowledging);
    this.#due.clear();
    this.#ticker?.stop();
    for (const connection of this.connections) connection.close();
  }

  /** As long as something still comes it is under way and not lost. */
  async #untilMet(expectations: Expectations, quietLimitMs: number): Promise<void> {
    const endMs = performance.now() + arrivalsLimitMs;
    let entries = -1;
    while (!expectations.areMet() && entries !== this.counts.entries && performance.now() < endMs) {
      entries = this.counts.entries;
      await this.#until(() => expectations.areMet(), quietLimitMs);
    }
  }

  #fill(inFlight: number): void {
    // A few at a time, so that the first answers come before the last sender has begun.
    const startOne = (from: number): void => {
      const to = Math.min(from + 50, this.#senders.length);
      for (let at = from; at < to; at += 1)
        for (let count = 0; count < inFlight; count += 1) this.#sendFrom(this.#senders[at]!, nowUs());
      if (to < this.#senders.length) setImmediate(startOne, to);
    };
    startOne(0);
  }

  #follow({ perSecond, seed }: { readonly perSecond: number; readonly seed: number }, window: Window): void {
    const random = seededRandom(seed);
    const times = arrivals({ fromUs: window.startUs, toUs: window.measureToUs, perSecond }, () =>
      random.next(),
    );
    let turn = 0;
    this.#ticker = startTicker(times, (atUs) => {
      const sender = this.#senders[turn % this.#senders.length];
      turn += 1;
      if (sender === undefined) return;
      if (this.#isMeasured(atUs)) this.#lateness.record(nowUs() - atUs);
      this.#sendFrom(sender, atUs);
    });
  }

  #sendFrom(sender: StreamSender, intendedUs: number): void {
    const { pacing } = this.#plan;
    const each = (pacing.kind === 'closed' ? pacing.each : undefined) ?? Infinity;
    if (sender.sent >= each) {
      if (this.#senders.every((one) => one.sent >= each)) this.#hasSentAll();
      return;
    }
    this.counts.sent += 1;
    sender.send(intendedUs);
  }

  #books(): Books {
    const { pacing } = this.#plan;
    const nextAfter = pacing.kind === 'closed' ? (pacing.nextAfter ?? 'ack') : undefined;
    return {
      frame: () => {
        this.#nowUs = nowUs();
        this.#due.pass(this.#nowUs);
      },
      sent: (connection, requestId, sequence) => {
        const sender = this.#senderOf.get(connection);
        const intendedUs = sender?.answered(requestId, sequence);
        if (sender === undefined || intendedUs === undefined) return;
        const now = this.#nowUs;
        this.counts.acked += 1;
        if (this.#isMeasured(intendedUs)) this.#ack.record(now - intendedUs);
        if (nextAfter === 'ack' && this.#isSending) this.#sendFrom(sender, now);
      },
      refused: (connection, requestId, error) => {
        const { retryable, retryAfterMs } = error;
        const code = error.code ?? '';
        this.#errors[code] = (this.#errors[code] ?? 0) + 1;
        const isRepeated = retryable === true || code === 'PREDECESSOR_MISSING';
        if (isRepeated)
          this.#senderOf.get(connection)?.refused(requestId, Math.max(retryAfterMs ?? 0, retryPauseMsMin));
      },
      arrived: (connection, id) => {
        if (connection.ownStream === id.stream) {
          if (nextAfter === 'arrival' && this.#isSending)
            this.#sendFrom(this.#senderOf.get(connection)!, this.#nowUs);
          return;
        }
        this.counts.delivered += 1;
        if (this.#isMeasured(id.sentUs)) this.#ofSecond.record(this.#nowUs - id.sentUs);
      },
      entries: (count) => {
        this.counts.frames += 1;
        this.counts.entries += count;
      },
      repair: () => (this.#repairs += 1),
      repeatedPush: () => (this.#pushesRepeated += 1),
      outOfSequence: () => (this.#flaws = { ...this.#flaws, outOfOrder: this.#flaws.outOfOrder + 1 }),
      closed: (_connection, why) => {
        this.#closed += 1;
        this.#errors[why] = (this.#errors[why] ?? 0) + 1;
      },
    };
  }

  #endSecond({ delivered, acked }: LoadCounts): void {
    this.#seconds.push({ delivered, acked, receive: this.#endReceived() });
  }

  #endReceived(): PackedHistogram {
    const received = this.#ofSecond.pack();
    this.#receive.add(received);
    this.#ofSecond = new LatencyHistogram();
    return received;
  }

  #isMeasured(us: number): boolean {
    const window = this.#window;
    return window !== undefined && us >= window.measureFromUs && us < window.measureToUs;
  }

  #acknowledgeAll(): void {
    for (const connection of this.connections) connection.sweep();
  }

  #until(condition: () => boolean, limitMs: number): Promise<void> {
    const endMs = performance.now() + limitMs;
    return new Promise((resolve) => {
      const look = (): void => {
        if (condition() || performance.now() > endMs) resolve();
        else setTimeout(look, settlePollMs);
      };
      look();
    });
  }
}
