// The tail goes its own way: from the published watermark on, whatever the store does.
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryCluster, MemoryJournalFollower, MemoryMessageTail, type MessageTail } from '@parley/adapters';
import { decodeLogMessage } from '@parley/protocol';
import type { ShardId } from '@parley/runtime';
import { systemClock } from '@parley/std';
import { silentLog } from '../log.ts';
import { ScriptedJournal } from '../testing/scripted-journal.ts';
import { TailProjection } from './tail-projection.ts';

const shard: ShardId = { kind: 'user', index: 0 };
let running: TailProjection | undefined;
afterEach(() => running?.stop());

async function start(journal: ScriptedJournal, tail: MessageTail, watermark?: number): Promise<void> {
  const watermarks = await new MemoryCluster({ clock: systemClock })
    .node('tail')
    .keyValues.bucket('watermarks');
  if (watermark !== undefined) await watermarks.write('user.0', Buffer.from(String(watermark)), 0);
  const follower = new MemoryJournalFollower(journal.asJournal());
  running = new TailProjection({
    tail,
    follower,
    shards: [shard],
    watermarks,
    log: silentLog,
    retryMinMs: 5,
    retryMaxMs: 10,
  });
  running.start();
}

const read = async (tail: MessageTail) => {
  const [messages = []] = await tail.read('t', [{ conversation: 'd.a.b', from: 1, to: 100 }]);
  return messages.map(({ bytes }) => decodeLogMessage(bytes).text);
};

describe('the tail projection', () => {
  it('puts every message of a conversation into the tail', async () => {
    const journal = new ScriptedJournal();
    const tail = new MemoryMessageTail(systemClock);
    await start(journal, tail);
    journal.commit(shard, [journal.direct('t', 'a.b', 'a', 'one'), journal.direct('t', 'a.b', 'b', 'two')]);
    await expect.poll(() => read(tail)).toEqual(['one', 'two']);
  });

  it('begins at the watermark: what is before it is in the history store', async () => {
    const journal = new ScriptedJournal();
    const tail = new MemoryMessageTail(systemClock);
    for (const text of ['one', 'two', 'three'])
      journal.commit(shard, [journal.direct('t', 'a.b', 'a', text)]);
    await start(journal, tail, 2);
    await expect.poll(() => read(tail)).toEqual(['three']);
  });

  it('tries again until a store that is away takes the messages', async () => {
    const journal = new ScriptedJournal();
    const tail = new MemoryMessageTail(systemClock);
    let refusals = 3;
    const flaky: MessageTail = {
      append: (batch) => (refusals-- > 0 ? Promise.resolve(false) : tail.append(batch)),
      read: (tenant, ranges) => tail.read(tenant, ranges),
    };
    journal.commit(shard, [journal.direct('t', 'a.b', 'a', 'one')]);
    await start(journal, flaky);
    await expect.poll(() => read(tail)).toEqual(['one']);
  });
});
