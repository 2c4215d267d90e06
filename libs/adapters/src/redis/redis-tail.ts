// The recent tail in Redis: a sorted set a conversation, scored by sequence. See the port for what it promises.
import { assert } from '@parley/std';
import { redisKeys } from '@parley/protocol';
import type { MessageTail, TailAppend, TailLimits, TailMessage, TailRange } from '../ports/message-tail.ts';
import { tailLimits } from '../ports/message-tail.ts';
import type { RedisLink } from './redis-link.ts';
import { RedisScript, type ScriptArgument } from './redis-script.ts';

// One script a conversation, so that a reader never sees a message taken out and not yet put in again.
const appendScript = new RedisScript(`
for i = 3, #ARGV, 2 do
  redis.call('ZREMRANGEBYSCORE', KEYS[1], ARGV[i], ARGV[i])
  redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i + 1])
end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -tonumber(ARGV[1]) - 1)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`);

/** Messages in one run of the script: Redis does nothing else meanwhile, and Lua takes a bounded number of arguments. */
const messagesPerScriptMax = 200;

export class RedisTail implements MessageTail {
  readonly #link: RedisLink;
  readonly #limits: TailLimits;

  constructor(link: RedisLink, limits: TailLimits = tailLimits) {
    this.#link = link;
    this.#limits = limits;
  }

  async append(batch: readonly TailAppend[]): Promise<boolean> {
    const calls = batch.flatMap((one) => this.#chunks(one).map((chunk) => this.#append(one, chunk)));
    return (await Promise.all(calls)).every((isStored) => isStored);
  }

  async read(tenant: string, ranges: readonly TailRange[]): Promise<readonly (readonly TailMessage[])[]> {
    return Promise.all(ranges.map((range) => this.#read(tenant, range)));
  }

  #chunks({ messages }: TailAppend): (readonly TailMessage[])[] {
    // Of more than fit only the newest would stay anyway.
    const kept = messages
      .slice(-this.#limits.messagesMax)
      .filter((one) => one.bytes.length <= this.#limits.messageBytesMax);
    const chunks = [];
    for (let start = 0; start < kept.length; start += messagesPerScriptMax) {
      chunks.push(kept.slice(start, start + messagesPerScriptMax));
    }
    return chunks;
  }

  async #append({ tenant, conversation }: TailAppend, messages: readonly TailMessage[]): Promise<boolean> {
    const { messagesMax, ttlMs } = this.#limits;
    const args: ScriptArgument[] = [messagesMax, ttlMs];
    for (const { sequence, bytes } of messages) {
      assert(Number.isSafeInteger(sequence) && sequence > 0, 'RedisTail: sequences are dense from 1');
      args.push(sequence, asBuffer(bytes));
    }
    const key = redisKeys.tail(tenant, conversation);
    return (await this.#link.call((redis) => appendScript.run(redis, key, args))).ok;
  }

  async #read(tenant: string, { conversation, from, to }: TailRange): Promise<readonly TailMessage[]> {
    const key = redisKeys.tail(tenant, conversation);
    const result = await this.#link.call((redis) => redis.zrangebyscoreBuffer(key, from, to, 'WITHSCORES'));
    if (!result.ok) return [];
    const messages: TailMessage[] = [];
    for (let i = 0; i + 1 < result.value.length; i += 2) {
      messages.push({ bytes: result.value[i]!, sequence: Number(result.value[i + 1]!.toString('latin1')) });
    }
    return messages;
  }
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
