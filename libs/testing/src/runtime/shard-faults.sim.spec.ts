// One named test for each way in which a shard could lose, double or block something, found by review.
import { buckets } from '@parley/protocol';
import { type ShardId, decodeCommit, encodeLaneBatch } from '@parley/runtime';
import { describe, expect, test } from 'vitest';
import { LettersClient, LettersCluster, tenant } from './letters-cluster.ts';
import { decodeJson, encodeJson, poisonId } from './letters.entity-type.ts';

const shard: ShardId = { kind: 'user', index: 0 };

async function oneShard(limits: ConstructorParameters<typeof LettersCluster>[0] = {}) {
  const cluster = new LettersCluster({ shards: 1, ...limits });
  const node = await cluster.startNode();
  await cluster.untilServed();
  return { cluster, node, client: new LettersClient(cluster) };
}

const commitsOf = (cluster: LettersCluster) => {
  const { stream, subject } = cluster.memory.journal(shard);
  return stream.from(subject, 1).map(({ bytes }) => ({ size: bytes.length, ...decodeCommit(bytes) }));
};

const answered = (cluster: LettersCluster, client: LettersClient, request: number) =>
  cluster.clock.until('an answer', () => client.replies.has(request));

describe('the head of a live topic that fell silent', () => {
  async function hearing() {
    const { cluster, node, client } = await oneShard();
    const heard: unknown[] = [];
    client.link.messenger.subscribe('letters.p1', (bytes) => heard.push(decodeJson(bytes)));
    const request = client.send('p1', 'a letter to nobody', []);
    await answered(cluster, client, request);
    return { cluster, node, heard };
  }
  const letter = { id: 'a letter to nobody' };

  test('is announced once', async () => {
    const { cluster, heard } = await hearing();
    await cluster.clock.advance(20_000);
    expect(heard).toEqual([letter, { head: 1 }]);
  });

  test('is announced when the owner is back, if it was cut off when the time had come', async () => {
    const { cluster, node, heard } = await hearing();
    await cluster.clock.until('the letter', () => heard.length === 1);
    await cluster.clock.advance(1_500);
    node.link.disconnect();
    await cluster.clock.advance(2_500);
    node.link.reconnect();
    await cluster.clock.advance(20_000);
    expect(heard).toEqual([letter, { head: 1 }]);
  });

  test('is announced again, if it went into a connection that was dead already', async () => {
    const { cluster, node, heard } = await hearing();
    await cluster.clock.until('the letter', () => heard.length === 1);
    await cluster.clock.advance(1_500);
    node.link.hold('to-server');
    await cluster.clock.advance(2_000);
    node.link.disconnect();
    node.link.reconnect();
    await cluster.clock.advance(20_000);
    expect(heard).toEqual([letter, { head: 1 }]);
  });
});

describe('commits stay below what the log takes as one message', () => {
  const letters = Array.from({ length: 40 }, (_, i) => ({
    from: 'p1',
    id: `big-${i}`,
    to: ['p2'],
    text: 'x'.repeat(60_000),
  }));

  test('a message that needs more than one commit is committed in parts', async () => {
    const { cluster, client } = await oneShard();
    const requests = client.sendTogether(letters);
    await cluster.clock.until('all answers', () => requests.every((request) => client.replies.has(request)));
    expect(Math.max(...commitsOf(cluster).map(({ size }) => size))).toBeLessThan(512 * 1024);
    expect((await client.ask('p1')).posted).toEqual(letters.map(({ id }) => id));
  });

  test('a new owner goes on in the middle of such a message, and repeats nothing', async () => {
    const { cluster, node, client } = await oneShard();
    let appends = 0;
    cluster.memory.faults = {
      fate: ({ operation }) => {
        if (operation === 'journal.append' && ++appends === 3) queueMicrotask(() => cluster.crash(node));
        return 'ok';
      },
    };
    // Nothing but the journal keeps these from being received twice.
    const from = 'x'.repeat(60_000);
    const ids = Array.from({ length: 40 }, (_, i) => `big-${i}`);
    client.sendCommands(
      ids.map((id) => ({ person: 'p2', command: { type: 'Receive', letter: { id, from } } })),
    );
    await cluster.clock.advance(5_000);
    expect(commitsOf(cluster).at(-1)?.inputPart?.records).toBeGreaterThan(0);
    await cluster.startNode();
    await cluster.untilServed();
    await cluster.clock.advance(1_000);
    expect((await client.ask('p2')).received.map(({ id }) => id)).toEqual(ids);
  });

  test('a decision that no commit can hold is refused, and the shard goes on', async () => {
    const { cluster, client } = await oneShard();
    const [request] = client.sendTogether([{ ...letters[0]!, text: 'x'.repeat(900_000) }]);
    await answered(cluster, client, request!);
    expect(client.replies.get(request!)).toMatchObject({ code: 'INTERNAL' });
    await cluster.drive(client.post('p3', 'after', ['p2']));
    expect((await client.ask('p1')).posted).toEqual([]);
  });
});

