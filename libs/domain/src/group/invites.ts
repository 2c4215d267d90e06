// Invites and requests to join, as a group remembers them. Both are bounded by limits of the group.
import type { InviteCreated, JoinRequested } from './group-event.ts';

export interface Invite {
  readonly id: string;
  /** Lets whoever gives it become a member; cannot be guessed. */
  readonly code: string;
  readonly by: string;
  readonly atMs: number;
  /** Milliseconds since 1970; 0: never. */
  readonly expiresAtMs: number;
  /** 0: any number. */
  readonly usesMax: number;
  readonly uses: number;
}

export interface JoinRequest {
  readonly user: string;
  readonly message: string;
  readonly atMs: number;
}

/** By id, in the order they were made; undefined while there is none. */
export type Invites = Map<string, Invite> | undefined;
/** By user, likewise. */
export type JoinRequests = Map<string, JoinRequest> | undefined;

export const isUsable = ({ expiresAtMs, usesMax, uses }: Invite, nowMs: number): boolean =>
  (expiresAtMs === 0 || nowMs < expiresAtMs) && (usesMax === 0 || uses < usesMax);

/** Those that are of no use any more go with the next one that is made. */
export function withInvite(invites: Invites, event: InviteCreated): Invites {
  const kept = invites ?? new Map<string, Invite>();
  for (const one of kept.values()) if (!isUsable(one, event.atMs)) kept.delete(one.id);
  const { id, code, by, atMs, expiresAtMs, usesMax } = event;
  kept.set(id, { id, code, by, atMs, expiresAtMs, usesMax, uses: 0 });
  return kept;
}

export function countUse(invites: Invites, id: string, uses: number): void {
  const invite = invites?.get(id);
  if (invite !== undefined) invites?.set(id, { ...invite, uses: invite.uses + uses });
}

export function withRequest(requests: JoinRequests, { user, message, atMs }: JoinRequested): JoinRequests {
  return (requests ?? new Map<string, JoinRequest>()).set(user, { user, message, atMs });
}

/** No entries, no map. */
export function without<Value>(
  map: Map<string, Value> | undefined,
  key: string,
): Map<string, Value> | undefined {
  map?.delete(key);
  return map?.size === 0 ? undefined : map;
}
