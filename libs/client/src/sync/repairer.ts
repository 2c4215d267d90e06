// Fills holes: of the inbox by sync, of conversations by history. One inbox sync and a few conversations at a time; a
// hole younger than holeWaitMs is left to the pushes; failures wait with full jitter and are tried again for ever.
import type { Random } from '@parley/std';
import { fullJitterMs } from '../backoff.ts';
import { ClientError, localError } from '../client-error.ts';
import type { Cursor, HistoryPage, ServerFrame, SyncPage } from '../frames.ts';
import type { ClientLimits } from '../limits.ts';
import type { Session } from '../session/session.ts';
import type { ConversationLog } from './conversation-log.ts';
import type { Inbox } from './inbox.ts';

export interface RepairerOptions {
  readonly limits: ClientLimits;
  readonly random: Random;
  readonly inbox: Inbox;
  nowMs(): number;
  log(conversation: string): ConversationLog | undefined;
  /** Cursors of large groups with a known hole, for the first sync of a session. */
  openCursors(): readonly Cursor[];
  takeLimited(page: SyncPage): void;
  /** The inbox is complete as far as is known: once for each session. */
  onSynced(session: Session): void;
  onFailure(error: ClientError): void;
}

interface Repair {
  attempts: number;
  notBeforeMs: number;
  isRunning: boolean;
}

export class Repairer {
  readonly #options: RepairerOptions;
  readonly #holes = new Map<string, Repair>();
  readonly #inboxRepair: Repair = { attempts: 0, notBeforeMs: 0, isRunning: false };
  #session: Session | undefined;
  #synced = false;
  #running = 0;

  constructor(options: RepairerOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return (
      this.#synced && this.#holes.size === 0 && !this.#inboxRepair.isRunning && !this.#options.inbox.hasHole
    );
  }

