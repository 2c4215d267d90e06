// The made history: as it says it is, found again in its folder, and searched rightly.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { openLines } from './lines.ts';
import { openMadeHistory } from './made-history.ts';
import { someMembers } from './measured-search.ts';
import { World, busyUsers, shapeOf } from './world.ts';
import { countWrong } from './wrong-results.ts';

const messages = 3_000;

it('has dense conversations of people who are in them', () => {
  const world = new World(shapeOf(messages));
  const heads = new Map<number, number>();
  for (let index = 0; index < messages; index += 1) {
    const { conversation, sequence, sender } = world.next();
    expect(sequence).toBe((heads.get(conversation) ?? 0) + 1);
    heads.set(conversation, sequence);
    const isGroup = conversation < world.shape.groups;
    expect(isGroup ? world.membersOf(conversation) : world.pairOf(conversation)).toContain(sender);
  }
  const members = world.membersOf(0);
  expect(new Set(members).size).toBe(members.length);
  expect(members.length).toBeGreaterThan(world.membersOf(19).length - busyUsers);
  for (let direct = 0; direct < world.shape.directs; direct += 1) {
    const [one, other] = world.pairOf(world.shape.groups + direct);
    expect(one).not.toBe(other);
  }
});

it('is made as large as asked for, kept, and searched without a wrong result', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'parley-made-'));
  const said: string[] = [];
  const options = { folder, messages, lines: await openLines(), say: (line: string) => said.push(line) };
  try {
    await (await openMadeHistory(options)).clickHouse.close();
    expect(said.join('\n')).not.toContain('there already');
    const { clickHouse } = await openMadeHistory(options);
    expect(said.join('\n')).toContain('there already');
    expect(await clickHouse.select('SELECT count() FROM parley.messages FINAL')).toEqual([[messages]]);
    for (const table of ['minute_activity', 'daily_activity', 'daily_users'])
      expect(await clickHouse.select(`SELECT sum(messages) FROM parley.${table} FINAL`)).toEqual([
        [messages],
      ]);
    const members = await someMembers(clickHouse, shapeOf(messages).users, 2);
    const { checked, wrong } = await countWrong(clickHouse, members, (line) => said.push(line));
    expect([wrong, said.slice(2)]).toEqual([0, []]);
    expect(checked).toBeGreaterThan(15);
    await clickHouse.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
