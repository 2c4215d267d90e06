// A Lua script of ours: sent by its hash, and whole when the server does not know it (it restarted, or is new).
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

export type ScriptArgument = string | number | Buffer;

export class RedisScript {
  readonly #lua: string;
  readonly #sha: string;

  constructor(lua: string) {
    this.#lua = lua;
    this.#sha = createHash('sha1').update(lua).digest('hex');
  }

  /** The script may use these keys and no others. With one key it would work on a Redis cluster as well. */
  async run(
    redis: Redis,
    keys: string | readonly string[],
    args: readonly ScriptArgument[],
  ): Promise<unknown> {
    const all = typeof keys === 'string' ? [keys, ...args] : [...keys, ...args];
    const keyCount = all.length - args.length;
    try {
      return await redis.evalsha(this.#sha, keyCount, ...all);
    } catch (error) {
      if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
      return redis.eval(this.#lua, keyCount, ...all);
    }
  }
}
