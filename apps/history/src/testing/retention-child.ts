// A history process for the kill test of retention: says `hole` when readers would see one in what the process before left,
// `started` when it begins to delete, `done` when it is through.
//   node retention-child.ts <folder>
import { type ClickHouse, migrate, oneServer, openEmbeddedClickHouse } from '@parley/adapters';
import { internal } from '@parley/protocol';
import { readPage } from '../reading/page-reader.ts';
import { deleteBefore } from '../retention/deletion.ts';
import { noteDeletion, readRetention } from '../retention/policies.ts';
import { reclaim } from '../retention/reclaim.ts';

const conversations = 200;
/** Of each conversation; one a minute. */
const messages = 100;
const startMs = Date.UTC(2026, 0, 1);
/** Half of them are older. */
const beforeMs = startMs + (messages / 2) * 60_000;
const nowMs = startMs + 86_400_000;

const engine = await openEmbeddedClickHouse({ folder: process.argv[2] ?? '' });
await migrate(engine);
const [filled] = await engine.select('SELECT count() FROM parley.messages');
if (filled?.[0] === 0) await fill(engine);
for (let number = 0; number < conversations; number += 20)
  if (!(await isDense(engine, `g.g${number}`))) process.send?.('hole');
if ((await readRetention(engine, 'acme')).deletedBeforeMs === 0) {
  process.send?.('started');
  await deleteBefore({ clickHouse: engine, layout: oneServer }, { tenant: 'acme', beforeMs });
  await reclaim({ clickHouse: engine, layout: oneServer, completeThroughMs: () => Promise.resolve(nowMs) });
  await noteDeletion(engine, { tenant: 'acme', beforeMs, nowMs });
}
await engine.close();
process.send?.('done');
process.disconnect();

async function fill(clickHouse: ClickHouse): Promise<void> {
  const moment = `fromUnixTimestamp64Milli(toInt64(${startMs}) + intDiv(number, ${conversations}) * 60000, 'UTC')`;
  await clickHouse.execute(
    `INSERT INTO parley.messages (tenant, conversation, sequence, version, sender, at, kind, client_message_id, text, system)
     SELECT 'acme', concat('g.g', toString(number % ${conversations})), intDiv(number, ${conversations}) + 1, number + 1, 'ann',
       ${moment}, 'text', toString(number), concat('text ', randomPrintableASCII(200)), '' FROM numbers(${conversations * messages})`,
  );
  // The payload of a message that was posted begins with 0x0a.
  await clickHouse.execute(
    `INSERT INTO parley.commits (shard, sequence, epoch, at, events)
     SELECT 'group.0', number + 1, 1, ${moment}, [(0, 'group', 'acme', [concat('g', toString(number % ${conversations}))],
       concat('\\n', randomPrintableASCII(200)))] FROM numbers(${conversations * messages})`,
  );
}

async function isDense(clickHouse: ClickHouse, conversation: string): Promise<boolean> {
  const request = internal.HistoryPageRequest.create({ tenant: 'acme', conversation, from: 1, to: messages });
  const page = await readPage(clickHouse, request);
  return page.messages?.length === messages && page.completeThrough === messages;
}
