// The recent tail in Redis: a sorted set a conversation, scored by sequence. See the port for what it promises.
import { ByteWriter, assert } from '@parley/std';
import { redisKeys } from '@parley/protocol';
import type { MessageTail, TailAppend, TailLimits, TailMessage, TailRange } from '../ports/message-tail.ts';
import { tailLimits } from '../ports/message-tail.ts';
import type { RedisLink } from './redis-link.ts';
import { RedisScript } from './redis-script.ts';

// Messages of many conversations in one argument: for each key a count, and as many sequences (low and high half) and
// messages. A call for each conversation, or an argument for each message, costs several times as much on both sides.
// A reader never sees a message taken out and not yet put in again: a script is one step.
const appendScript = new RedisScript(`
local messages, at, count = ARGV[3], 1, 0
for _, key in ipairs(KEYS) do
  count, at = struct.unpack('<I4', messages, at)
  local members = {}
  for i = 1, 2 * count, 2 do
    local low, high, bytes
    low, high, bytes, at = struct.unpack('<I4I4I4c0', messages, at)
    members[i], members[i + 1] = high * 4294967296 + low, bytes
  end
  local first, last = members[1], members[2 * count - 1]
  if last - first == count - 1 then
    redis.call('ZREMRANGEBYSCORE', key, first, last)
  else
    for i = 1, 2 * count, 2 do redis.call('ZREMRANGEBYSCORE', key, members[i], members[i]) end
  end
  redis.call('ZADD', key, unpack(members))
  redis.call('ZREMRANGEBYRANK', key, 0, -tonumber(ARGV[1]) - 1)
  redis.call('PEXPIRE', key, ARGV[2])
end
return 1
`);

/** Messages in one run of the script: Redis does nothing else meanwhile, and Lua takes a bounded number of values. */
const messagesPerScriptMax = 200;

export class RedisTail implements MessageTail {
  readonly #link: RedisLink;
  readonly #limits: TailLimits;

  constructor(link: RedisLink, limits: TailLimits = tailLimits) {
    this.#link = link;
    this.#limits = limits;
  }

  async append(batch: readonly TailAppend[]): Promise<boolean> {
    const calls = this.#scriptRuns(batch).map((run) => this.#run(run));
    return (await Promise.all(calls)).every((isStored) => isStored);
  }

  async read(tenant: string, ranges: readonly TailRange[]): Promise<readonly (readonly TailMessage[])[]> {
    return Promise.all(ranges.map((range) => this.#read(tenant, range)));
  }

  #scriptRuns(batch: readonly TailAppend[]): ScriptRun[] {
    const runs: ScriptRun[] = [];
    let run: ScriptRun | undefined;
    for (const { tenant, conversation, messages } of batch) {
      const key = redisKeys.tail(tenant, conversation);
      const kept = this.#kept(messages);
      for (let start = 0; start < kept.length;) {
        if (run === undefined || run.count === messagesPerScriptMax) runs.push((run = new ScriptRun()));
        const end = Math.min(kept.length, start + messagesPerScriptMax - run.count);
        run.add(key, kept.slice(start, end));
        start = end;
      }
    }
    return runs;
  }

  /** Of more than fit only the newest would stay anyway. */
  #kept(messages: readonly TailMessage[]): readonly TailMessage[] {
    const { messagesMax, messageBytesMax } = this.#limits;
    return messages.slice(-messagesMax).filter(({ bytes }) => bytes.length <= messageBytesMax);
  }

  async #run({ keys, messages }: ScriptRun): Promise<boolean> {
    const args = [this.#limits.messagesMax, this.#limits.ttlMs, messages.finish()];
    return (await this.#link.call((redis) => appendScript.run(redis, keys, args))).ok;
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

/** What one run of the script takes. */
class ScriptRun {
  readonly keys: string[] = [];
  readonly messages = new ByteWriter();
  count = 0;

  add(key: string, messages: readonly TailMessage[]): void {
    this.keys.push(key);
    this.count += messages.length;
    this.messages.u32(messages.length);
    for (const { sequence, bytes } of messages) {
      assert(Number.isSafeInteger(sequence) && sequence > 0, 'RedisTail: sequences are dense from 1');
      this.messages.u32(sequence % 2 ** 32).u32(Math.floor(sequence / 2 ** 32));
      this.messages.u32(bytes.length).raw(bytes);
    }
  }
}
