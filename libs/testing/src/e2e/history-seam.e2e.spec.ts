// The seam between the live tail and the history store: while writers post as fast as they can, readers page through both
// ways, around places and by date. What a page shows comes from the owner's memory, the Redis tail, the gateway's cache and
// ClickHouse, in whatever proportion the moment gives; nobody may see where one ends and the other begins.
import type { Client, HistoryPage, Message } from '@parley/client';
import { seededRandom } from '@parley/std';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster, waitUntil } from '../servers/index.ts';
import { People, direct, manyUsersFromOneAddress, upTo } from './people.ts';

let cluster: Cluster;
let people: People;
const random = seededRandom(20_260_131);
const below = (end: number): number => Math.floor(random.next() * end);

beforeAll(async () => {
  // The store is further behind than it would be, so that the seam is wide.
  const env = { ...manyUsersFromOneAddress, PARLEY_HISTORY_BATCH_PAUSE_MS: '2000' };
  cluster = await startCluster({ gateways: 2, env });
  people = new People(cluster);
});

afterAll(async () => {
  people?.closeAll();
  await cluster?.stop();
});

/** Unanswered messages of one writer. */
const inFlight = 64;
/** More than the owner's memory and the Redis tail hold together, so that the oldest come from the store only. */
const messagesMin = 4_000;

/** Posts without a pause until told to stop. */
class Writer {
  /** Text by sequence. */
  readonly acked = new Map<number, string>();
  #isStopping = false;
  readonly #lanes: Promise<void>[];

  constructor(client: Client, conversation: string) {
    let sent = 0;
    const lane = async () => {
      while (!this.#isStopping) {
        const text = `${client.user} ${++sent} 你好`;
        this.acked.set((await client.send(conversation, text)).sequence, text);
      }
    };
    this.#lanes = Array.from({ length: inFlight }, lane);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#lanes);
  }
}

/** Pages one conversation in every way, again and again; remembers what it saw, and what was wrong with it. */
class Reader {
  readonly seen = new Map<number, string>();
  readonly flaws: string[] = [];
  pages = 0;
  #newest = 1;
  readonly #client: Client;
  readonly #conversation: string;
  /** A member all the time: nothing is jumped over. */
  readonly #isDense: boolean;
  #isStopping = false;
  #running: Promise<void> | undefined;

  constructor(client: Client, conversation: string, isDense = true) {
    this.#client = client;
    this.#conversation = conversation;
    this.#isDense = isDense;
  }

  start(): this {
    const startMs = Date.now();
    this.#running = (async () => {
      while (!this.#isStopping) {
        await this.#around();
        await this.#atDate(startMs);
        await this.walk('before', 5);
        await this.walk('after', 5, this.#anyPlace());
      }
    })();
    return this;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  /** Pages on until the end or for so many pages; answers what came, in rising order. */
  async walk(way: 'before' | 'after', pagesMax = Infinity, from = 0): Promise<Message[]> {
    let messages: Message[] = [];
    let place = from;
    for (let count = 0; count < pagesMax; count++) {
      // A walk forward from the start begins behind a sequence that is not there.
      const isFirst = count === 0 && way === 'after' && from === 0;
      const page = await this.#page(isFirst ? { before: 2 } : { [way]: place });
      messages = way === 'after' ? [...messages, ...page.messages] : [...page.messages, ...messages];
      place = (way === 'after' ? messages.at(-1)?.sequence : messages[0]?.sequence) ?? place;
      const isMore = isFirst ? page.head > place : page.more;
      if (!isMore || page.messages.length === 0) break;
    }
    return messages;
  }

  async #around(): Promise<void> {
    const around = this.#anyPlace();
    const page = await this.#page({ around });
    const isThere = this.#isDense ? page.around === around : page.around >= around;
    this.#must(isThere, `around ${around} is at ${page.around}`);
  }

  async #atDate(startMs: number): Promise<void> {
    const atMs = startMs + below(Date.now() - startMs + 1_000);
    const { messages, around, head } = await this.#page({ atMs });
    for (const { sequence, sentAtMs } of messages) {
      if (sequence < around) this.#must(sentAtMs < atMs, `${sequence} comes before the one at ${atMs}`);
      if (sequence === around) this.#must(sentAtMs >= atMs, `${sequence} was sent before ${atMs}`);
    }
    if (around > head) this.#must(messages.at(-1)?.sequence === head, `the end is not the newest`);
  }

  async #page(place: Place): Promise<HistoryPage> {
    const conversation = this.#conversation;
    const page = await this.#client.history({ conversation, limit: pageMax, ...place });
    this.pages++;
    const sequences = page.messages.map(({ sequence }) => sequence);
    const isRight = this.#isDense
      ? sequences.join() === expectedOf(place, page).join()
      : sequences.every((sequence, index) => sequence > (sequences[index - 1] ?? 0));
    this.#must(isRight, `${JSON.stringify(place)} of ${page.head}: ${sequences.join()}`);
    this.#newest = Math.max(this.#newest, page.head);
    for (const message of page.messages) {
      const text = contentOf(message);
      const before = this.seen.get(message.sequence) ?? text;
      this.#must(text === before, `#${message.sequence} was ${before} and is ${text}`);
      this.seen.set(message.sequence, text);
    }
    return page;
  }

  #must(isSo: boolean, flaw: string): void {
    if (!isSo && this.flaws.length < 10) this.flaws.push(flaw);
  }

  /** Every other one of where the store's end is likely to be, the others anywhere. */
  #anyPlace(): number {
    const newest = this.#newest;
    return Math.max(1, newest - below(random.next() < 0.5 ? Math.min(newest, seamWidth) : newest));
  }
}

