// The store of a history process that has ended, row for row against the journals, and what the engine does with the same rows.
import { once } from 'node:events';
import path from 'node:path';
import {
  NatsJournal,
  NatsKeyValueStore,
  type NatsLink,
  NatsTrimGuard,
  connectNats,
  provisionNats,
} from '@parley/adapters';
import { type ShardId, shardName } from '@parley/runtime';
import { projectFolder, spawnGuarded, waitUntil } from '@parley/testing/servers';
import { tallyJournals } from '../../history/journal-tally.ts';
import { RowTally, countDifferences, tallyDifferences } from '../../history/row-tally.ts';
import type { InsertRates, TalliedRows } from './store-process.ts';

/** What the journals say ought to be there. */
export const tallyOfJournals = (natsUrl: string): Promise<RowTally> =>
  withJournals(natsUrl, ({ journal, shards }) => tallyJournals(journal, shards));

/** Waits until history has said that it has all that is in the journals now. */
export const untilHistoryHasAll = (natsUrl: string, limitMs: number): Promise<void> =>
  withJournals(natsUrl, async ({ link, journal, shards }) => {
    const guard = new NatsTrimGuard(new NatsKeyValueStore(link));
    for (const shard of shards) {
      const end = (await journal.last(shard))?.sequence ?? 0;
      const isThere = async (): Promise<boolean> => (await guard.safeSequence(shard)) >= end;
      await waitUntil(isThere, { what: `history has all of ${shardName(shard)}`, limitMs, everyMs: 200 });
    }
  });

interface Journals {
  readonly link: NatsLink;
  readonly journal: NatsJournal;
  readonly shards: readonly ShardId[];
}

async function withJournals<T>(natsUrl: string, work: (journals: Journals) => Promise<T>): Promise<T> {
  const link = await connectNats(natsUrl, { name: 'bench-journals' });
  try {
    const { numbers } = await provisionNats(link);
    const shards = Object.entries(numbers.shardCounts).flatMap(([kind, count]): ShardId[] =>
      Array.from({ length: count }, (_, index) => ({ kind, index })),
    );
    return await work({ link, journal: new NatsJournal(link, { parts: numbers.journalParts }), shards });
  } finally {
    await link.close();
  }
}

/** `folder`: of the embedded engine. Its rows are left as files in `exportFolder`, if that is named. */
export async function compareStore(
  expected: RowTally,
  folder: string,
  exportFolder = '',
): Promise<ReturnType<typeof countDifferences>> {
  const found = new RowTally();
  for (const [table, key, rows, sum] of await inStore<TalliedRows>('rows', folder, exportFolder))
    found.addAll(table, key, { rows, sum });
  return countDifferences(tallyDifferences(expected, found));
}

export const insertExported = (folder: string, exportFolder: string): Promise<InsertRates> =>
  inStore('insert', folder, exportFolder);

async function inStore<T>(role: string, folder: string, exportFolder: string): Promise<T> {
  const process = await spawnGuarded({
    command: path.join(projectFolder, 'node_modules/.bin/node'),
    args: [
      '--conditions=source',
      '--disable-warning=ExperimentalWarning',
      path.join(import.meta.dirname, 'store-process.ts'),
      role,
      folder,
      exportFolder,
    ],
    output: 2,
    ipc: true,
  });
  const ended = process.exited.then(() => Promise.reject(new Error(`the process for ${role} ended early`)));
  ended.catch(() => undefined);
  const [message] = (await Promise.race([once(process.child, 'message'), ended])) as [T];
  await process.exited;
  return message;
}
