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
  /**
   * Messages whose newest edit or recall is remembered, so that readers learn of changes the history does not have yet.
   * Above: the change made longest ago is forgotten here; it stays in the log. Not below what Redis keeps of a tail.
   */
  readonly changesMax: number;
  /** Users mentioned in one message. Above: refused with CONTENT_TOO_LARGE. */
  readonly mentionsMax: number;
  /** UTF-8 bytes of a custom payload. Above: refused with CONTENT_TOO_LARGE. */
  readonly payloadBytesMax: number;
  /** UTF-8 bytes of each reference, name, type and address of an attachment. Above: refused with CONTENT_TOO_LARGE. */
  readonly labelBytesMax: number;
  /** Characters (code points) of an answered message that the answer shows. The rest is left out. */
  readonly previewLengthMax: number;
  /** UTF-8 bytes of the emoji of a reaction. Above: refused with CONTENT_TOO_LARGE. */
  readonly emojiBytesMax: number;
  /** Different emojis on one message. Above: refused with REACTIONS_FULL. */
  readonly emojisPerMessageMax: number;
  /** Pairs of person and emoji on one message. Above: refused with REACTIONS_FULL. */
  readonly reactionsPerMessageMax: number;
  /** Messages whose reactions are remembered. Above: the oldest one's are forgotten, and it takes no more (TOO_LATE). */
  readonly reactedMessagesMax: number;
  /** Pairs of person and emoji remembered, of all messages. Above: as reactedMessagesMax. */
  readonly reactionsMax: number;
  /** Messages pinned in one conversation. Above: refused with PINS_FULL. */
  readonly pinnedMax: number;
}

export const conversationLimits: ConversationLimits = {
  textBytesMax: 65_536,
  dedupeCountMax: 4_096,
  dedupeAgeMaxMs: 3 * 24 * 3_600_000,
  tailCountMax: 256,
  tailBytesMax: 131_072,
  changesMax: 1_024,
  mentionsMax: 50,
  payloadBytesMax: 16_384,
  labelBytesMax: 1_024,
  previewLengthMax: 100,
  emojiBytesMax: 64,
  emojisPerMessageMax: 20,
  reactionsPerMessageMax: 10_000,
  reactedMessagesMax: 1_024,
  reactionsMax: 50_000,
  pinnedMax: 50,
};