describe('one bad record does not keep the others waiting', () => {
  test('a command that breaks the shard each time is refused in the end', async () => {
    const { cluster, client } = await oneShard();
    const request = client.send('p1', poisonId, ['p2'], 600_000);
    await answered(cluster, client, request);
    expect(client.replies.get(request)).toMatchObject({ code: 'INTERNAL' });
    await cluster.drive(client.post('p1', 'after', ['p2']));
  });

  test('an entity whose snapshot cannot be read is out of order, and only that one', async () => {
    const { cluster, client } = await oneShard();
    const bucket = cluster.memory.bucket(buckets.snapshots('user'));
    bucket.write(`user.${tenant}.p2`, new Uint8Array([9]), 0, undefined);
    const request = client.send('p2', 'mine', ['p3']);
    await answered(cluster, client, request);
    expect(client.replies.get(request)).toMatchObject({ code: 'INTERNAL' });
    await cluster.drive(client.post('p1', 'to all', ['p2', 'p3']));
    expect((await client.ask('p3')).received).toEqual([{ id: 'to all', from: 'p1' }]);
    expect(await client.ask('p2')).toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('an attach record that cannot be read is refused', async () => {
    const { cluster, client } = await oneShard();
    const request = client.attachBadly('p1');
    await answered(cluster, client, request);
    expect(client.replies.get(request)).toMatchObject({ code: 'BAD_COMMAND' });
  });

  test('an effect that cannot be read is skipped, the ones after it are not', async () => {
    const { cluster, node, client } = await oneShard();
    const effect = (type: string, payload: Uint8Array) => ({ type, tenant, ids: ['p5'], payload });
    const command = encodeJson({ type: 'Receive', letter: { id: 'good', from: 'afar' } });
    const effects = [
      effect('user', new Uint8Array([1, 2])),
      effect('robot', command),
      effect('user', command),
    ];
    const batch = encodeLaneBatch({ source: 'group.0', sourceEpoch: 1, firstNumber: 1, effects });
    await cluster.drive(client.link.commandLog.publish(shard, batch));
    await cluster.drive(client.link.commandLog.publish(shard, batch));
    await cluster.clock.advance(1_000);
    expect((await client.ask('p5')).received).toEqual([{ id: 'good', from: 'afar' }]);
    expect(node.shards.serving[0]!.epoch).toBe(commitsOf(cluster)[0]!.epoch);
  });
});

describe('logs and stores that misbehave', () => {
  test('a checkpoint whose acknowledgement got lost does not end checkpoints', async () => {
    const { cluster, client } = await oneShard({ limits: { checkpointEveryMs: 1_000 } });
    cluster.memory.watermarks.set('user.0', Number.MAX_SAFE_INTEGER);
    let isLost = false;
    cluster.memory.faults = {
      fate: ({ operation, target }) => {
        if (isLost || operation !== 'kv.write' || !target.startsWith(buckets.checkpoints)) return 'ok';
        isLost = true;
        return 'answer-lost';
      },
    };
    for (let i = 0; i < 10; i++) {
      await cluster.drive(client.post('p1', `m${i}`, ['p2']));
      await cluster.clock.advance(2_000);
    }
    expect(isLost).toBe(true);
    expect(commitsOf(cluster).length).toBeLessThan(4);
  });

  test('a command log that lost its end is read again, and nothing is applied twice', async () => {
    const { cluster, client } = await oneShard();
    for (let i = 0; i < 10; i++) await cluster.drive(client.post('p1', `m${i}`, ['p2']));
    await cluster.clock.advance(5_000);
    const { stream } = cluster.memory.commands(shard);
    stream.loseAfter(stream.lastSequence - 5);
    await cluster.clock.advance(2 * cluster.limits.inputCheckMs);
    // Asked once: repeating would bring the sequences back to where they were.
    await answered(cluster, client, client.send('p1', 'after', ['p2']));
    const state = await client.ask('p1');
    expect(state.posted).toEqual([...Array.from({ length: 10 }, (_, i) => `m${i}`), 'after']);
    expect((await client.ask('p2')).received).toHaveLength(11);
  });

  test('a journal that lost records which a dirty entity needs is not served', async () => {
    const limits = { checkpointEveryMs: 60_000, checkpointBytesMax: 1 };
    const { cluster, node, client } = await oneShard({ limits });
    for (let i = 0; i < 200; i++) await cluster.drive(client.post(`q${i}`, `m${i}`, ['p2']));
    await cluster.clock.advance(61_000);
    cluster.crash(node);
    // The checkpoint stands at the newest commit, but most entities are in the journal only.
    const { stream, subject } = cluster.memory.journal(shard);
    stream.purge(subject, stream.last(subject)!.sequence - 1);
    await cluster.startNode();
    await cluster.clock.advance(30_000);
    expect(cluster.servers().size).toBe(0);
  });

  test('a journal that ends before its checkpoint is not served', async () => {
    const { cluster, node, client } = await oneShard({ limits: { checkpointEveryMs: 1_000 } });
    for (let i = 0; i < 5; i++) await cluster.drive(client.post('p1', `m${i}`, ['p2']));
    await cluster.clock.advance(3_000);
    cluster.crash(node);
    const { stream } = cluster.memory.journal(shard);
    stream.loseAfter(stream.lastSequence - 3);
    await cluster.startNode();
    await cluster.clock.advance(30_000);
    expect(cluster.servers().size).toBe(0);
  });

  test('a shard that cannot be opened is tried less and less often', async () => {
    const { cluster, node, client } = await oneShard({ limits: { checkpointEveryMs: 1_000 } });
    await cluster.drive(client.post('p1', 'm', ['p2']));
    await cluster.clock.advance(3_000);
    cluster.crash(node);
    cluster.memory.journal(shard).stream.loseAfter(0);
    let claims = 0;
    cluster.memory.faults = {
      fate: ({ operation, target }) => {
        if (operation === 'kv.write' && target === `${buckets.owners}/user.0`) claims++;
        return 'ok';
      },
    };
    await cluster.startNode();
    await cluster.clock.advance(120_000);
    expect(claims).toBeGreaterThan(3);
    expect(claims).toBeLessThan(20);
  });
});

describe('leaving and coming', () => {
  test('a stop in the middle of a hand-off waits for it and writes one hand-off record', async () => {
    const { cluster, node, client } = await oneShard();
    await cluster.drive(client.post('p1', 'a', ['p2']));
    const running = node.shards.serving[0]!;
    cluster.memory.faults = { delayMs: ({ operation }) => (operation.startsWith('journal') ? 700 : 0) };
    const request = client.send('p1', 'b', ['p2']);
    await cluster.clock.advance(50);
    const first = running.handOff();
    await cluster.clock.advance(50);
    await cluster.drive(Promise.all([first, running.handOff()]));
    expect(client.replies.get(request)).toEqual({ id: 'b' });
    const kinds = commitsOf(cluster).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'hand-off')).toHaveLength(1);
    expect(kinds.at(-1)).toBe('hand-off');
  });

  test('a question during a hand-off is answered', async () => {
    const { cluster, node, client } = await oneShard();
    await cluster.drive(client.post('p1', 'a', ['p2']));
    const [running] = node.shards.serving;
    cluster.memory.faults = { delayMs: ({ operation }) => (operation.startsWith('journal') ? 700 : 0) };
    client.send('p1', 'b', ['p2']);
    await cluster.clock.advance(50);
    const handedOff = running!.handOff();
    await cluster.clock.until('it takes nothing more', () => !running!.isServing);
    expect((await client.ask('p1')).posted).toContain('a');
    expect(running!.isStopped).toBe(false);
    await cluster.drive(handedOff);
  });

  test('a node that is stopped while it joins never serves', async () => {
    const cluster = new LettersCluster({ shards: 1 });
    cluster.memory.faults = { delayMs: ({ operation }) => (operation.startsWith('kv') ? 200 : 0) };
    const starting = cluster.startNode();
    await cluster.clock.until('it has begun to join', () => cluster.nodes.size === 1);
    const [joining] = [...cluster.nodes.values()];
    const stopped = joining!.shards.stop();
    await cluster.drive(Promise.all([starting, stopped]));
    await cluster.clock.advance(30_000);
    expect(cluster.servers().size).toBe(0);
  });

  test('a nudge comes also when the entity has left memory', async () => {
    const { cluster, client } = await oneShard({
      limits: { checkpointEveryMs: 500, entityIdleMs: 1_000, nudgeAfterMs: 10_000 },
    });
    const attached = client.attach('p2', 7);
    await answered(cluster, client, attached);
    await cluster.drive(client.post('p1', 'a', ['p2']));
    await cluster.clock.advance(60_000);
    const nudges = client.pushes.get('p2')?.filter(({ position }) => position === 0);
    expect(nudges).toHaveLength(cluster.limits.nudgesMax);
  });
});
