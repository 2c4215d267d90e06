// A moment as people and programs write it.

const pattern = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/**
 * Milliseconds since 1970 of `2026-01-31` (the day's beginning, UTC) or `2026-01-31T13:45:00+01:00`; undefined for anything
 * else, for times without a zone and for days that no calendar has.
 */
export function parseMoment(text: string): number | undefined {
  const day = pattern.exec(text)?.[1];
  if (day === undefined) return undefined;
  const ms = Date.parse(text);
  const dayMs = Date.parse(day);
  // A 31st of February is read as a day of March.
  if (Number.isNaN(ms) || Number.isNaN(dayMs) || new Date(dayMs).toISOString().slice(0, 10) !== day)
    return undefined;
  return ms;
}
