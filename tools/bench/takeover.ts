// How long a new owner needs until it serves, with a journal tail of real commits on a real NATS:
//
//   node --conditions=source tools/bench/takeover.ts --mib 64 [--rounds 3] [--default-limits] [--json]
//
// Shards of both kinds write a journal of that size without checkpoints (or, with --default-limits, with them: then the
// tail is as long as they leave it). Then fresh processes take over, one after another, and others read the same records
// with the client library's own consumer: the floor. Phases, in ms: claim the owner row, append the epoch record, wait for
// records, index them, everything else until `open` returns, the first answer, the first commit.
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { connectNats, provisionNats } from '@parley/adapters';
import { jetstream } from '@nats-io/jetstream';
import { encodeDirectCommand, encodeGroupCommand, internal, streams, subjects } from '@parley/protocol';
import {
  askOwner,
  FamiliarIdLists,
  type Journal,
  decodeCommit,
  decodeOutbound,
  encodeClientBatch,
  shardName,
} from '@parley/runtime';
import { startNats } from '@parley/testing/servers';
import { directs, groupShard, groups, tenant, userShard, writeTails } from './journal-tail.ts';
import { clusterShape, createShard, openPorts } from './one-shard.ts';

const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '64' },
    rounds: { type: 'string', default: '3' },
    'default-limits': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    // What the tool starts itself with.
    measure: { type: 'string' },
    kind: { type: 'string' },
    url: { type: 'string' },
  },
});

type Figures = Record<string, number>;
const mebibyte = 1024 * 1024;
const targetMs = 2_000;
/** The server cuts a client off that leaves 64 MiB of what it asked for unread. */
const floorPullBytes = 8 * mebibyte;
const shards = { user: userShard, group: groupShard };
const stoppedCheckpoints = { checkpointEveryMs: 2 ** 31 - 1, checkpointJournalBytes: Infinity };
const serverOptions = { numbers: { shardCounts: { user: 8, group: 8 }, journalParts: 4, commandParts: 4 } };

async function bench(): Promise<number> {
  const nats = await startNats();
  try {
    const startedMs = performance.now();
    const link = await connectNats(nats.url, { name: 'bench' });
    await provisionNats(link, serverOptions);
    const limits = values['default-limits'] ? {} : stoppedCheckpoints;
    await writeTails(link, { bytes: Number(values.mib) * mebibyte, limits });
    await link.close();
    process.stderr.write(`journals written in ${Math.round(performance.now() - startedMs)} ms\n`);
    const report: Record<string, unknown> = { mib: Number(values.mib) };
    let worstMs = 0;
    for (const kind of ['user', 'group'] as const) {
      const rounds: Figures[] = [];
      for (let round = 0; round < Number(values.rounds); round++) {
        const floor = await inFreshProcess('floor', kind, nats.url);
        const takeover = await inFreshProcess('takeover', kind, nats.url);
        rounds.push({ ...takeover, ...floor });
        worstMs = Math.max(worstMs, takeover['serving_ms'] ?? Infinity);
      }
      report[kind] = rounds;
    }
    process.stdout.write(`${JSON.stringify(report, undefined, values.json ? undefined : 2)}\n`);
    return worstMs <= targetMs ? 0 : 1;
  } finally {
    await nats.stop();
  }
}

