// Every limit of the socket half of the gateway: name, unit, default, and what happens at it.

export interface SocketLimits {
  // ----- frames -----
  /** A larger frame is answered with FRAME_TOO_LARGE and otherwise ignored. Bytes. */
  readonly frameBytesMax: number;
  /** A larger WebSocket message is not even read: the connection is closed. Bytes. */
  readonly messageBytesMax: number;
  /** A longer text is refused with TEXT_TOO_LARGE. UTF-8 bytes. */
  readonly textBytesMax: number;
  /** Steady rate of one connection; frames beyond rate and burst get RATE_LIMITED. Frames per second. */
  readonly framesPerSecond: number;
  /** Frames a connection may send at once after a rest. */
  readonly frameBurstMax: number;
  /** So many more refused frames than taken ones are a flood: the connection is closed. */
  readonly floodFramesMax: number;
  /** Cursors in one frame; more is BAD_REQUEST. */
  readonly cursorsMax: number;

  // ----- connections -----
  /** Further upgrades are refused with status 503. */
  readonly connectionsMax: number;
  /** Connections of one user on this gateway; a further hello gets BUSY. */
  readonly connectionsPerUserMax: number;
  /** A connection that has not been welcomed after this is closed. Milliseconds. */
  readonly helloTimeoutMs: number;
  /** Hellos begun in one turn of the event loop; the others wait for the next. About 150 µs each. */
  readonly hellosPerTurnMax: number;
  /** So many refused hellos close the connection. */
  readonly helloAttemptsMax: number;
  /** Silence from the client after which it is pinged. Milliseconds. */
  readonly keepAliveMs: number;
  /** Silence (no frame, no pong) after which the connection is closed. Milliseconds. */
  readonly idleMs: number;
  /** Age at which a client is told to reconnect, minus up to a tenth at random. Milliseconds. */
  readonly connectionAgeMaxMs: number;
  /** From go_away to the close. Milliseconds. */
  readonly goAwayGraceMs: number;
  /** On a stop, go_away frames are spread over this time. Milliseconds. */
  readonly drainSpreadMs: number;
  /** From go_away to the close on a stop. Milliseconds. */
  readonly drainGraceMs: number;
  /** How often heartbeats, deadlines and lagging clients are looked at. Milliseconds. */
  readonly sweepMs: number;

  // ----- backlog -----
  /** More waiting for a client, and pushes to it are dropped until it has read; then it gets sync_needed. Bytes. */
  readonly pushBacklogBytesMax: number;
  /** More waiting for a client, and even a reply cannot be sent: the connection is closed. Bytes. */
  readonly backlogBytesMax: number;
  /** A client that stays behind longer than this is closed. Milliseconds. */
  readonly slowConsumerMs: number;
  /** Pushes held for a connection that is not welcomed yet; further ones are dropped, sync_needed follows. */
  readonly heldPushesMax: number;
  /** Entries in one Deliver frame; the rest follows in the next. */
  readonly deliverEntriesMax: number;
  /** Live messages held for a connection that is joining a large group; beyond it the head is announced instead. */
  readonly heldLiveMax: number;

  // ----- commands -----
  /** No reply to a command for so long is TIMEOUT; shards refuse it as EXPIRED after the same time. Milliseconds. */
  readonly commandTimeoutMs: number;
  /**
   * Commands that may have been lost, because their shard has a new owner or our own connection was lost, get TIMEOUT
   * after this if nothing answers them. Milliseconds.
   */
  readonly doubtedCommandMs: number;
  /** Commands waiting for one shard; further ones get BUSY. */
  readonly commandsPerShardMax: number;
  /** Commands of one connection without a reply yet; further ones get BUSY. */
  readonly commandsPerConnectionMax: number;
  /** Records in one batch to a shard; the rest goes in the next. */
  readonly batchRecordsMax: number;
  /** Bytes of the records of one batch; the rest goes in the next. */
  readonly batchBytesMax: number;
  /** Acknowledgements are collected for so long. Milliseconds. */
  readonly acknowledgeFlushMs: number;
  /** Read pointers are collected for so long before groups are told. */
  readonly groupReadsFlushMs: number;
  /** Read pointers that wait for that at most. Above: dropped, the next move of the pointer makes it good. */
  readonly groupReadsMax: number;
  /** Groups that are told again how far a user has read who says hello. Above: the others learn when the user reads on. */
  readonly groupsRetoldMax: number;
  /** An unanswered re-attach is repeated after this. Milliseconds. */
  readonly reattachMs: number;
  /** Users known to exist, and pairs of users where one has a rule who may write, remembered for directs. Entries. */
  readonly knownUsersMax: number;
  /** How long they are remembered: then a new rule holds for strangers. Milliseconds. */
  readonly knownUsersTtlMs: number;
  /** Typing in larger groups is not told to anyone. Members. */
  readonly typingMembersMax: number;
  /** How long a member list is believed, for typing only. Milliseconds. */
  readonly typingMembersMs: number;
  /** Users in one presence query; more is BAD_REQUEST. */
  readonly presenceUsersMax: number;

