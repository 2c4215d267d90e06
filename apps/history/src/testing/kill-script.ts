// The journal of the kill test: 20,000 messages of directs and groups, and 1,000 edits, over the turn of a year (two partitions), with
// members coming and going.
import type { CommittedEvent } from '@parley/runtime';
import { ScriptedJournal } from './scripted-journal.ts';
import { groupShard, userShard } from './history-bench.ts';

export function killScript(): ScriptedJournal {
  const journal = new ScriptedJournal();
  for (let commit = 0; commit < 1_000; commit += 1) {
    const directs = Array.from({ length: 10 }, (_, index) => {
      const number = (commit * 7 + index * 3) % 50;
      return journal.direct('acme', `a${number}.b${number}`, `a${number}`, `direct ${commit} 你好 ${index}`);
    });
    // The first message of a conversation again and again, also in the commit that it is in itself.
    const number = (commit * 7) % 50;
    const edit = journal.edited('acme', `a${number}.b${number}`, 1, `edited ${commit}`);
    journal.commit(userShard, [...directs, edit]);
    const group = `g${commit % 20}`;
    const posts = Array.from({ length: 9 }, (_, index) =>
      journal.group('acme', group, 'owner', `post ${commit}.${index}`),
    );
    const change = changeOf(journal, group, commit);
    journal.commit(groupShard, [change, ...posts]);
  }
  return journal;
}

function changeOf(journal: ScriptedJournal, group: string, commit: number): CommittedEvent {
  if (commit < 20) return journal.created('acme', group, 'owner', ['m']);
  return journal.change('acme', group, (stamp) =>
    commit % 2 === 0
      ? { membersAdded: { ...stamp, by: 'owner', members: [`m${commit}`] } }
      : { memberRemoved: { ...stamp, by: 'owner', member: `m${commit - 21}` } },
  );
}