/** A takeover by a process that has done nothing else before: the slowest there is. */
async function inFreshProcess(measure: string, kind: string, url: string): Promise<Figures> {
  const args = [
    '--conditions=source',
    import.meta.filename,
    '--measure',
    measure,
    '--kind',
    kind,
    '--url',
    url,
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  for await (const chunk of child.stdout) output += String(chunk);
  return JSON.parse(output) as Figures;
}

async function measureTakeover(kind: 'user' | 'group', url: string): Promise<Figures> {
  const shard = shards[kind];
  const link = await connectNats(url, { name: 'new-owner' });
  const client = await openPorts(await connectNats(url, { name: 'client' }), kind);
  const question = questionOf(kind);
  const ports = await openPorts(link, kind);
  const journal = new TimedJournal(ports.journal);
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();

  const before = await ports.owners.get(shardName(shard));
  const claimed = await ports.owners.write(shardName(shard), new Uint8Array(), before?.revision ?? 0);
  if (claimed.outcome !== 'written') throw new Error('somebody else claims the shard');
  const claimedMs = performance.now();
  const taken = createShard({
    shard,
    ports: { ...ports, journal },
    epoch: claimed.revision,
    limits: stoppedCheckpoints,
  });
  if (!(await taken.open())) throw new Error('not taken over');
  const openMs = performance.now();

  const subject = subjects.query(kind, shard.index);
  let answer = await askOwner(client.messenger, subject, question.query, 10_000);
  // As gateways do: the server may not know yet that somebody answers here.
  while (answer.outcome === 'no-responders')
    answer = await askOwner(client.messenger, subject, question.query, 10_000);
  if (answer.outcome !== 'answered') throw new Error(`the first query: ${answer.outcome}`);
  if (internal.QueryAnswer.decode(answer.bytes).head == null) throw new Error('the first query was refused');
  const answeredMs = performance.now();

  const reply = new Promise<void>((resolve) => {
    client.messenger.subscribe(subjects.gateway('first'), (bytes) => {
      if (decodeOutbound(bytes).items.some((item) => item.kind === 'reply')) resolve();
    });
  });
  await client.messenger.flush();
  const sentMs = performance.now();
  client.commandLog.offer(shard, question.command);
  await reply;
  const committedMs = performance.now();
  taken.drop();

  const cpu = process.cpuUsage(cpuBefore);
  const cpuMs = (cpu.user + cpu.system) / 1_000;
  const open = openMs - claimedMs;
  return rounded({
    serving_ms: committedMs - startedMs,
    claim_ms: claimedMs - startedMs,
    epoch_record_ms: journal.appendMs,
    scan_wait_ms: journal.waitMs,
    scan_index_ms: journal.indexMs,
    other_ms: open - journal.appendMs - journal.waitMs - journal.indexMs,
    first_answer_ms: answeredMs - openMs,
    first_commit_ms: committedMs - sentMs,
    tail_mib: journal.bytes / mebibyte,
    tail_records: journal.records,
    rss_mib: process.memoryUsage().rss / mebibyte,
    cpu_ms: cpuMs,
    ...(await measureDecoding(ports.journal, shard)),
  });
}

/** Notes how long its caller waits, and how long it takes between two records. */
class TimedJournal implements Journal {
  readonly #journal: Journal;
  appendMs = 0;
  waitMs = 0;
  indexMs = 0;
  bytes = 0;
  records = 0;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  async append(...args: Parameters<Journal['append']>): ReturnType<Journal['append']> {
    const startedMs = performance.now();
    const result = await this.#journal.append(...args);
    this.appendMs += performance.now() - startedMs;
    return result;
  }

  last(...args: Parameters<Journal['last']>): ReturnType<Journal['last']> {
    return this.#journal.last(...args);
  }

  async *read(...args: Parameters<Journal['read']>): ReturnType<Journal['read']> {
    let sinceMs = performance.now();
    for await (const record of this.#journal.read(...args)) {
      const gotMs = performance.now();
      this.waitMs += gotMs - sinceMs;
      this.bytes += record.bytes.length;
      this.records++;
      yield record;
      sinceMs = performance.now();
      this.indexMs += sinceMs - gotMs;
    }
  }

  at(...args: Parameters<Journal['at']>): ReturnType<Journal['at']> {
    return this.#journal.at(...args);
  }

  place(...args: Parameters<Journal['place']>): string {
    return this.#journal.place(...args);
  }

  trim(...args: Parameters<Journal['trim']>): ReturnType<Journal['trim']> {
    return this.#journal.trim(...args);
  }
}

/** Decoding alone, of all records, which indexing contains. */
async function measureDecoding(
  journal: Journal,
  shard: typeof userShard | typeof groupShard,
): Promise<Figures> {
  const familiar = new FamiliarIdLists();
  let decodeMs = 0;
  let events = 0;
  let effects = 0;
  for await (const { bytes } of journal.read(shard, 1)) {
    const startedMs = performance.now();
    const record = decodeCommit(bytes, familiar);
    decodeMs += performance.now() - startedMs;
    for (const { ids } of record.events) events += ids.length;
    effects += record.effects.length;
  }
  return { decode_again_ms: decodeMs, events, effects };
}

/** The first question and the first command of a client. */
function questionOf(kind: 'user' | 'group'): { query: Uint8Array; command: Uint8Array } {
  const { type, id, senders } = (kind === 'user' ? directs() : groups())[0]!;
  const [sender = ''] = senders;
  const post = {
    type: 'PostMessage' as const,
    sender,
    clientMessageId: `first-${process.pid}`,
    text: 'is anybody there?',
    afterClientMessageId: '',
  };
  const payload = kind === 'user' ? encodeDirectCommand(post) : encodeGroupCommand(post);
  const record = { kind: 'command' as const, requestId: 1, type, tenant, id, payload };
  return {
    query: internal.Query.encode({ type, tenant, id, head: { reader: sender } }).finish(),
    command: encodeClientBatch({ gatewayId: 'first', deadlineMs: Date.now() + 60_000, records: [record] }),
  };
}

/** The same records read by the client library's ordered consumer, which looks at nothing. */
async function measureFloor(kind: 'user' | 'group', url: string): Promise<Figures> {
  const { index } = shards[kind];
  const { connection } = (await connectNats(url, { name: 'floor' })).bulk;
  const startedMs = performance.now();
  const consumer = await jetstream(connection).consumers.get(
    streams.journal(kind, index % clusterShape.parts),
    { filter_subjects: subjects.journal(kind, index) },
  );
  let bytes = 0;
  for await (const message of await consumer.consume({ max_bytes: floorPullBytes })) {
    bytes += message.data.length;
    if (message.info.pending === 0) break;
  }
  return rounded({ floor_ms: performance.now() - startedMs, floor_mib: bytes / mebibyte });
}

const rounded = (figures: Figures): Figures =>
  Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, Math.round(value * 10) / 10]));

const { measure, kind, url } = values;
if (measure === undefined) {
  process.exitCode = await bench();
} else {
  if ((kind !== 'user' && kind !== 'group') || url === undefined)
    throw new Error('--kind and --url belong to it');
  const figures = await (measure === 'floor' ? measureFloor(kind, url) : measureTakeover(kind, url));
  process.stdout.write(JSON.stringify(figures));
  process.exit(0);
}
