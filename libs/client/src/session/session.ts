// One connection from opening the socket to its end: hello, requests with ids and timeouts, keep-alive, dead peers.
// Knows nothing of messages. A session that has ended is never used again; the client opens another.
import { ClientError, localError, timeoutError } from '../client-error.ts';
import type { FrameCodec, FrameData } from '../codec/frame-codec.ts';
import type { Cursor, RequestBody, ServerFrame, Welcome } from '../frames.ts';
import type { ClientLimits } from '../limits.ts';
import type { OpenSocket, Socket, SocketTarget } from '../socket/socket.ts';

export interface HelloFacts {
  readonly token: string;
  readonly deviceId: string;
  readonly deviceClass: number;
  readonly inboxPosition: number;
  readonly cursors: readonly Cursor[];
}

export interface SessionOptions {
  readonly target: SocketTarget;
  readonly openSocket: OpenSocket;
  readonly codec: FrameCodec;
  readonly limits: ClientLimits;
  readonly hello: HelloFacts;
  nowMs(): number;
  /** The first of the session's calls, at most once. */
  onWelcome(welcome: Welcome, session: Session): void;
  onPush(frame: ServerFrame, session: Session): void;
  /** Called once. `error` is the server's word, if it had one: an answer to hello, or an error about the connection. */
  onEnded(reason: string, error: ClientError | undefined, session: Session): void;
}

export type Answer = (error: ClientError | undefined, frame: ServerFrame | undefined) => void;

interface Pending {
  /** A pong comes from the gateway alone, and says nothing about what is behind it. */
  readonly isPing: boolean;
  readonly askedMs: number;
  readonly deadlineMs: number;
  readonly answer: Answer;
}

/** Protocol version this client speaks. */
export const protocolVersion = 1;

/** What a gateway says when it cannot reach the cluster, or one shard of it. */
const cutOffCodes = new Set(['TIMEOUT', 'UNAVAILABLE']);

