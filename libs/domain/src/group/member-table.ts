// The members of a group, in the order of joining, with two lists that are built when somebody asks: all ids as one
// array that keeps its identity until the membership changes (the runtime caches by it), and the ids in rising order
// for paging. At 100,000 members one more costs no walk over the others.

import type { Role } from './role.ts';

export interface GroupMember {
  readonly user: string;
  role: Role;
  /** Sequence that made the user a member. */
  readonly joined: number;
  mutedUntilMs: number;
  /** In this group; absent: none. */
  nickname?: string;
  /** First sequence the member may see, where that lies before `joined`. */
  firstVisible?: number;
  /** How far the member has read, as far as the group was told; 0: not yet. */
  read: number;
}

export class MemberTable {
  readonly byId: Map<string, GroupMember>;
  #ids: readonly string[] | undefined;
  #sorted: string[] | undefined;

  /** In the order of joining. */
  constructor(members: readonly GroupMember[] = []) {
    this.byId = new Map(members.map((member) => [member.user, member]));
  }

  get size(): number {
    return this.byId.size;
  }

  get(user: string): GroupMember | undefined {
    return this.byId.get(user);
  }

  has(user: string): boolean {
    return this.byId.has(user);
  }

  /** All ids, in the order of joining; the same array until the membership changes. */
  ids(): readonly string[] {
    this.#ids ??= [...this.byId.keys()];
    return this.#ids;
  }

  add(member: GroupMember): void {
    this.byId.set(member.user, member);
    this.#ids = undefined;
    this.#sorted?.splice(rankOf(this.#sorted, member.user), 0, member.user);
  }

  remove(user: string): void {
    if (!this.byId.delete(user)) return;
    this.#ids = undefined;
    this.#sorted?.splice(rankOf(this.#sorted, user), 1);
  }

  /** Members with ids greater than `after`, in rising order, at most `limit`. */
  page(after: string, limit: number): readonly GroupMember[] {
    this.#sorted ??= [...this.byId.keys()].sort();
    const start = after === '' ? 0 : rankOf(this.#sorted, after) + (this.byId.has(after) ? 1 : 0);
    return this.#sorted.slice(start, start + limit).flatMap((id) => this.byId.get(id) ?? []);
  }
}

/** Index of the first id that is not smaller. */
function rankOf(sorted: readonly string[], id: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as string) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
