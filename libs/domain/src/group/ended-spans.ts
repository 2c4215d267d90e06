// The spans of membership that have ended, by user, for readers who may still see what was said in their time. Bounded;
// the running span of a member follows from the member table.
import type { Span } from '../conversation/span.ts';
import type { GroupLimits } from './group-limits.ts';

/** In the order of the newest ending. */
export type EndedSpans = Map<string, readonly Span[]>;

type SpanLimits = Pick<GroupLimits, 'endedSpansPerUserMax' | 'formerUsersMax'>;

export function endSpan(spans: EndedSpans, user: string, span: Span, limits: SpanLimits): void {
  const earlier = spans.get(user) ?? [];
  spans.delete(user);
  spans.set(user, [...earlier, span].slice(-limits.endedSpansPerUserMax));
  if (spans.size <= limits.formerUsersMax) return;
  const [oldest] = spans.keys();
  if (oldest !== undefined) spans.delete(oldest);
}
