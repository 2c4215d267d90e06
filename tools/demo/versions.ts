// What each message has been, from what its sender was told: the oracle for edits and recalls. A device shows the newest
// version whose change it may see; one it has read from a page may be newer.
import type { Message } from '@parley/client';
import type { Span } from './check-views.ts';
import type { Changed, Posted } from './people.ts';

interface Version {
  /** Sequence of the change that made it; 0: as it was sent. */
  readonly revision: number;
  readonly text: string;
  readonly isRecalled: boolean;
}

export class Versions {
  readonly #bySequence = new Map<number, Version[]>();

  constructor(posted: readonly Posted[], changed: readonly Changed[]) {
    for (const { sequence, text } of posted)
      this.#bySequence.set(sequence, [{ revision: 0, text, isRecalled: false }]);
    for (const { target, sequence, text } of changed.toSorted((a, b) => a.sequence - b.sequence))
      this.#bySequence
        .get(target)
        ?.push({ revision: sequence, text: text ?? '', isRecalled: text === undefined });
  }

  /** Is the message what it was at some time, and not older than its newest change within the spans? True for what nobody posted. */
  isRight(message: Message, spans: readonly Span[]): boolean {
    const versions = this.#bySequence.get(message.sequence);
    if (versions === undefined) return true;
    const shown = versions.find(({ revision }) => revision === (message.revision ?? 0));
    if (shown === undefined || shown.text !== (message.text ?? '')) return false;
    if (shown.isRecalled !== (message.isRecalled ?? false)) return false;
    const isSeen = (revision: number) =>
      spans.some(({ from, to }) => revision >= from && (to === 0 || revision <= to));
    return versions.every(({ revision }) => revision <= shown.revision || !isSeen(revision));
  }
}
