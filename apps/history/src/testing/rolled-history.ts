// Weeks of conversations of two tenants in a scripted journal, and what roll-ups must say of them, counted in plain
// JavaScript. For tests.
import { groupShard, userShard } from './history-bench.ts';
import type { ScriptedJournal } from './scripted-journal.ts';

export interface Post {
  readonly tenant: string;
  readonly conversation: string;
  readonly sender: string;
  readonly atMs: number;
  readonly kind: 'message' | 'change' | 'read';
}

const dayMs = 86_400_000;

/** Commits `days` days: of each, messages of a direct and a group conversation, and a few who come and go. */
export function writeDays(journal: ScriptedJournal, from: number, days: number, posts: Post[]): void {
  for (let day = from; day < from + days; day += 1) {
    const tenant = day % 3 === 0 ? 'globex' : 'acme';
    const note = (conversation: string, sender: string, kind: Post['kind'] = 'message') =>
      posts.push({ tenant, conversation, sender, atMs: journal.nowMs, kind });
    for (let round = 0; round < 3; round += 1) {
      const one = `u${day % 7}`;
      const id = `${one}.w${(day * 3 + round) % 11}`;
      const direct = journal.direct(tenant, id, one, `direct ${day} ${round}`);
      note(`d.${id}`, one);
      journal.commit(userShard, [direct]);
    }
    const group = `g${day % 2}-${tenant}`;
    const events = [];
    if (journal.head(`${tenant}/g.${group}`) === 0) {
      events.push(journal.created(tenant, group, 'owner', ['m0', 'm1']));
      note(`g.${group}`, 'owner', 'change');
    }
    events.push(
      journal.change(tenant, group, (stamp) => ({
        membersAdded: { ...stamp, by: 'owner', members: [`m${day + 2}`] },
      })),
    );
    note(`g.${group}`, 'owner', 'change');
    events.push(journal.group(tenant, group, `m${day % 5}`, `post ${day}`));
    note(`g.${group}`, `m${day % 5}`);
    journal.commit(groupShard, events);
    journal.advance(90_000);
    journal.commit(userShard, [journal.readUpTo(tenant, 'm0', `g.${group}`)]);
    note(`g.${group}`, 'm0', 'read');
    journal.advance(dayMs - 3_600_000);
  }
}

/** What the tables must hold, as sorted lines. */
export function expectedRollUps(posts: readonly Post[]): Record<string, string[]> {
  const lines = (table: Map<string, unknown[]>): string[] =>
    [...table].map(([key, values]) => [key, ...values].join(' ')).sort();
  return {
    minutes: lines(activityBy(posts, (post) => minuteText(post.atMs))),
    days: lines(activityBy(posts, (post) => dayText(post.atMs))),
    periods: periods(posts),
    retention: retention(posts),
  };
}

function activityBy(posts: readonly Post[], placeOf: (post: Post) => string): Map<string, unknown[]> {
  const groups = groupBy(posts, (post) => {
    const kind = post.conversation.startsWith('g.') ? 'group' : 'direct';
    return `${post.tenant} ${placeOf(post)} ${kind}`;
  });
  return new Map(
    [...groups].map(([key, all]) => {
      const [messages, changes, reads] = (['message', 'change', 'read'] as const).map((kind) =>
        all.filter((post) => post.kind === kind),
      ) as [Post[], Post[], Post[]];
      const distinct = (values: readonly string[]) => new Set(values).size;
      return [
        key,
        [
          messages.length,
          changes.length,
          distinct(messages.map((post) => post.sender)),
          distinct([...messages, ...changes].map((post) => post.conversation)),
          reads.length,
        ],
      ];
    }),
  );
}

function periods(posts: readonly Post[]): string[] {
  const messages = posts.filter((post) => post.kind === 'message');
  const first = firstDays(messages);
  const places = { day: dayText, week: mondayText, month: (ms: number) => `${dayText(ms).slice(0, 7)}-01` };
  return Object.entries(places)
    .flatMap(([period, startOf]) =>
      [...groupBy(messages, (post) => `${post.tenant} ${period} ${startOf(post.atMs)}`)].map(([key, all]) => {
        const users = new Set(all.map((post) => post.sender));
        const start = key.split(' ')[2]!;
        const isNew = (user: string) => dayText(first.get(`${all[0]!.tenant}/${user}`)!) >= start;
        return `${key} ${users.size} ${[...users].filter(isNew).length}`;
      }),
    )
    .sort();
}

function retention(posts: readonly Post[]): string[] {
  const messages = posts.filter((post) => post.kind === 'message');
  const first = firstDays(messages);
  const cells = new Map<string, Set<string>>();
  for (const { tenant, sender, atMs } of messages) {
    const key = `${tenant} ${mondayText(first.get(`${tenant}/${sender}`)!)} ${mondayText(atMs)}`;
    cells.set(key, (cells.get(key) ?? new Set()).add(sender));
  }
  return [...cells].map(([key, users]) => `${key} ${users.size}`).sort();
}

function firstDays(messages: readonly Post[]): Map<string, number> {
  const first = new Map<string, number>();
  for (const { tenant, sender, atMs } of messages) {
    const key = `${tenant}/${sender}`;
    first.set(key, Math.min(atMs, first.get(key) ?? Infinity));
  }
  return first;
}

const minuteText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')}:00`;
const dayText = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const mondayText = (ms: number): string => dayText(ms - ((new Date(ms).getUTCDay() + 6) % 7) * dayMs);

function groupBy(posts: readonly Post[], keyOf: (post: Post) => string): Map<string, Post[]> {
  const groups = new Map<string, Post[]>();
  for (const post of posts) groups.set(keyOf(post), [...(groups.get(keyOf(post)) ?? []), post]);
  return groups;
}
