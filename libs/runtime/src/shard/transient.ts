// Which failures pass by waiting: a log or store out of reach does; a programmer's error, unreadable bytes and a journal
// with a hole do not.
import { BrokenJournal } from './take-over.ts';

export const isTransient = (cause: unknown): boolean =>
  !(
    cause instanceof RangeError ||
    cause instanceof TypeError ||
    cause instanceof BrokenJournal ||
    (cause instanceof Error && cause.name === 'AssertionFailed')
  );
