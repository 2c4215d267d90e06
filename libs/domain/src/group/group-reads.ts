// How far the members of a group have read. The pointers are those of the user entities, which keep them durably; gateways
// tell them to the group in batches, and may tell them again. One number for each member, no row for each message: who has
// read a message follows by comparing.
import { type Decision, type Result, accepted, err, ok } from '@parley/std';
import { type Done, done, nothingToDo } from '../conversation/done.ts';
import { isReadable } from '../conversation/span.ts';
import { type GroupState, spansOf } from './group-state.ts';
import type { GroupMember } from './member-table.ts';

export interface ReadPointer {
  readonly user: string;
  readonly sequence: number;
}

export interface NoteReads {
  readonly type: 'NoteReads';
  readonly readers: readonly ReadPointer[];
}

/** Only pointers that are further than before. Takes no sequence of the conversation. */
export interface ReadsNoted {
  readonly type: 'ReadsNoted';
  readonly pointers: readonly ReadPointer[];
}

export interface ReadersPage {
  /** Members who have read the message; whoever wrote it, too. */
  readonly count: number;
  /** Members who were there when it was written. */
  readonly memberCount: number;
  /** In rising order; empty in groups beyond `readersListedMembersMax`. */
  readonly users: readonly string[];
  readonly more: boolean;
}

/** Who is no member any more, and what lies behind, is passed over. */
export function decideNoteReads(state: GroupState, command: NoteReads): Decision<ReadsNoted, Done> {
  const newest = new Map<string, number>();
  for (const { user, sequence } of command.readers) {
    const member = state.members.get(user);
    const read = Math.min(sequence, state.log.head);
    if (member !== undefined && read > Math.max(member.read, newest.get(user) ?? 0)) newest.set(user, read);
  }
  if (newest.size === 0) return nothingToDo;
  const pointers = [...newest].map(([user, sequence]) => ({ user, sequence }));
  return accepted([{ type: 'ReadsNoted', pointers }], done);
}

export function noteReads(state: GroupState, { pointers }: ReadsNoted): GroupState {
  for (const { user, sequence } of pointers) noteRead(state, user, sequence);
  return state;
}

export function noteRead(state: GroupState, user: string, sequence: number): void {
  const member = state.members.get(user);
  if (member !== undefined && member.read < sequence) member.read = sequence;
}

/** Who has read the message at `sequence`, for members who may read it; one walk over the members. */
export function readersPage(
  state: GroupState,
  query: {
    readonly reader: string;
    readonly sequence: number;
    readonly after: string;
    readonly limit: number;
  },
): Result<ReadersPage, 'CONVERSATION_NOT_FOUND' | 'NOT_A_MEMBER' | 'MESSAGE_NOT_FOUND'> {
  const { members, limits, log } = state;
  const { sequence, reader, after } = query;
  if (log.head === 0) return err('CONVERSATION_NOT_FOUND');
  if (!members.has(reader)) return err('NOT_A_MEMBER');
  const isThere = sequence >= 1 && sequence <= log.head && isReadable(spansOf(state, reader), sequence);
  if (!isThere) return err('MESSAGE_NOT_FOUND');
  const isListed = members.size <= limits.readersListedMembersMax;
  const found: string[] = [];
  let count = 0;
  let memberCount = 0;
  for (const member of members.byId.values()) {
    if (member.joined > sequence) continue;
    memberCount++;
    if (!hasRead(member, sequence)) continue;
    count++;
    if (isListed && member.user > after) found.push(member.user);
  }
  const limit = query.limit === 0 ? limits.membersPageMax : Math.min(query.limit, limits.membersPageMax);
  const users = found.sort().slice(0, limit);
  return ok({ count, memberCount, users, more: found.length > users.length });
}

const hasRead = (member: GroupMember, sequence: number): boolean => member.read >= sequence;
