// When members wrote last, while the group is in slow mode. What is older than the interval is forgotten with the next
// post, so there are never more entries than members who wrote within one interval.
import type { GroupSettings } from './group-settings.ts';

/** By user, in the order of writing; undefined while there is none. */
export type LastPosts = Map<string, number> | undefined;

/** How long `user` still has to wait, milliseconds; 0: not at all. */
export function slowModeWaitMs(
  last: LastPosts,
  { slowModeMs }: GroupSettings,
  { user, nowMs }: { readonly user: string; readonly nowMs: number },
): number {
  const atMs = slowModeMs === 0 ? undefined : last?.get(user);
  return atMs === undefined ? 0 : Math.max(0, atMs + slowModeMs - nowMs);
}

export function notePost(
  last: LastPosts,
  { slowModeMs }: GroupSettings,
  { user, atMs }: { readonly user: string; readonly atMs: number },
): LastPosts {
  const kept = last ?? new Map<string, number>();
  kept.delete(user);
  kept.set(user, atMs);
  for (const [oldest, itsAtMs] of kept) {
    if (itsAtMs + slowModeMs > atMs) break;
    kept.delete(oldest);
  }
  return kept;
}
