// Named limits of the conversation rules, shared by direct conversations and groups.

export interface ConversationLimits {
  /** UTF-8 bytes of one text. Above: refused with TEXT_TOO_LARGE. */
  readonly textBytesMax: number;
  /** Posted messages remembered to recognise client retries. Above: the oldest are forgotten. */
  readonly dedupeCountMax: number;
  /** Milliseconds a posted message is remembered at least when the count allows. Older ones go with the next post. */
  readonly dedupeAgeMaxMs: number;
  /** Newest log messages kept in memory. Above: the oldest are dropped; the journal and the history have them. */
  readonly tailCountMax: number;
  /** Bytes of the newest log messages kept in memory, estimated. Above: as tailCountMax; the newest always stays. */
  readonly tailBytesMax: number;
}

export const conversationLimits: ConversationLimits = {
  textBytesMax: 65_536,
  dedupeCountMax: 4_096,
  dedupeAgeMaxMs: 3 * 24 * 3_600_000,
  tailCountMax: 256,
  tailBytesMax: 131_072,
};
