// The rules of what a message may carry, for contents that the entities will not see. They are the entities' own.
import { conversationLimits, hasAttachment, refusalOfRich } from '@parley/domain';
import { type ErrorName, errorNameOf, readRich, wire } from '@parley/protocol';
import { utf8Bytes } from '@parley/std';
import type { Content } from './sealed-message.ts';

export interface RefusedContent {
  readonly code: ErrorName;
  readonly message?: string;
}

export function refusalOfContent(
  { text, rich: given }: Content,
  { textBytesMax }: { readonly textBytesMax: number },
): RefusedContent | undefined {
  // Defaults are on the prototype of what was decoded, or nowhere.
  const rich = given && readRich(wire.RichContent.decode(wire.RichContent.encode(given).finish()));
  if (text === '' && !hasAttachment(rich)) return { code: 'TEXT_EMPTY' };
  if (utf8Bytes(text) > textBytesMax) return { code: 'TEXT_TOO_LARGE' };
  const refusal = rich && refusalOfRich(rich, conversationLimits);
  if (refusal === undefined) return undefined;
  const { code, message } = refusal;
  return message === undefined ? { code: errorNameOf(code) } : { code: errorNameOf(code), message };
}