const pageMax = 120;
/** About what is written between two batches of the store. */
const seamWidth = 1_200;

interface Place {
  readonly before?: number;
  readonly after?: number;
  readonly around?: number;
  readonly atMs?: number;
}

/** The sequences of a page for a member of all times: neither more nor fewer, whatever the moment. */
function expectedOf(place: Place, { head, around: middle }: HistoryPage): number[] {
  const between = (first: number, last: number) => upTo(Math.min(last, head), Math.max(1, first));
  if (place.after !== undefined) return between(place.after + 1, place.after + pageMax);
  const around = place.around ?? (place.atMs === undefined ? undefined : middle);
  if (around !== undefined) return between(around - pageMax / 2, around + pageMax / 2 - 1);
  const before = place.before || head + 1;
  return between(before - pageMax, before - 1);
}

const contentOf = ({ system, text, sender }: Message): string =>
  system ? `${sender}: ${JSON.stringify(system)}` : (text ?? '');

/** Everything acknowledged, by sequence. */
const ackedOf = (writers: readonly Writer[]) => new Map(writers.flatMap((writer) => [...writer.acked]));
const countOf = (writers: readonly Writer[]) => writers.reduce((sum, { acked }) => sum + acked.size, 0);

const enough = (writers: readonly Writer[], count = messagesMin) =>
  waitUntil(() => countOf(writers) >= count, {
    what: `${count} messages are acknowledged`,
    limitMs: 60_000,
  });

describe('history while people write as fast as they can', () => {
  it('shows a direct conversation without a hole or a double, and in the end just what was acknowledged', async () => {
    const [alice, bob] = await people.registerAll('alice', 'bob');
    const conversation = direct(alice, bob);
    const [atAlice, atBob] = await Promise.all([alice.connect(), bob.connect({ gateway: 1 })]);
    await atAlice.send(conversation, 'the first');
    const writers = [new Writer(atAlice, conversation), new Writer(atBob, conversation)];
    const devices = await Promise.all(
      [alice, bob, alice, bob].map((person, gateway) =>
        person.connect({ encoding: gateway < 2 ? 'json' : 'protobuf', gateway: gateway % 2 }),
      ),
    );
    const readers = devices.map((device) => new Reader(device, conversation).start());
    // Without the Redis tail the store and the owner's memory often do not meet: pages must wait then.
    await enough(writers, messagesMin / 5);
    await cluster.redis!.kill();
    await enough(writers);
    await cluster.redis!.restart();
    await Promise.all(writers.map((writer) => writer.stop()));
    await Promise.all(readers.map((reader) => reader.stop()));

    const acked = ackedOf(writers).set(1, 'the first');
    expect(acked.size, 'a sequence is given once').toBe(1 + countOf(writers));
    for (const reader of readers) {
      expect(reader.flaws).toEqual([]);
      expect(reader.pages).toBeGreaterThan(10);
      for (const [sequence, text] of reader.seen) expect(acked.get(sequence)).toBe(text);
      for (const way of ['after', 'before'] as const) {
        const shown = await reader.walk(way);
        expect(new Map(shown.map((message) => [message.sequence, contentOf(message)]))).toEqual(
          new Map([...acked].toSorted(([one], [other]) => one - other)),
        );
        expect(shown).toHaveLength(acked.size);
        expect(reader.flaws).toEqual([]);
      }
    }
  });

  it('shows somebody who left and came back twice their own spans and nothing else', async () => {
    const [alice, ben] = await people.registerAll('alice', 'ben');
    const { id, conversation } = await alice.api.createGroup({ title: 'seam', members: [ben.id] });
    const [atAlice, atBen] = await Promise.all([alice.connect(), ben.connect({ gateway: 1 })]);
    const writers = [new Writer(atAlice, conversation)];
    const all = new Reader(await alice.connect({ gateway: 1 }), conversation).start();
    const own = new Reader(atBen, conversation, false).start();
    const more = (count: number) => {
      const wanted = writers[0]!.acked.size + count;
      return waitUntil(() => writers[0]!.acked.size >= wanted, { what: `${count} more`, limitMs: 30_000 });
    };
    for (const _ of upTo(2)) {
      await more(300);
      await alice.api.removeMember(id, ben.id);
      await more(300);
      await alice.api.addMembers(id, [ben.id]);
    }
    await enough(writers, messagesMin / 2);
    await Promise.all([...writers, all, own].map((one) => one.stop()));

    const acked = ackedOf(writers);
    const log = await all.walk('after');
    expect(log.flatMap(({ sequence, system, text }) => (system ? [] : [[sequence, text]]))).toEqual(
      [...acked].toSorted(([one], [other]) => one - other),
    );
    let isMember = false;
    const readable = log.filter(({ system }) => {
      const wasMember = isMember;
      if (system?.groupCreated || system?.membersAdded) isMember = true;
      if (system?.memberRemoved) isMember = false;
      return wasMember || isMember;
    });
    expect(readable.length).toBeLessThan(log.length - 500);
    const contents = readable.map((message) => [message.sequence, contentOf(message)]);
    for (const way of ['after', 'before'] as const) {
      const shown = await own.walk(way);
      expect(shown.map((message) => [message.sequence, contentOf(message)])).toEqual(contents);
    }
    const allowed = new Map(readable.map((message) => [message.sequence, contentOf(message)]));
    for (const [sequence, text] of own.seen) expect(allowed.get(sequence)).toBe(text);
    expect([...all.flaws, ...own.flaws]).toEqual([]);
  });
});