  // ----- reads -----
  /** Reads (sync, history, presence) of one connection at once; further ones get BUSY. */
  readonly readsPerConnectionMax: number;
  /** Pages read for all connections at once, and as many hints (typing, presence); further ones wait their turn. */
  readonly readsAtOnceMax: number;
  /** Reads of each sort that wait; further ones get BUSY. */
  readonly readsWaitingMax: number;
  /** A read whose turn comes later gets BUSY instead: clients give up after ten seconds. Milliseconds. */
  readonly readWaitMs: number;
  /** Entries of a sync page when the client does not say, and at most. */
  readonly syncEntriesDefault: number;
  readonly syncEntriesMax: number;
  /** Messages of a history page when the client does not say, and at most. */
  readonly historyMessagesDefault: number;
  readonly historyMessagesMax: number;
  /** A page ends before it would outgrow this; `more` is set. Bytes of text, about. */
  readonly pageBytesMax: number;
  /** Message bodies kept in memory. Bytes of text, about. */
  readonly bodyCacheBytesMax: number;
  /** No answer of the history service for so long is HISTORY_UNAVAILABLE. Milliseconds. */
  readonly historyTimeoutMs: number;
  /** Questions for one read that are asked at once. */
  readonly questionsAtOnceMax: number;
  /** Pause before the head of a large group is asked again when nobody answered. Milliseconds. */
  readonly headRetryMs: number;
}

export const socketLimits: SocketLimits = {
  frameBytesMax: 131_072,
  messageBytesMax: 1_048_576,
  textBytesMax: 65_536,
  framesPerSecond: 200,
  frameBurstMax: 1_000,
  floodFramesMax: 2_000,
  cursorsMax: 500,
  connectionsMax: 18_000,
  connectionsPerUserMax: 32,
  helloTimeoutMs: 15_000,
  hellosPerTurnMax: 16,
  helloAttemptsMax: 5,
  keepAliveMs: 20_000,
  idleMs: 60_000,
  connectionAgeMaxMs: 12 * 60 * 60 * 1000,
  goAwayGraceMs: 5_000,
  drainSpreadMs: 1_000,
  drainGraceMs: 1_500,
  sweepMs: 500,
  pushBacklogBytesMax: 262_144,
  backlogBytesMax: 4_194_304,
  slowConsumerMs: 30_000,
  heldPushesMax: 1_000,
  deliverEntriesMax: 200,
  heldLiveMax: 256,
  commandTimeoutMs: 8_000,
  doubtedCommandMs: 1_000,
  commandsPerShardMax: 8_192,
  commandsPerConnectionMax: 256,
  batchRecordsMax: 512,
  batchBytesMax: 262_144,
  acknowledgeFlushMs: 50,
  groupReadsFlushMs: 1_000,
  groupReadsMax: 100_000,
  groupsRetoldMax: 50,
  reattachMs: 3_000,
  knownUsersMax: 100_000,
  knownUsersTtlMs: 60_000,
  typingMembersMax: 100,
  typingMembersMs: 10_000,
  presenceUsersMax: 200,
  readsPerConnectionMax: 8,
  readsAtOnceMax: 32,
  readsWaitingMax: 20_000,
  readWaitMs: 8_000,
  syncEntriesDefault: 200,
  syncEntriesMax: 500,
  historyMessagesDefault: 50,
  historyMessagesMax: 200,
  pageBytesMax: 524_288,
  bodyCacheBytesMax: 33_554_432,
  historyTimeoutMs: 3_000,
  questionsAtOnceMax: 8,
  headRetryMs: 1_000,
};
