import { internal } from '@parley/protocol';
import { expect, it } from 'vitest';
import { HandClock } from '../transport/gateway.double.ts';
import { GroupReads } from './group-reads.ts';

function reads(groupReadsMax = 100) {
  const clock = new HandClock();
  const sent: string[] = [];
  const commands = {
    commandWithoutReply: ({ id }: { id: string }, payload: Uint8Array) => {
      const readers = internal.GroupCommand.decode(payload).noteReads?.readers ?? [];
      sent.push(`${id}: ${readers.map(({ user, sequence }) => `${user} ${sequence}`).join(', ')}`);
    },
  };
  const noted = new GroupReads(commands, clock, { groupReadsFlushMs: 1_000, groupReadsMax });
  const note = (user: string, id: string, sequence: number) =>
    noted.note({ tenant: 'acme', user }, id, sequence);
  return { clock, sent, note };
}

it('a group gets one command for the pointers of a moment, each as far as it has come', () => {
  const { clock, sent, note } = reads();
  note('ann', 'tea', 3);
  note('ann', 'tea', 7);
  note('ann', 'tea', 5);
  note('bob', 'tea', 2);
  note('ann', 'town', 1);
  expect(sent).toEqual([]);
  clock.advance(1_000);
  expect(sent).toEqual(['tea: ann 7, bob 2', 'town: ann 1']);
  note('ann', 'tea', 8);
  clock.advance(1_000);
  expect(sent.at(-1)).toBe('tea: ann 8');
});

it('beyond the limit pointers are dropped, not those that wait already', () => {
  const { clock, sent, note } = reads(1);
  note('ann', 'tea', 3);
  note('bob', 'tea', 3);
  note('ann', 'tea', 4);
  clock.advance(1_000);
  expect(sent).toEqual(['tea: ann 4']);
});