export class Session {
  readonly #options: SessionOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #socket: Socket;
  #lastRequestId = 0;
  #sentMs: number;
  #receivedMs: number;
  #pingedMs = 0;
  #keepAliveMs: number;
  /** When the first request was asked of those that only got TIMEOUT or UNAVAILABLE; undefined after any other answer. */
  #failingSinceMs: number | undefined;
  #ended = false;
  #lastError: ClientError | undefined;
  welcomedMs = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#sentMs = this.#receivedMs = options.nowMs();
    this.#keepAliveMs = options.limits.connectTimeoutMs;
    this.#socket = options.openSocket(options.target, {
      opened: () => this.#sayHello(),
      received: (data) => this.#receive(data),
      closed: (reason) => this.#end(reason),
    });
  }

  get isEnded(): boolean {
    return this.#ended;
  }

  get isReady(): boolean {
    return this.welcomedMs > 0 && !this.#ended;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** `answer` is called exactly once: with the result, the server's error, TIMEOUT, or DISCONNECTED. */
  ask(body: RequestBody, answer: Answer): void {
    if (this.#ended) {
      answer(localError('DISCONNECTED', 'the connection has ended', true), undefined);
      return;
    }
    const requestId = this.#nextRequestId();
    const askedMs = this.#options.nowMs();
    const deadlineMs = askedMs + this.#options.limits.requestTimeoutMs;
    this.#pending.set(requestId, { isPing: 'ping' in body, askedMs, deadlineMs, answer });
    this.#send({ ...body, requestId });
  }

  request(body: RequestBody): Promise<ServerFrame> {
    return new Promise((resolve, reject) => {
      this.ask(body, (error, frame) => (frame === undefined ? reject(error!) : resolve(frame)));
    });
  }

  /** Sends without wanting an answer. */
  tell(body: RequestBody): void {
    if (!this.#ended) this.#send(body);
  }

  close(reason: string): void {
    this.#end(reason);
  }

  /** Driven by the shared ticker: timeouts and keep-alive. */
  tick(nowMs: number): void {
    if (this.#ended) return;
    for (const [requestId, pending] of this.#pending) {
      // Deadlines rise with the ids, so the first one that is not due ends the search.
      if (pending.deadlineMs > nowMs) break;
      // Nothing at all has come since: the gateway hangs or is cut off. Another one may serve us at once.
      if (this.#receivedMs < pending.askedMs && this.welcomedMs > 0)
        return this.#end(`nothing received for ${nowMs - this.#receivedMs} ms, and a request is open`);
      this.#pending.delete(requestId);
      pending.answer(timeoutError(this.#options.limits.requestTimeoutMs), undefined);
    }
    const { limits } = this.#options;
    if (this.welcomedMs === 0) {
      if (nowMs - this.#receivedMs > limits.connectTimeoutMs)
        this.#end(`no welcome within ${limits.connectTimeoutMs} ms`);
      return;
    }
    const deadAfterMs = this.#keepAliveMs + limits.deadAfterExtraMs;
    if (nowMs - this.#receivedMs > deadAfterMs) {
      this.#end(`nothing received for ${deadAfterMs} ms`);
    } else if (nowMs - Math.max(this.#sentMs, this.#pingedMs) >= this.#keepAliveMs) {
      this.#ping(nowMs);
    } else if (nowMs - Math.max(this.#receivedMs, this.#pingedMs) >= this.#keepAliveMs) {
      this.#ping(nowMs);
    }
  }

  #ping(nowMs: number): void {
    this.#pingedMs = nowMs;
    this.ask({ ping: {} }, (_error, frame) => {
      // A ping without an answer needs no handling of its own: silence ends the session.
      if (frame !== undefined && !this.#ended) this.#options.onPush(frame, this);
    });
  }

  #sayHello(): void {
    const { hello } = this.#options;
    const body = { hello: { ...hello, cursors: [...hello.cursors], protocolVersion } };
    this.ask(body, (error, frame) => {
      const welcome = frame?.welcome;
      if (!welcome) {
        if (error !== undefined && error.code !== 'DISCONNECTED') this.#lastError = error;
        this.#end(error?.message ?? 'hello was not answered by welcome');
        return;
      }
      this.welcomedMs = this.#options.nowMs();
      this.#keepAliveMs = welcome.keepAliveMs || this.#keepAliveMs;
      this.#options.onWelcome(welcome, this);
    });
  }

  #receive(data: FrameData): void {
    if (this.#ended) return;
    this.#receivedMs = this.#options.nowMs();
    let frame: ServerFrame;
    try {
      frame = this.#options.codec.decode(data);
    } catch (error) {
      this.#end(`a frame could not be read: ${(error as Error).message}`);
      return;
    }
    if (frame.requestId === 0) this.#takePush(frame);
    else this.#takeAnswer(frame);
  }

  #takePush(frame: ServerFrame): void {
    if (frame.error) this.#lastError = new ClientError(frame.error);
    // Before the welcome it is not known who we are; sync brings what is dropped here.
    if (this.welcomedMs === 0 && !frame.error) return;
    this.#options.onPush(frame, this);
  }

  #takeAnswer(frame: ServerFrame): void {
    const pending = this.#pending.get(frame.requestId);
    // Unknown: the answer to a request that has timed out.
    if (pending === undefined) return;
    this.#pending.delete(frame.requestId);
    if (frame.error) pending.answer(new ClientError(frame.error), undefined);
    else pending.answer(undefined, frame);
    if (!pending.isPing) this.#judgeGateway(frame.error?.code ?? undefined, pending.askedMs);
  }

  /** A gateway that is cut off from the cluster still answers, but nothing of use: another one may serve us. */
  #judgeGateway(code: string | undefined, askedMs: number): void {
    if (code === undefined || !cutOffCodes.has(code)) {
      this.#failingSinceMs = undefined;
      return;
    }
    this.#failingSinceMs ??= askedMs;
    const failingMs = this.#options.nowMs() - this.#failingSinceMs;
    if (this.welcomedMs > 0 && failingMs >= this.#options.limits.failingMaxMs)
      this.#end(`only ${code} for ${Math.round(failingMs)} ms`);
  }

  #send(frame: RequestBody & { requestId?: number }): void {
    this.#sentMs = this.#options.nowMs();
    this.#socket.send(this.#options.codec.encode(frame));
  }

  #nextRequestId(): number {
    this.#lastRequestId = this.#lastRequestId === 0xffff_ffff ? 1 : this.#lastRequestId + 1;
    return this.#lastRequestId;
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.close();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { answer } of pending) answer(localError('DISCONNECTED', reason, true), undefined);
    this.#options.onEnded(reason, this.#lastError, this);
  }
}
