// What is read out of strace's lines.
import { describe, expect, it } from 'vitest';
import { SyncLines } from './count-syncs.ts';

const file = '12</data/jetstream/$G/streams/JRN_USER_0/msgs/1.blk>';

function endsOf(...lines: readonly string[]): readonly number[] {
  const reader = new SyncLines();
  for (const line of lines) reader.note(line);
  return reader.endedAtMs;
}

describe('lines of strace', () => {
  it('tell when a sync of a journal file ended', () => {
    expect(endsOf(`[pid 71] 100.500000 fsync(${file}) = 0 <0.000250>`)).toEqual([100_500.25]);
    expect(endsOf(`100.500000 fdatasync(${file}) = 0 <0.001000>`)).toEqual([100_501]);
  });

  it('of other files, and of syncs that failed, are left out', () => {
    expect(endsOf('[pid 71] 100.5 fsync(9</data/jetstream/meta.inf>) = 0 <0.000250>')).toEqual([]);
    expect(endsOf(`[pid 71] 100.5 fsync(${file}) = -1 EIO (Input/output error) <0.000250>`)).toEqual([]);
  });

  it('that were interrupted belong together by thread', () => {
    const begun = [
      `[pid 71] 100.100000 fsync(${file} <unfinished ...>`,
      '[pid 72] 100.200000 fsync(9</data/jetstream/meta.inf> <unfinished ...>',
    ];
    expect(endsOf(...begun, '[pid 72] 100.300000 <... fsync resumed>) = 0 <0.100000>')).toEqual([]);
    expect(endsOf(...begun, '[pid 71] 100.400000 <... fsync resumed>) = 0 <0.300000>')).toEqual([100_400]);
  });
});
