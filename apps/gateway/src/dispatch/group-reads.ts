// Read pointers of members, on their way from user entities to groups: collected for a moment, so that a group gets one
// command for many of them. What is lost here is told again when the reader reads on or says hello.
import { internal } from '@parley/protocol';
import type { Clock, Timer } from '@parley/std';
import type { ShardCommands } from './shard-commands.ts';

export interface GroupReadsLimits {
  /** How long pointers are collected. */
  readonly groupReadsFlushMs: number;
  /** Pointers that wait at most. Above: dropped; the next move of the pointer makes it good. */
  readonly groupReadsMax: number;
}

/** Pointers in one command: keeps it and its event far below what a commit may hold. */
const pointersPerCommandMax = 1_000;

interface Waiting {
  readonly tenant: string;
  readonly id: string;
  readonly pointers: Map<string, number>;
}

export class GroupReads {
  readonly #commands: Pick<ShardCommands, 'commandWithoutReply'>;
  readonly #clock: Clock;
  readonly #limits: GroupReadsLimits;
  readonly #waiting = new Map<string, Waiting>();
  #count = 0;
  #timer: Timer | undefined;

  constructor(commands: Pick<ShardCommands, 'commandWithoutReply'>, clock: Clock, limits: GroupReadsLimits) {
    this.#commands = commands;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** The user entity has committed that `user` has read the group `id` up to `sequence`. */
  note({ tenant, user }: { tenant: string; user: string }, id: string, sequence: number): void {
    const key = `${tenant}/${id}`;
    let group = this.#waiting.get(key);
    const known = group?.pointers.get(user);
    if (known !== undefined && known >= sequence) return;
    if (known === undefined && this.#count >= this.#limits.groupReadsMax) return;
    if (group === undefined) this.#waiting.set(key, (group = { tenant, id, pointers: new Map() }));
    group.pointers.set(user, sequence);
    if (known === undefined) this.#count++;
    this.#timer ??= this.#clock.after(this.#limits.groupReadsFlushMs, () => this.flush());
  }

  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const { tenant, id, pointers } of this.#waiting.values()) {
      const readers = [...pointers].map(([user, sequence]) => ({ user, sequence }));
      for (let at = 0; at < readers.length; at += pointersPerCommandMax) {
        const noteReads = { readers: readers.slice(at, at + pointersPerCommandMax) };
        const payload = internal.GroupCommand.encode({ noteReads }).finish();
        this.#commands.commandWithoutReply({ type: 'group', tenant, id }, payload);
      }
    }
    this.#waiting.clear();
    this.#count = 0;
  }
}
