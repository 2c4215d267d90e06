// Which failures pass by waiting: a log or store out of reach does; a programmer's error, unreadable bytes and a journal
// with a hole do not.
import { SnapshotAhead } from '../entity/entity-table.ts';
import { BrokenJournal } from './broken-journal.ts';

export const isTransient = (cause: unknown): boolean =>
  !(
    cause instanceof RangeError ||
    cause instanceof TypeError ||
    cause instanceof SnapshotAhead ||
    cause instanceof BrokenJournal ||
    (cause instanceof Error && cause.name === 'AssertionFailed')
  );
