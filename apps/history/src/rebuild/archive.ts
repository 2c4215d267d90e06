// What journals no longer hold, as commits again, from the table of events: copied once into the order of the journals, so
// that reading it shard by shard does not look at all of it each time.
import {
  type CommittedEvent,
  type JournalRecord,
  type ShardId,
  encodeCommit,
  shardName,
} from '@parley/runtime';
import { type ClickHouse, oneServer, sqlInteger, sqlText } from '@parley/adapters';

const columns = 'shard, sequence, position, epoch, at, type, tenant, ids, payload';
const readLimits = { timeoutMs: 60_000, rowsMax: 1_000_000 };
/** A page has whole commits; a commit has no more events than this (PARLEY_ACTOR_COMMIT_EVENTS_MAX). */
const eventsOfPage = 5_000;

export class EventArchive {
  readonly #next: ClickHouse;
  /** By shard: up to where events are here. */
  readonly #copied = new Map<string, number>();

  /** `next`: the database that is being built. */
  constructor(next: ClickHouse) {
    this.#next = next;
  }

  /** Call once, before anything is read. */
  async create(): Promise<void> {
    for (const statement of oneServer.createTable(table)) await this.#next.execute(statement);
  }

  /** The next commits of a shard with events, in order; empty when there are no more. */
  async read(
    shard: ShardId,
    { after, through }: { readonly after: number; readonly through: number },
  ): Promise<readonly JournalRecord[]> {
    await this.#copy(shardName(shard), through);
    const rows = await this.#next.select(
      `SELECT sequence, epoch, toUnixTimestamp64Milli(at), type, tenant, ids, base64Encode(payload) FROM parley.archive FINAL
       WHERE shard = ${sqlText(shardName(shard))} AND sequence > ${sqlInteger(after)} AND sequence <= ${sqlInteger(through)}
       ORDER BY sequence, position LIMIT ${2 * eventsOfPage}`,
      readLimits,
    );
    const commits: { sequence: number; epoch: number; atMs: number; events: CommittedEvent[] }[] = [];
    for (const [sequence, epoch, atMs, type, tenant, ids, payload] of rows) {
      let commit = commits.at(-1);
      if (commit?.sequence !== sequence) {
        commit = { sequence: sequence as number, epoch: epoch as number, atMs: atMs as number, events: [] };
        commits.push(commit);
      }
      commit!.events.push({
        type: type as string,
        tenant: tenant as string,
        ids: ids as string[],
        payload: Buffer.from(payload as string, 'base64'),
      });
    }
    // The last one may go on behind the page.
    if (rows.length === 2 * eventsOfPage) commits.pop();
    let previousSequence = after;
    return commits.map(({ sequence, ...commit }) => {
      const bytes = commitBytes(shard, { previousSequence, ...commit });
      previousSequence = sequence;
      return { sequence, bytes };
    });
  }

  /** What is not here yet. Journals are trimmed only of what the running store has. */
  async #copy(shard: string, through: number): Promise<void> {
    const copied = this.#copied.get(shard) ?? 0;
    if (copied >= through) return;
    await this.#next.execute(
      `INSERT INTO parley.archive (${columns}) SELECT ${columns} FROM ${running}.events
       WHERE shard = ${sqlText(shard)} AND sequence > ${sqlInteger(copied)} AND sequence <= ${sqlInteger(through)}`,
    );
    this.#copied.set(shard, through);
  }
}

const table = {
  name: 'archive',
  columns: [
    { name: 'shard', type: 'String' },
    { name: 'sequence', type: 'UInt64' },
    { name: 'position', type: 'UInt32' },
    { name: 'epoch', type: 'UInt64' },
    { name: 'at', type: "DateTime64(3, 'UTC')" },
    { name: 'type', type: 'String' },
    { name: 'tenant', type: 'String' },
    { name: 'ids', type: 'Array(String)' },
    { name: 'payload', type: 'String', codec: 'ZSTD(1)' },
  ],
  orderBy: ['shard', 'sequence', 'position'],
  shardBy: 'cityHash64(shard)',
};

/** Quoted, so that `inDatabase` does not rename it: what is read here is the running store. */
const running = '`parley`';

/** A commit as projections read it; what owners need of one is not known any more. */
export function commitBytes(
  shard: ShardId,
  commit: {
    readonly previousSequence: number;
    readonly epoch: number;
    readonly atMs: number;
    readonly events: readonly CommittedEvent[];
  },
): Uint8Array {
  return encodeCommit({
    kind: 'commit',
    shard: shardName(shard),
    n: 0,
    inputOffset: 0,
    lanesIn: [],
    laneCursors: [],
    effects: [],
    ...commit,
  });
}
