// What one sender sends into one conversation: numbers its messages, names the one before while that is unanswered, and
// sends refused ones again in their order, as the client library does.
import { seededRandom } from '@parley/std';
import type { LoadConnection } from './connection.ts';
import { type MessageId, messageIdText } from './message-id.ts';
import { SendTemplate, encodeSend, firstSendRequest } from './send-template.ts';
import { type StreamTotal, placeOf } from './stream-ledger.ts';
import type { Encoding } from './web-socket-frame.ts';

export interface SenderPlan {
  readonly connection: LoadConnection;
  readonly encoding: Encoding;
  readonly conversation: string;
  readonly stream: number;
  readonly text: string;
}

/** The server takes so many unanswered sends of a connection. */
const inFlightMax = 256;

export class StreamSender {
  readonly connection: LoadConnection;
  sent = 0;
  acked = 0;
  resent = 0;
  readonly #plan: SenderPlan;
  readonly #plain: SendTemplate;
  readonly #chained: SendTemplate;
  /** Intended time of each unanswered message, by its number. */
  readonly #unanswered = new Map<number, number>();
  /** Meant to go, but too many are unanswered. */
  readonly #waiting: number[] = [];
  readonly #refused: number[] = [];
  #sum = 0;
  #lastSentUs = 0;
  #isRetrying = false;

  constructor(plan: SenderPlan) {
    this.#plan = plan;
    this.connection = plan.connection;
    this.#plain = new SendTemplate({ ...plan, isChained: false });
    this.#chained = new SendTemplate({ ...plan, isChained: true });
  }

  get unansweredCount(): number {
    return this.#unanswered.size + this.#waiting.length;
  }

  /** Of those on their way; undefined when there is none. */
  get oldestUnanswered(): number | undefined {
    return this.#unanswered.keys().next().value;
  }

  get conversation(): string {
    return this.#plan.conversation;
  }

  /** `intendedUs`: when it was meant to go, which is what its latency counts from. */
  send(intendedUs: number): void {
    if (this.#unanswered.size >= inFlightMax || this.#refused.length > 0 || this.#isRetrying) {
      this.#waiting.push(intendedUs);
      return;
    }
    const number = this.sent;
    this.sent += 1;
    const { stream } = this.#plan;
    const isChained = this.#unanswered.has(number - 1);
    const id: MessageId = { stream, number, sentUs: intendedUs };
    this.#unanswered.set(number, intendedUs);
    const request = firstSendRequest + number;
    this.connection.write(
      isChained
        ? this.#chained.write(request, id, { stream, number: number - 1, sentUs: this.#lastSentUs })
        : this.#plain.write(request, id),
    );
    this.#lastSentUs = intendedUs;
  }

  /** Returns the intended time of the answered message; undefined for an answer nobody waits for. */
  answered(requestId: number, sequence: number): number | undefined {
    const number = requestId - firstSendRequest;
    const intendedUs = this.#unanswered.get(number);
    if (intendedUs === undefined) return undefined;
    this.#unanswered.delete(number);
    this.acked += 1;
    this.#sum = (this.#sum + placeOf(number, sequence)) | 0;
    this.#goOn();
    return intendedUs;
  }

  /** To be sent again once everything under way has its answer: so the order is kept. */
  refused(requestId: number, retryAfterMs: number): void {
    const number = requestId - firstSendRequest;
    if (!this.#unanswered.has(number)) return;
    this.#refused.push(number);
    if (this.#refused.length < this.#unanswered.size || this.#isRetrying) return;
    this.#isRetrying = true;
    setTimeout(() => this.#retry(), retryAfterMs);
  }

  total(): StreamTotal {
    return { stream: this.#plan.stream, sent: this.sent, acked: this.acked, sum: this.#sum };
  }

  #retry(): void {
    this.#isRetrying = false;
    const again = this.#refused.splice(0).toSorted((one, other) => one - other);
    const { stream } = this.#plan;
    const idOf = (number: number): string => {
      const sentUs = this.#unanswered.get(number);
      return sentUs === undefined ? '' : messageIdText({ stream, number, sentUs });
    };
    for (const number of again) {
      this.resent += 1;
      this.connection.write(
        encodeSend(this.#plan, firstSendRequest + number, idOf(number), idOf(number - 1)),
      );
    }
  }

  #goOn(): void {
    if (this.#refused.length > 0) {
      // The last answers of this round: what was refused goes first.
      if (this.#refused.length === this.#unanswered.size && !this.#isRetrying) {
        this.#isRetrying = true;
        setTimeout(() => this.#retry(), 0);
      }
      return;
    }
    while (this.#waiting.length > 0 && this.#unanswered.size < inFlightMax && !this.#isRetrying)
      this.send(this.#waiting.shift()!);
  }
}

/** Letters without a rhythm that a compressor would like. */
export function bodyText(bytes: number): string {
  const random = seededRandom(bytes);
  return Array.from({ length: bytes }, () => String.fromCharCode(97 + Math.floor(random.next() * 26))).join(
    '',
  );
}
