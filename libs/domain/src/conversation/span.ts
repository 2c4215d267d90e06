// A span of membership: the sequences of a conversation its reader may see.

export interface Span {
  readonly from: number;
  /** Last sequence; 0 while it is open. */
  readonly to: number;
}

export const isReadable = (spans: readonly Span[], sequence: number): boolean =>
  spans.some((span) => sequence >= span.from && (span.to === 0 || sequence <= span.to));

/** Newest sequence that may be read, given the conversation's head. */
export function readableHead(spans: readonly Span[], head: number): number {
  const last = spans.at(-1);
  if (last === undefined) return 0;
  return last.to === 0 ? head : last.to;
}