  /** A new session: sync at once, whatever is known. */
  start(session: Session): void {
    this.#session = session;
    this.#synced = false;
    this.#inboxRepair.isRunning = false;
    this.#inboxRepair.notBeforeMs = 0;
    this.#running = 0;
    for (const repair of this.#holes.values()) repair.isRunning = false;
    this.#syncInbox(session);
  }

  /** Sync from the client's own position without waiting: the server has dropped pushes. */
  syncNow(): void {
    this.#inboxRepair.notBeforeMs = 0;
    if (this.#session?.isReady) this.#syncInbox(this.#session);
  }

  /** Call after anything that may have left a hole in `log`. */
  check(log: ConversationLog): void {
    const { conversation } = log.facts;
    if (!log.hasHole) {
      log.holeSinceMs = 0;
      const repair = this.#holes.get(conversation);
      if (repair !== undefined && !repair.isRunning) this.#holes.delete(conversation);
    } else if (log.holeSinceMs === 0) {
      log.holeSinceMs = this.#options.nowMs();
      if (!this.#holes.has(conversation))
        this.#holes.set(conversation, { attempts: 0, notBeforeMs: 0, isRunning: false });
    }
  }

  tick(nowMs: number): void {
    const session = this.#session;
    if (!session?.isReady) return;
    const { inbox, limits } = this.#options;
    if (!this.#synced) this.#syncInbox(session);
    else if (!inbox.hasHole) inbox.holeSinceMs = 0;
    else if (inbox.holeSinceMs === 0) inbox.holeSinceMs = nowMs;
    else if (nowMs - inbox.holeSinceMs >= limits.holeWaitMs) this.#syncInbox(session);
    if (!this.#synced || this.#holes.size === 0) return;
    for (const [conversation, repair] of this.#holes) {
      if (this.#running >= limits.repairsMax) return;
      if (!repair.isRunning && nowMs >= repair.notBeforeMs)
        this.#considerRepair(conversation, repair, session, nowMs);
    }
  }

  #considerRepair(conversation: string, repair: Repair, session: Session, nowMs: number): void {
    const log = this.#options.log(conversation);
    if (log === undefined || !log.hasHole) {
      this.#holes.delete(conversation);
      if (log !== undefined) log.holeSinceMs = 0;
    } else if (nowMs - log.holeSinceMs >= this.#options.limits.holeWaitMs) {
      this.#repair(log, repair, session);
    }
  }

  #repair(log: ConversationLog, repair: Repair, session: Session): void {
    repair.isRunning = true;
    this.#running++;
    const { conversation } = log.facts;
    const done = (error: ClientError | undefined) => {
      repair.isRunning = false;
      this.#running--;
      if (error !== undefined) this.#postpone(repair, error);
      else if (!log.hasHole) this.#holes.delete(conversation);
      if (!log.hasHole) log.holeSinceMs = 0;
    };
    const startedAt = log.start;
    const limit = this.#options.limits.historyPageMessages;
    // `after: 0` cannot be told from no `after`, so the very first message is asked for by itself.
    const range = startedAt === 0 ? { before: 2, limit: 1 } : { after: startedAt, limit };
    session.ask({ history: { conversation, ...range } }, (error, frame) => {
      if (session !== this.#session) return;
      const page = frame?.historyPage;
      if (!page) {
        done(error ?? localError('BAD_ANSWER', 'history was not answered by historyPage'));
      } else if (!log.offerPage(page)) {
        done(localError('BAD_ANSWER', `a page of ${conversation} after ${startedAt} has a hole`, true));
      } else if (log.hasHole && log.start === startedAt) {
        done(localError('BAD_ANSWER', `a page of ${conversation} after ${startedAt} brought nothing`, true));
      } else if (log.hasHole) {
        repair.attempts = 0;
        this.#running--;
        this.#repair(log, repair, session);
      } else {
        done(undefined);
      }
    });
  }

  #syncInbox(session: Session): void {
    const { inbox, limits, nowMs } = this.#options;
    const repair = this.#inboxRepair;
    if (repair.isRunning || nowMs() < repair.notBeforeMs) return;
    repair.isRunning = true;
    const body = { inboxPosition: inbox.position, limit: limits.syncPageEntries, cursors: [] as Cursor[] };
    if (!this.#synced) body.cursors.push(...this.#options.openCursors());
    session.ask({ sync: body }, (error, frame) => this.#takeSyncAnswer(session, error, frame));
  }

  #takeSyncAnswer(session: Session, error: ClientError | undefined, frame: ServerFrame | undefined): void {
    if (session !== this.#session) return;
    const repair = this.#inboxRepair;
    repair.isRunning = false;
    const page = frame?.syncPage;
    if (!page) {
      this.#postpone(repair, error ?? localError('BAD_ANSWER', 'sync was not answered by syncPage'));
      return;
    }
    const { inbox } = this.#options;
    const before = inbox.position;
    if (page.limited) this.#options.takeLimited(page);
    else inbox.offer(page.entries);
    inbox.notePosition(page.inboxPosition);
    for (const log of page.logs) this.#takeLog(log);
    const progressed = inbox.position > before;
    if (inbox.hasHole && !progressed) {
      this.#postpone(repair, localError('BAD_ANSWER', `sync after ${before} brought nothing`, true));
      return;
    }
    repair.attempts = 0;
    inbox.holeSinceMs = 0;
    if (page.more || inbox.hasHole) {
      this.#syncInbox(session);
    } else if (!this.#synced) {
      this.#synced = true;
      this.#options.onSynced(session);
    }
  }

  #takeLog(page: HistoryPage): void {
    const log = this.#options.log(page.conversation);
    if (log === undefined) return;
    // Pushes may have moved the log on meanwhile; a page that begins beyond it would look like a hole.
    const first = page.messages[0];
    if (first === undefined || first.sequence <= log.start + 1) log.offerPage(page);
    this.check(log);
  }

  #postpone(repair: Repair, error: ClientError): void {
    // The next session starts over.
    if (error.code === 'DISCONNECTED' || error.code === 'STOPPED') return;
    const { limits, random, nowMs } = this.#options;
    const bounds = { baseMs: limits.backoffBaseMs, maxMs: limits.backoffMaxMs };
    repair.notBeforeMs = nowMs() + error.retryAfterMs + fullJitterMs(repair.attempts++, bounds, random);
    this.#options.onFailure(error);
  }
}
