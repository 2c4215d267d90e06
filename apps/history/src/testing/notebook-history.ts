// Five weeks of a small company, always the same: what the queries of docs/analytics.md are run over.
import { type Random, seededRandom } from '@parley/std';
import { groupShard, userShard } from './history-bench.ts';
import { type ScriptedJournal, scriptStartMs } from './scripted-journal.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const tenant = 'acme';
const teams = ['backend', 'design', 'sales'];

/** The Monday on which it begins. */
export const notebookStartMs = Date.UTC(2026, 0, 5);
export const notebookWeeks = 5;

/** 24 people who come in three waves, three teams and a group of all; nobody works on weekends. */
export function writeNotebook(journal: ScriptedJournal): void {
  const random = seededRandom(5);
  journal.advance(notebookStartMs + 8 * hourMs - scriptStartMs);
  const people = Array.from({ length: 24 }, (_, at) => `p${String(at + 1).padStart(2, '0')}`);
  journal.commit(groupShard, [
    journal.created(tenant, 'all', 'p01', people.slice(1)),
    ...teams.map((team, at) =>
      journal.created(tenant, team, people[at]!, people.filter((_, one) => one % 3 === at).slice(1)),
    ),
  ]);
  for (let day = 0; day < 7 * notebookWeeks; day += 1) {
    journal.advance(notebookStartMs + day * dayMs + 9 * hourMs - journal.nowMs);
    if (day % 7 < 5)
      people.filter((_, at) => isThere(at, day, random)).forEach((person) => write(journal, person, random));
  }
}

/** Eight from the start, eight a week later, eight two weeks later; every fourth is gone after two weeks. */
function isThere(at: number, day: number, random: Random): boolean {
  const weeks = Math.floor(day / 7) - Math.floor(at / 8);
  return weeks >= 0 && !(at % 4 === 3 && weeks > 1) && random.next() < 0.7;
}

function write(journal: ScriptedJournal, person: string, random: Random): void {
  const at = Number(person.slice(1)) - 1;
  const team = teams[at % 3]!;
  const posts = Array.from({ length: 1 + Math.floor(random.next() * 3) }, (_, number) =>
    journal.group(tenant, team, person, `${team} ${number}`),
  );
  if (random.next() < 0.3) posts.push(journal.group(tenant, 'all', person, 'for everybody'));
  journal.commit(groupShard, posts);
  const peer = `p${String(((at + 1 + Math.floor(random.next() * 23)) % 24) + 1).padStart(2, '0')}`;
  const direct = [person, peer].sort().join('.');
  if (peer !== person) journal.commit(userShard, [journal.direct(tenant, direct, person, 'between us')]);
  journal.advance(Math.floor(random.next() ** 4 * 20 * 60_000));
  const reader = `p${String(((at + 3 * (1 + Math.floor(random.next() * 7))) % 24) + 1).padStart(2, '0')}`;
  journal.commit(userShard, [journal.readUpTo(tenant, reader, `g.${team}`)]);
  journal.advance(Math.floor(random.next() * 50 * 60_000));
}
