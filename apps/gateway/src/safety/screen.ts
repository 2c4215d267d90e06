// What a message's way through the gateway needs of the word filter. The verdict becomes part of the command, so that the
// entity decides with it and no replay asks again; a refused message goes to its entity, too, which knows whether it is a
// retry of one that was taken before the list changed.
import type { Verdict } from './word-filter.ts';

export interface Screen {
  /** Whether texts of this tenant are looked at at all. */
  has(tenant: string): boolean;
  /** undefined: nothing was found. */
  check(tenant: string, text: string): Verdict | undefined;
}

/** For clusters without word lists. */
export const noScreen: Screen = { has: () => false, check: () => undefined };

export interface VerdictFields {
  readonly text: string;
  readonly flags: string[];
  readonly isRefused: boolean;
}

/** The fields of PostMessage and EditMessage that the verdict decides; none when there is nothing to say. */
export function verdictFields(
  screen: Screen,
  tenant: string,
  text: string | null | undefined,
): VerdictFields | undefined {
  if (!text || !screen.has(tenant)) return undefined;
  const verdict = screen.check(tenant, text);
  if (verdict === undefined) return undefined;
  // What is refused is not sent on: it would stand in the command log.
  const { isRejected: isRefused, words } = verdict;
  return isRefused
    ? { text: '', flags: [], isRefused }
    : { text: verdict.text, flags: [...words], isRefused };
}
