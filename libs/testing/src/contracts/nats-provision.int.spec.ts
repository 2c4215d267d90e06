// What provisioning creates, keeps and refuses.
import { NatsLink, StreamMisconfigured, connectNats, provisionNats } from '@parley/adapters';
import { afterAll, beforeEach, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type NatsHandle, startNats } from '../servers/nats-server.ts';

let server: NatsHandle;
let link: NatsLink;

beforeAll(async () => {
  server = await startNats();
});
afterAll(() => server.stop());
beforeEach(async () => {
  link = await connectNats(server.url, { name: 'provision' });
});
afterEach(async () => {
  for await (const { config } of link.control.jsm.streams.list())
    await link.control.jsm.streams.delete(config.name);
  await link.close();
});

describe('provisionNats', () => {
  test('creates a stream for each part, with the subjects of its shards', async () => {
    const { numbers, mismatches } = await provisionNats(link);
    expect(numbers).toEqual({ shardCounts: { user: 8, group: 8 }, journalParts: 4, commandParts: 4 });
    expect(mismatches).toEqual([]);
    const { config } = await link.control.jsm.streams.info('JRN_USER_1');
    expect(config.subjects).toEqual(['jrn.user.1', 'jrn.user.5']);
    expect(config.max_age).toBe(0);
    const names = [];
    for await (const name of link.control.jsm.streams.names()) names.push(name);
    expect(names.filter((name) => name.startsWith('CMD_GROUP_'))).toHaveLength(4);
  });

  test('many processes may provision at the same time and agree', async () => {
    const asked = [2, 3, 4, 5, 6].map((user) => ({ numbers: { shardCounts: { user } } }));
    const results = await Promise.all(asked.map((options) => provisionNats(link, options)));
    const [first] = results;
    for (const result of results) expect(result.numbers).toEqual(first?.numbers);
    expect(results.filter(({ mismatches }) => mismatches.length === 0)).toHaveLength(1);
  });

  test('the stored numbers win, and what was asked for differently is told', async () => {
    await provisionNats(link, { numbers: { shardCounts: { user: 4 }, journalParts: 2 } });
    const again = await provisionNats(link, { numbers: { shardCounts: { user: 64 }, journalParts: 8 } });
    expect(again.numbers.shardCounts).toEqual({ user: 4, group: 8 });
    expect(again.numbers.journalParts).toBe(2);
    expect(again.mismatches).toEqual([
      'journalParts: 8 asked for, but the cluster was created with 2',
      'shards of kind user: 64 asked for, but the cluster was created with 4',
    ]);
  });

  test('a journal stream that would forget commits is refused', async () => {
    await link.control.jsm.streams.add({
      name: 'JRN_USER_0',
      subjects: ['jrn.user.0', 'jrn.user.4'],
      max_age: 3_600_000_000_000,
      discard: 'old',
    });
    const provisioning = provisionNats(link);
    await expect(provisioning).rejects.toBeInstanceOf(StreamMisconfigured);
    await expect(provisioning).rejects.toThrow('stream JRN_USER_0: discard is old, must be new; max_age is');
  });
});
