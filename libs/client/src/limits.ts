// Every limit of the client, with unit and default, and what happens when it is reached.

export interface ClientLimits {
  /** No answer to a request: it fails with TIMEOUT (sends are repeated with the same id). */
  readonly requestTimeoutMs: number;
  /** From opening the socket to `welcome`: the socket is closed and another one tried. */
  readonly connectTimeoutMs: number;
  /** How long `history`, `markRead` … go on trying over reconnects and retryable errors before they fail. */
  readonly operationTimeoutMs: number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
  /** Connected this long: the next reconnect starts with the base wait again. */
  readonly backoffResetMs: number;
  /** A hole younger than this waits for the push that may still fill it. */
  readonly holeWaitMs: number;
  /** Entries held over a hole in the inbox; further ones are dropped and fetched by sync. */
  readonly heldEntriesMax: number;
  /** Messages held over a hole in one conversation; further ones are dropped and fetched by history. */
  readonly heldMessagesMax: number;
  readonly ackEntriesMax: number;
  readonly ackDelayMs: number;
  /** Unanswered sends on the wire; further ones wait in the outbox. */
  readonly sendsInFlightMax: number;
  /** Messages in the outbox; `send` beyond it fails with OUTBOX_FULL. */
  readonly outboxMax: number;
  readonly syncPageEntries: number;
  readonly historyPageMessages: number;
  /** Conversations repaired at the same time. */
  readonly repairsMax: number;
  /** Cursors in one hello, sync or ack; the rest is repaired by history. */
  readonly cursorsMax: number;
  /** Added to the server's keep-alive interval before a silent connection counts as dead. */
  readonly deadAfterExtraMs: number;
  /** Every answer for this long was TIMEOUT or UNAVAILABLE: the gateway is cut off, and another one is tried. */
  readonly failingMaxMs: number;
  /** How long an old connection stays open for answers after a new one has taken its place. */
  readonly drainMs: number;
  /** Events an async iterator holds for a slow consumer; beyond it the iterator ends with an error. */
  readonly eventsHeldMax: number;
  /** Beat of the shared timer that drives all timeouts. */
  readonly tickMs: number;
}

export const defaultLimits: ClientLimits = {
  requestTimeoutMs: 10_000,
  connectTimeoutMs: 15_000,
  operationTimeoutMs: 30_000,
  backoffBaseMs: 500,
  backoffMaxMs: 20_000,
  backoffResetMs: 10_000,
  holeWaitMs: 300,
  heldEntriesMax: 512,
  heldMessagesMax: 512,
  ackEntriesMax: 50,
  ackDelayMs: 2_000,
  sendsInFlightMax: 64,
  outboxMax: 10_000,
  syncPageEntries: 200,
  historyPageMessages: 200,
  repairsMax: 4,
  cursorsMax: 100,
  deadAfterExtraMs: 10_000,
  failingMaxMs: 7_500,
  drainMs: 2_000,
  eventsHeldMax: 10_000,
  tickMs: 100,
};
