// A history store full of made messages, written as the projection writes: the product's schema, its row buffer, in the
// order of time, so that merges do what they do in production. Kept in a folder, it can be used again.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type ClickHouse,
  RowBuffer,
  dateTimeText,
  noTimeText,
  migrate,
  openEmbeddedClickHouse,
} from '@parley/adapters';
import { membershipColumns, messageColumns } from '../../../apps/history/src/projection/history-batch.ts';
import { seededRandom, timeOrderedId } from '@parley/std';
import type { Lines } from './lines.ts';
import { countRollUps } from './made-roll-ups.ts';
import { World, shapeOf, userName } from './world.ts';

export const madeTenant = 'acme';
/** The year the messages are sent in. */
const madeFromMs = Date.UTC(2025, 10, 22);
export const madeToMs = Date.UTC(2026, 10, 22);
export const madeYear = { tenant: madeTenant, fromMs: madeFromMs, toMs: madeToMs };

const rowsPerInsert = 100_000;
const sayEveryMs = 10_000;
/** Merges go on for as long as they find something to do; a search that begins earlier is measured with more parts. */
const mergeLimitMs = 15 * 60_000;
const quietForMs = 3_000;
/** Changes with what is generated: a kept folder of another one is made anew. */
const generation = 3;

export interface MadeHistory {
  readonly clickHouse: ClickHouse;
  readonly messages: number;
}

export interface MakeOptions {
  readonly folder: string;
  readonly messages: number;
  readonly lines: Lines;
  readonly say: (line: string) => void;
}

/** Opens what is kept in the folder when it is the same, and makes it otherwise. */
export async function openMadeHistory({ folder, messages, lines, say }: MakeOptions): Promise<MadeHistory> {
  const marker = path.join(folder, 'made-history.json');
  const what = JSON.stringify({ generation, messages, lines: lines.name });
  const isKept = existsSync(marker) && readFileSync(marker, 'utf8') === what;
  const engineFolder = path.join(folder, 'clickhouse');
  if (!isKept) {
    for (const old of [marker, engineFolder]) rmSync(old, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }
  const clickHouse = await openEmbeddedClickHouse({ folder: engineFolder });
  try {
    await migrate(clickHouse);
    if (isKept) say(`${messages} messages are there already, in ${folder}`);
    else {
      await make(clickHouse, messages, lines, say);
      await untilMerged(clickHouse, say);
      say('counting roll-ups');
      await countRollUps(clickHouse, madeYear);
      writeFileSync(marker, what);
    }
  } catch (cause) {
    await clickHouse.close();
    throw cause;
  }
  return { clickHouse, messages };
}

async function make(
  clickHouse: ClickHouse,
  messages: number,
  lines: Lines,
  say: (line: string) => void,
): Promise<void> {
  const world = new World(shapeOf(messages));
  await insertAll(clickHouse, membershipRows(world));
  const startedMs = performance.now();
  let saidMs = startedMs;
  let done = 0;
  for await (const rows of inOneAhead(clickHouse, messageRows(world, lines))) {
    done += rows;
    if (performance.now() - saidMs < sayEveryMs) continue;
    saidMs = performance.now();
    const perSecond = (done * 1_000) / (saidMs - startedMs);
    say(`${done} of ${messages} messages made, ${Math.round(perSecond)}/s`);
  }
}

function* messageRows(world: World, lines: Lines): Generator<RowBuffer> {
  const { messages } = world.shape;
  const random = seededRandom(2);
  const clock = { nowMs: () => atMs, monotonicMs: () => atMs };
  let atMs = madeFromMs;
  let rows = new RowBuffer('parley.messages', messageColumns);
  for (let index = 0; index < messages; index += 1) {
    const { conversation, sequence, sender } = world.next();
    atMs = madeFromMs + Math.floor((index / messages) * (madeToMs - madeFromMs));
    rows.add([
      madeTenant,
      world.conversationName(conversation),
      sequence,
      index + 1,
      userName(sender),
      dateTimeText(atMs),
      'text',
      timeOrderedId(clock, random),
      lines.textAt(conversation, sequence, random.next()),
      '',
      'sent',
      '[]',
      '[]',
      noTimeText,
      '',
      0,
    ]);
    if (rows.rows < rowsPerInsert) continue;
    yield rows;
    rows = new RowBuffer('parley.messages', messageColumns);
  }
  if (rows.rows > 0) yield rows;
}

/** One in so many left a group and came back: at these sequences. */
const leaversShare = 50;
const leftAt = 40;
const cameBackAt = 80;

function* membershipRows(world: World): Generator<RowBuffer> {
  let rows = new RowBuffer('parley.memberships', membershipColumns);
  const add = (conversation: string, user: number, sequence: number, isMember: number) =>
    rows.add([madeTenant, userName(user), conversation, sequence, isMember, 1]);
  const { groups, directs } = world.shape;
  for (let conversation = 0; conversation < groups + directs; conversation += 1) {
    const name = world.conversationName(conversation);
    const members = conversation < groups ? world.membersOf(conversation) : world.pairOf(conversation);
    for (const user of members) {
      add(name, user, 1, 1);
      if (conversation < groups && (user + conversation) % leaversShare === 0) {
        add(name, user, leftAt, 0);
        add(name, user, cameBackAt, 1);
      }
    }
    if (rows.rows < rowsPerInsert) continue;
    yield rows;
    rows = new RowBuffer('parley.memberships', membershipColumns);
  }
  if (rows.rows > 0) yield rows;
}

async function insertAll(clickHouse: ClickHouse, batches: Iterable<RowBuffer>): Promise<void> {
  for (const rows of batches) await clickHouse.insert(rows.table, rows.columns, rows.toBytes());
}

/** Makes the next rows while the engine takes the ones before. Yields how many it has taken. */
async function* inOneAhead(clickHouse: ClickHouse, batches: Iterable<RowBuffer>): AsyncGenerator<number> {
  let inserting = Promise.resolve();
  for (const rows of batches) {
    await inserting;
    inserting = clickHouse.insert(rows.table, rows.columns, rows.toBytes());
    inserting.catch(() => undefined);
    yield rows.rows;
  }
  await inserting;
}

/** Until nothing was merged for a while: what a store looks like that has not just been filled. */
async function untilMerged(clickHouse: ClickHouse, say: (line: string) => void): Promise<void> {
  const deadline = performance.now() + mergeLimitMs;
  let quietSinceMs = performance.now();
  let saidMs = quietSinceMs;
  while (performance.now() - quietSinceMs < quietForMs) {
    const [[merges, progress] = []] = await clickHouse.select(
      'SELECT count(), round(100 * avg(progress)) FROM system.merges',
    );
    if (merges !== 0) quietSinceMs = performance.now();
    if (performance.now() > deadline) return say('still merging: measured with more parts than later');
    if (performance.now() - saidMs > sayEveryMs) {
      saidMs = performance.now();
      say(`${String(merges)} merges under way, ${String(progress)} % done`);
    }
    await delay(250);
  }
}
