// One connection to Redis that can be away. Nothing here ever waits long or throws: every call has a named timeout and
// ends in a value, and when calls keep failing the link stops trying for a moment instead of making everyone wait.
import { type Clock, type Random, type Result, err, ok, systemClock, systemRandom } from '@parley/std';
import { Redis } from 'ioredis';

export interface RedisLinkLimits {
  /** One call, milliseconds. Then it counts as failed; it may have been carried out. */
  readonly callTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** Pause before connecting again: doubles from min to max, half of it random. */
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  /** This many failures in a row open the breaker: calls fail at once for breakerOpenMs, then one may try. */
  readonly breakerFailures: number;
  readonly breakerOpenMs: number;
  /** Calls under way at once; beyond it calls fail at once. */
  readonly callsInFlightMax: number;
}

export const redisLinkLimits: RedisLinkLimits = {
  callTimeoutMs: 250,
  connectTimeoutMs: 2_000,
  reconnectMinMs: 50,
  reconnectMaxMs: 3_000,
  breakerFailures: 5,
  breakerOpenMs: 1_000,
  callsInFlightMax: 10_000,
};

export type RedisState = 'connecting' | 'up' | 'away' | 'stopped';

export interface RedisLinkOptions {
  /** redis:// or rediss:// */
  readonly url: string;
  readonly limits?: Partial<RedisLinkLimits>;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Called once for each change of state: one clear line for the operator. The reason never holds the password. */
  readonly onState?: (state: RedisState, reason: string) => void;
}

/** The call failed, or was not tried because calls fail: treat the store as empty. */
export type RedisAway = 'REDIS_AWAY';

export class RedisLink {
  readonly #redis: Redis;
  readonly #limits: RedisLinkLimits;
  readonly #clock: Clock;
  readonly #onState: (state: RedisState, reason: string) => void;
  #state: RedisState = 'connecting';
  #reason = '';
  #failures = 0;
  #openUntilMs = 0;
  #inFlight = 0;

  /** Starts to connect, and goes on trying for as long as the link lives. Never throws for a server that is away. */
  constructor(options: RedisLinkOptions) {
    const limits = { ...redisLinkLimits, ...options.limits };
    const random = options.random ?? systemRandom;
    this.#limits = limits;
    this.#clock = options.clock ?? systemClock;
    this.#onState = options.onState ?? (() => undefined);
    this.#redis = new Redis(options.url, {
      connectTimeout: limits.connectTimeoutMs,
      // A call while away fails at once: whoever made it goes on without Redis.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      // Calls of one turn of the event loop leave in one write, and come back in one round trip.
      enableAutoPipelining: true,
      retryStrategy: (attempt) => {
        const ceilingMs = Math.min(limits.reconnectMaxMs, limits.reconnectMinMs * 2 ** Math.min(attempt, 16));
        return Math.ceil(ceilingMs * (0.5 + random.next() / 2));
      },
    });
    this.#redis.on('ready', () => {
      this.#failures = 0;
      this.#openUntilMs = 0;
      this.#enter('up', '');
    });
    this.#redis.on('error', (error: Error) => (this.#reason = describe(error)));
    this.#redis.on('close', () => this.#enter('away', this.#reason || 'connection closed'));
  }

  get state(): RedisState {
    return this.#state;
  }

  /** Runs one call; several made in the same turn share a round trip. */
  async call<T>(task: (redis: Redis) => Promise<T>): Promise<Result<T, RedisAway>> {
    if (this.#redis.status !== 'ready' || this.#inFlight >= this.#limits.callsInFlightMax)
      return err('REDIS_AWAY');
    const nowMs = this.#clock.monotonicMs();
    if (this.#failures >= this.#limits.breakerFailures) {
      if (nowMs < this.#openUntilMs) return err('REDIS_AWAY');
      // This one tries; the others wait for what it finds.
      this.#openUntilMs = nowMs + this.#limits.breakerOpenMs;
    }
    this.#inFlight++;
    try {
      const value = await this.#limited(task(this.#redis));
      this.#failures = 0;
      return ok(value);
    } catch (error) {
      this.#fail(error as Error);
      return err('REDIS_AWAY');
    } finally {
      this.#inFlight--;
    }
  }

  /** Closes the connection; calls fail from now on. */
  stop(): Promise<void> {
    this.#enter('stopped', '');
    this.#redis.disconnect();
    return Promise.resolve();
  }

  #limited<T>(call: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const { callTimeoutMs } = this.#limits;
      const fail = () => reject(new Error(`no answer within ${callTimeoutMs} ms`));
      // After a busy moment of this process timers come before what has arrived: only what is not there then is late.
      let timer = this.#clock.after(callTimeoutMs, () => (timer = this.#clock.after(0, fail)));
      call.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  #fail(error: Error): void {
    this.#failures++;
    this.#reason = describe(error);
    if (this.#failures !== this.#limits.breakerFailures) return;
    this.#openUntilMs = this.#clock.monotonicMs() + this.#limits.breakerOpenMs;
    this.#enter('away', this.#reason);
    // The server may hang, or the connection be dead without knowing: a new one is better than waiting for this one.
    if (this.#redis.status === 'ready') this.#redis.disconnect(true);
  }

  #enter(state: RedisState, reason: string): void {
    if (this.#state === state || this.#state === 'stopped') return;
    this.#state = state;
    this.#onState(state, reason);
  }
}

/** ioredis puts whole commands into some errors; the message alone is enough. */
function describe(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  const text = error instanceof AggregateError ? (error.errors[0] as Error).message : error.message;
  return code === undefined || text.includes(code) ? text : `${code} ${text}`;
}
