// The client: a conductor of session (one connection), inbox and conversation logs (what is known), repairer (what is
// missing) and outbox (what is to be sent). It reconnects for ever, and never shows a hole as if there were none.
import { type Clock, type Random, systemClock, systemRandom, timeOrderedId } from '@parley/std';
import { fullJitterMs } from './backoff.ts';
import { ClientError, localError } from './client-error.ts';
import { type Encoding, type FrameCodec, codecFor } from './codec/frame-codec.ts';
import { ConversationView, type EditedContent, type OwnSettings } from './conversation-view.ts';
import { type ClientEvent, type ClientEvents, type ClientState, EventHub } from './events.ts';
import {
  type Content,
  Diffusion,
  type Cursor,
  type Entry,
  type ReadersPage,
  type HistoryPage,
  type Message,
  type Presence,
  type RequestBody,
  type Sent,
  type ServerFrame,
  type SyncPage,
  type Welcome,
} from './frames.ts';
import { type ClientLimits, defaultLimits } from './limits.ts';
import { Outbox } from './session/outbox.ts';
import { Session } from './session/session.ts';
import type { OpenSocket } from './socket/socket.ts';
import { openWsSocket } from './socket/ws-socket.ts';
import type { ClientStore } from './store/client-store.ts';
import { MemoryStore } from './store/memory-store.ts';
import { ConversationLog, isJoinOf } from './sync/conversation-log.ts';
import { Inbox } from './sync/inbox.ts';
import { broughtUp } from './sync/message-changes.ts';
import { Repairer } from './sync/repairer.ts';
import { type Ticker, sharedTicker } from './ticker.ts';

export interface ClientOptions {
  /** Of the gateway's WebSocket: `ws://127.0.0.1:8080/v1/ws`. */
  readonly url: string;
  /** Either a token, or a function asked for one before each connection; `renew` after the last one was refused. */
  readonly token?: string;
  readonly getToken?: (request: { readonly renew: boolean }) => Promise<string>;
  /** Made once for each device, and kept: 1 … 64 of letters, digits, `_`, `-`. */
  readonly deviceId: string;
  /** One of `DeviceClass`; unknown unless given. */
  readonly deviceClass?: number;
  readonly encoding?: Encoding;
  /** Replaces the encoding's own codec. */
  readonly codec?: FrameCodec;
  readonly store?: ClientStore;
  /**
   * With an empty store: `sync` (default) fetches everything the server lets the user see, `heads` begins at the newest
   * message of each conversation and loads older ones on demand.
   */
  readonly coldStart?: 'sync' | 'heads';
  /** Certificate authority for wss, PEM. */
  readonly ca?: string;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly openSocket?: OpenSocket;
  readonly limits?: Partial<ClientLimits>;
}

/** Stray heads remembered of conversations the user is not (yet) a member of; older ones are forgotten. */
const strayHeadsMax = 100;

/** As the protocol names them. */
const settingNames: Readonly<Record<keyof OwnSettings, string>> = {
  doNotDisturbUntilMs: 'do_not_disturb_until_ms',
  pinned: 'pinned',
  hidden: 'hidden',
  markedUnread: 'marked_unread',
};

/** Refusals of fresh tokens in a row before the client gives up. */
const tokenRefusalsMax = 3;

/** Errors after which connecting again cannot help. */
const endedBy = ({ code, text }: { readonly code: string; readonly text: string }): ClientError =>
  new ClientError({ code, message: text, retryable: false, retryAfterMs: 0 });

/** Why a device has to log in again, by the reason of go_away. */
const deviceEndings: Readonly<Record<string, { readonly code: string; readonly text: string }>> = {
  logged_out: { code: 'DEVICE_LOGGED_OUT', text: 'this device was logged out from another one' },
  device_displaced: { code: 'DEVICE_DISPLACED', text: 'another device has taken the place of this one' },
};

const finalCodes = new Set([
  'DEVICE_LOGGED_OUT',
  'DEVICE_DISPLACED',
  'WRONG_DEVICE',
  'WRONG_TENANT',
  'USER_NOT_FOUND',
  'BAD_ID',
  'UNSUPPORTED_VERSION',
  'FORBIDDEN',
]);

export const createClient = (options: ClientOptions): Client => new Client(options);

export class Client {
  readonly #options: ClientOptions;
  readonly #limits: ClientLimits;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #codec: FrameCodec;
  readonly #store: ClientStore;
  readonly #ticker: Ticker;
  readonly #hub = new EventHub();
  readonly #logs = new Map<string, ConversationLog>();
  readonly #views = new Map<string, ConversationView>();
  readonly #strayHeads = new Map<string, number>();
  readonly #inbox: Inbox;
  readonly #repairer: Repairer;
  readonly #outbox: Outbox;
  readonly #draining = new Set<Session>();
  #state: ClientState = 'idle';
  #session: Session | undefined;
  /** Being opened while `#session` still serves, or the only one. */
  #opening: Session | undefined;
  #isFetchingToken = false;
  #attempts = 0;
  #reconnectAtMs: number | undefined;
  #renewToken = false;
  #tokenRefusals = 0;
  #user = '';
  #tenant = '';
  #isCold: boolean;
  #entriesSinceAck = 0;
  #ackDueMs: number | undefined;
  readonly #ackedCursors = new Map<string, number>();
  readonly #ownReads = new Set<string>();
  readonly #readyWaiters: { resolve(): void; reject(error: ClientError): void }[] = [];
  readonly #tick = (nowMs: number) => this.#onTick(nowMs);

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#codec = options.codec ?? codecFor(options.encoding ?? 'protobuf');
    this.#store = options.store ?? new MemoryStore();
    this.#ticker = sharedTicker(this.#clock, this.#limits.tickMs);
    const nowMs = () => this.#clock.monotonicMs();
    this.#inbox = new Inbox({
      position: this.#store.inboxPosition(),
      heldEntriesMax: this.#limits.heldEntriesMax,
      apply: (entry) => this.#applyEntry(entry),
    });
    this.#isCold = this.#store.inboxPosition() === 0;
    const shared = { limits: this.#limits, random: this.#random, nowMs };
    this.#outbox = new Outbox({
      ...shared,
      session: () => (this.#session?.isReady ? this.#session : undefined),
    });
    this.#repairer = new Repairer({
      ...shared,
      inbox: this.#inbox,
      log: (conversation) => this.#logs.get(conversation),
      openCursors: () => this.#cursors((log) => log.isOpen && log.hasHole),
      takeLimited: (page) => this.#takeLimited(page),
      onSynced: (session) => this.#onSynced(session),
      onFailure: (error) => this.#hub.emit('error', error),
    });
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Known after the first welcome. */
  get user(): string {
    return this.#user;
  }

  get tenant(): string {
    return this.#tenant;
  }

  get inboxPosition(): number {
    return this.#inbox.position;
  }

  /** Own messages without an answer yet. */
  get outboxSize(): number {
    return this.#outbox.size;
  }

  /** Connected, and nothing known to be missing. */
  get isCaughtUp(): boolean {
    return this.#state === 'ready' && this.#repairer.isIdle;
  }

  get conversations(): readonly ConversationView[] {
    return [...this.#logs.keys()].map((id) => this.conversation(id));
  }

  /** The view of a conversation; one that is not known yet is empty. */
  conversation(id: string): ConversationView {
    let view = this.#views.get(id);
    if (view === undefined) {
      view = new ConversationView(this.#log(id), {
        send: (conversation, content) => this.send(conversation, content),
        edit: (conversation, sequence, content) => this.edit(conversation, sequence, content),
        recall: (conversation, sequence) => this.recall(conversation, sequence),
        react: (conversation, sequence, emoji, remove) => this.react(conversation, sequence, emoji, remove),
        pin: (conversation, sequence, unpin) => this.pin(conversation, sequence, unpin),
        set: (conversation, settings) => this.setConversation(conversation, settings),
        deleteForMe: (conversation, sequences) => this.deleteForMe(conversation, sequences),
        clearHistory: (conversation, through) => this.clearHistory(conversation, through),
        markRead: (conversation, sequence) => this.markRead(conversation, sequence),
        typing: (conversation) => this.#session?.tell({ typing: { conversation } }),
        loadOlder: (log, limit) => this.#loadOlder(log, limit),
        segments: (conversation) => this.#store.segments(conversation),
        pendingSends: (conversation) => this.#outbox.pending(conversation),
      });
      this.#views.set(id, view);
    }
    return view;
  }

  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void {
    return this.#hub.on(name, listener);
  }

  /** All events from now on; ends with `close`, or when its consumer leaves the loop. */
  events(): AsyncIterableIterator<ClientEvent> {
    return this.#hub.stream(this.#limits.eventsHeldMax);
  }

  /** Resolves when the first sync is done. Rejects when the server refuses for good; else it goes on trying. */
  connect(): Promise<void> {
    if (this.#state === 'ready') return Promise.resolve();
    if (this.#state === 'stopped')
      return Promise.reject(localError('STOPPED', 'this client has been closed'));
    const ready = new Promise<void>((resolve, reject) => this.#readyWaiters.push({ resolve, reject }));
    if (this.#state === 'idle') {
      this.#restoreConversations();
      this.#ticker.add(this.#tick);
      this.#open();
    }
    return ready;
  }

  /** Ends for good. Unanswered sends and requests are rejected with STOPPED. */
  close(reason = 'closed by the program'): void {
    if (this.#state === 'stopped') return;
    this.#stop(localError('STOPPED', reason));
  }

  /** Cuts the connection as a network would; the client comes back by itself. For tests and demonstrations. */
  dropConnection(): void {
    this.#session?.close('dropped on purpose');
  }

  /** Resolves when the message is durable. `clientMessageId` is for repeating a send on purpose. */
  send(
    conversation: string,
    content: string | Content,
    clientMessageId = timeOrderedId(this.#clock, this.#random),
  ): Promise<Sent> {
    if (this.#state === 'stopped')
      return Promise.reject(localError('STOPPED', 'this client has been closed'));
    const { text = '', rich } = typeof content === 'string' ? { text: content } : content;
    const item = { conversation, clientMessageId, text, ...(rich && { rich }) };
    return this.#outbox.add(item).then((sent) => {
      this.#noteOwn(sent);
      return sent;
    });
  }

  /** Gives the own message at `sequence` a new text. Repeated with the same id until it is answered. */
  edit(
    conversation: string,
    sequence: number,
    content: string | EditedContent,
    clientMessageId = timeOrderedId(this.#clock, this.#random),
  ): Promise<Sent> {
    const {
      text,
      mentions = [],
      mentionsAll = false,
    } = typeof content === 'string' ? { text: content } : content;
    const edit = { conversation, clientMessageId, sequence, text, mentions: [...mentions], mentionsAll };
    return this.#change({ edit });
  }

  /** Takes the message at `sequence` back for everybody. */
  recall(
    conversation: string,
    sequence: number,
    clientMessageId = timeOrderedId(this.#clock, this.#random),
  ): Promise<Sent> {
    return this.#change({ recall: { conversation, clientMessageId, sequence } });
  }

  /** Puts an emoji on the message at `sequence`, or takes the own one away. */
  async react(conversation: string, sequence: number, emoji: string, remove = false): Promise<void> {
    await this.#operate({ react: { conversation, sequence, emoji, remove } });
  }

  /** Pins the message at `sequence` for everybody, or takes the pin away. */
  async pin(conversation: string, sequence: number, unpin = false): Promise<void> {
    await this.#operate({ pin: { conversation, sequence, unpin } });
  }

  /** Changes the own settings of a conversation: those given. */
  async setConversation(conversation: string, settings: Partial<OwnSettings>): Promise<void> {
    const fields = (Object.keys(settings) as (keyof OwnSettings)[]).map((name) => settingNames[name]);
    await this.#operate({ setConversation: { conversation, settings, fields } });
  }

  /** Deletes messages for this user only. */
  async deleteForMe(conversation: string, sequences: readonly number[]): Promise<void> {
    await this.#operate({ deleteForMe: { conversation, sequences: [...sequences] } });
  }

  /** Deletes everything up to a sequence, for this user only. */
  async clearHistory(conversation: string, through: number): Promise<void> {
    await this.#operate({ clearHistory: { conversation, through } });
  }

  async #change(body: RequestBody): Promise<Sent> {
    const { sent } = await this.#operate(body);
    if (!sent) throw localError('BAD_ANSWER', 'a change was not answered by sent');
    return sent;
  }

  /** Pages a conversation straight from the server; does not touch the view. At most one place; none: the newest page. */
  async history(request: {
    conversation: string;
    before?: number;
    after?: number;
    /** This message in the middle of the page. */
    around?: number;
    /** The first message sent at or after this time in the middle of the page; `around` of the page tells which it is. */
    atMs?: number;
    limit?: number;
  }): Promise<HistoryPage> {
    const frame = await this.#operate({ history: request });
    if (!frame.historyPage) throw localError('BAD_ANSWER', 'history was not answered by historyPage');
    return frame.historyPage;
  }

  async markRead(conversation: string, sequence: number): Promise<void> {
    const frame = await this.#operate({ read: { conversation, sequence } });
    const pointer = frame.readDone?.sequence ?? 0;
    const log = this.#log(conversation);
    if (log.moveRead(pointer)) this.#hub.emit('conversation', this.conversation(conversation));
  }

  /** Who has read a message of a group, in rising order after `after`. */
  async readers(
    conversation: string,
    sequence: number,
    page: { readonly after?: string; readonly limit?: number } = {},
  ): Promise<ReadersPage> {
    const frame = await this.#operate({ readers: { conversation, sequence, ...page } });
    if (!frame.readersPage) throw localError('BAD_ANSWER', 'readers was not answered by readersPage');
    return frame.readersPage;
  }

  async presence(users: readonly string[], watch = false): Promise<readonly Presence[]> {
    const frame = await this.#operate({ presenceQuery: { users: [...users], watch } });
    return frame.presenceList?.users ?? [];
  }

  /** Asks the server for the newest inbox position; a hole it shows is repaired. */
  async ping(): Promise<void> {
    const frame = await this.#operate({ ping: {} });
    this.#inbox.notePosition(frame.pong?.inboxPosition ?? 0);
  }

  // ---------- connecting ----------

  #open(): void {
    this.#reconnectAtMs = undefined;
    if (this.#session === undefined) this.#setState('connecting', `to ${this.#options.url}`);
    const { token, getToken } = this.#options;
    if (getToken === undefined) {
      this.#openWith(token ?? '');
      return;
    }
    this.#isFetchingToken = true;
    const renew = this.#renewToken;
    getToken({ renew }).then(
      (fresh) => {
        this.#isFetchingToken = false;
        this.#renewToken = false;
        if (this.#state !== 'stopped') this.#openWith(fresh);
      },
      (error: unknown) => {
        this.#isFetchingToken = false;
        if (error instanceof ClientError && !error.retryable) this.#stop(error);
        else this.#reconnectLater(`no token: ${(error as Error).message}`);
      },
    );
  }

  #openWith(token: string): void {
    const { url, ca, deviceId, deviceClass = 0 } = this.#options;
    this.#opening = new Session({
      target: { url, subprotocol: this.#codec.subprotocol, ...(ca === undefined ? {} : { ca }) },
      openSocket: this.#options.openSocket ?? openWsSocket,
      codec: this.#codec,
      limits: this.#limits,
      hello: {
        token,
        deviceId,
        deviceClass,
        inboxPosition: this.#inbox.position,
        cursors: this.#cursors((log) => log.isOpen),
      },
      nowMs: () => this.#clock.monotonicMs(),
      onWelcome: (welcome, session) => this.#onWelcome(welcome, session),
      onPush: (frame, session) => this.#onPush(frame, session),
      onEnded: (reason, error, session) => this.#onEnded(reason, error, session),
    });
  }

  #onWelcome(welcome: Welcome, session: Session): void {
    const previous = this.#session;
    this.#session = session;
    this.#opening = undefined;
    if (previous !== undefined) this.#draining.add(previous);
    this.#tokenRefusals = 0;
    this.#user = welcome.user;
    this.#tenant = welcome.tenant;
    if (this.#isCold && this.#options.coldStart === 'heads') this.#beginAtHeads(welcome);
    else for (const info of welcome.conversations) this.#learn(info.conversation, (log) => log.learn(info));
    this.#isCold = false;
    this.#inbox.notePosition(welcome.inboxPosition);
    if (this.#state !== 'ready') this.#setState('syncing', `connected as ${welcome.user}`);
    this.#repairer.start(session);
    this.#outbox.pumpAll();
  }

  #beginAtHeads(welcome: Welcome): void {
    for (const info of welcome.conversations) {
      const log = this.#log(info.conversation);
      log.learn(info);
      log.openAfter(Math.max(log.facts.head, 0));
    }
    this.#inbox.jumpTo(welcome.inboxPosition);
    this.#store.saveInboxPosition(this.#inbox.position);
  }

  #onSynced(session: Session): void {
    if (session !== this.#session) return;
    this.#setState('ready', 'everything up to now is here');
    for (const log of this.#logs.values()) this.#repairer.check(log);
    for (const waiter of this.#readyWaiters.splice(0)) waiter.resolve();
  }

  #onEnded(reason: string, error: ClientError | undefined, session: Session): void {
    this.#draining.delete(session);
    if (session !== this.#session && session !== this.#opening) return;
    const wasReadyMs = session.welcomedMs === 0 ? 0 : this.#clock.monotonicMs() - session.welcomedMs;
    if (session === this.#session) this.#session = undefined;
    else this.#opening = undefined;
    if (this.#state === 'stopped') return;
    if (wasReadyMs >= this.#limits.backoffResetMs) this.#attempts = 0;
    if (error !== undefined) this.#considerServerError(error);
    // Stopped by the error, or the other of two connections goes on.
    if (
      (this.#state as ClientState) === 'stopped' ||
      this.#session !== undefined ||
      this.#opening !== undefined
    )
      return;
    if (!this.#isFetchingToken) this.#reconnectLater(reason);
  }

  #considerServerError(error: ClientError): void {
    this.#hub.emit('error', error);
    if (error.code === 'SEQUENCE_FROM_FUTURE') this.#forgetEverything();
    else if (error.code === 'TOKEN_EXPIRED' || error.code === 'UNAUTHENTICATED') this.#considerToken(error);
    else if (finalCodes.has(error.code)) this.#stop(error);
  }

  /** One new token for each refusal; a fresh one refused as well ends it. */
  #considerToken(error: ClientError): void {
    const canRenew = this.#options.getToken !== undefined && ++this.#tokenRefusals < tokenRefusalsMax;
    if (canRenew) this.#renewToken = true;
    else this.#stop(error);
  }

  #reconnectLater(reason: string): void {
    const bounds = { baseMs: this.#limits.backoffBaseMs, maxMs: this.#limits.backoffMaxMs };
    const delayMs = fullJitterMs(this.#attempts++, bounds, this.#random);
    this.#reconnectAtMs = this.#clock.monotonicMs() + delayMs;
    this.#setState('offline', reason, delayMs);
  }

  #stop(error: ClientError): void {
    this.#setState('stopped', error.message);
    this.#ticker.remove(this.#tick);
    for (const session of [this.#session, this.#opening, ...this.#draining])
      session?.close('the client stops');
    this.#session = this.#opening = undefined;
    this.#outbox.rejectAll(error);
    for (const waiter of this.#readyWaiters.splice(0)) waiter.reject(error);
    this.#hub.end();
  }

  #forgetEverything(): void {
    this.#store.clear();
    this.#inbox.reset();
    this.#logs.clear();
    this.#views.clear();
    this.#ackedCursors.clear();
    this.#isCold = true;
  }

  #setState(state: ClientState, detail: string, retryInMs?: number): void {
    this.#state = state;
    this.#hub.emit('state', { state, detail, ...(retryInMs === undefined ? {} : { retryInMs }) });
  }

  // ---------- what the server pushes ----------

  #onPush(frame: ServerFrame, session: Session): void {
    if (frame.live) this.#takeLive(frame.live);
    else if (frame.deliver) this.#takeEntries(frame.deliver.entries);
    else if (frame.receipt) this.#takeReceipt(frame.receipt);
    else if (frame.typingNotice) this.#hub.emit('typing', frame.typingNotice);
    else if (frame.presence) this.#hub.emit('presence', frame.presence);
    else if (frame.syncNeeded) this.#takeSyncNeeded(frame.syncNeeded);
    else if (frame.pong) this.#inbox.notePosition(frame.pong.inboxPosition);
    else if (frame.goAway && session === this.#session) this.#takeGoAway(frame.goAway);
    else if (frame.error) this.#hub.emit('error', new ClientError(frame.error));
  }

  #takeEntries(entries: readonly Entry[]): void {
    this.#inbox.offer(entries);
    if (this.#entriesSinceAck >= this.#limits.ackEntriesMax) this.#acknowledge();
  }

  #takeLive(live: { readonly messages: readonly Message[]; readonly heads: readonly Cursor[] }): void {
    let touched: ConversationLog | undefined;
    for (const message of live.messages) {
      const log = this.#memberLog(message.conversation, message.sequence);
      if (log === undefined) continue;
      if (touched !== undefined && touched !== log) this.#repairer.check(touched);
      touched = log;
      // Before the inbox or a page has opened the log, it is not known where it begins.
      if (log.isOpen) log.offer(message);
      else log.noteHead(message.sequence);
    }
    if (touched !== undefined) {
      this.#repairer.check(touched);
      this.#ackDueMs ??= this.#clock.monotonicMs() + this.#limits.ackDelayMs;
    }
    for (const head of live.heads) this.#takeHead(head);
  }

  #takeHead(head: Cursor): void {
    const log = this.#memberLog(head.conversation, head.sequence);
    if (log === undefined) return;
    log.noteHead(head.sequence);
    this.#repairer.check(log);
  }

  /** The log of a conversation the user is in; of others the head is remembered for when the user joins. */
  #memberLog(conversation: string, sequence: number): ConversationLog | undefined {
    const log = this.#logs.get(conversation);
    if (log !== undefined && log.facts.left === 0 && (log.isOpen || log.facts.head > 0)) return log;
    if (log !== undefined && log.facts.left >= sequence) return log;
    if (this.#strayHeads.size >= strayHeadsMax && !this.#strayHeads.has(conversation))
      this.#strayHeads.clear();
    this.#strayHeads.set(conversation, Math.max(sequence, this.#strayHeads.get(conversation) ?? 0));
    return undefined;
  }

  #takeSyncNeeded(needed: { readonly inboxPosition: number; readonly heads: readonly Cursor[] }): void {
    for (const head of needed.heads) this.#takeHead(head);
    this.#inbox.notePosition(needed.inboxPosition);
    if (this.#inbox.hasHole || needed.inboxPosition === 0) this.#repairer.syncNow();
    else this.#acknowledge();
  }

  #takeReceipt(receipt: {
    readonly conversation: string;
    readonly user: string;
    readonly sequence: number;
    readonly delivered?: number;
  }): void {
    const { facts } = this.#log(receipt.conversation);
    const { sequence, delivered = 0 } = receipt;
    facts.peerRead = Math.max(facts.peerRead, sequence);
    facts.peerDelivered = Math.max(facts.peerDelivered ?? 0, delivered);
    this.#hub.emit('receipt', receipt);
  }

  #takeGoAway(goAway: { readonly reason: string; readonly reconnectWithinMs: number }): void {
    if (goAway.reason === 'displaced') {
      // By our own next connection, which is on its way.
      if (this.#opening !== undefined) return;
      this.#stop(localError('STOPPED', 'another connection with this device id has taken over'));
      return;
    }
    const ending = deviceEndings[goAway.reason];
    if (ending !== undefined) return this.#stop(endedBy(ending));
    if (goAway.reason === 'token_expired') this.#renewToken = true;
    // Leaves the server's last fifth for the new connection to come up before the old one is closed.
    const delayMs = this.#random.next() * goAway.reconnectWithinMs * 0.8;
    if (this.#opening === undefined) this.#reconnectAtMs ??= this.#clock.monotonicMs() + delayMs;
  }

  // ---------- what it means ----------

  #applyEntry(entry: Entry): void {
    const { message, readMoved, personal, settingsChanged, viewNarrowed } = entry;
    if (message) this.#applyMessage(message, entry);
    else if (readMoved)
      this.#learn(readMoved.conversation, (log) => {
        log.moveRead(readMoved.sequence);
        log.clearUnreadMark();
      });
    else if (settingsChanged)
      this.#learn(settingsChanged.conversation, (log) => log.changeSettings(settingsChanged.settings));
    else if (viewNarrowed) this.#learn(viewNarrowed.conversation, (log) => log.narrow(viewNarrowed));
    else if (personal) this.#hub.emit('personal', personal);
    this.#store.saveInboxPosition(entry.position);
    this.#entriesSinceAck++;
    this.#ackDueMs ??= this.#clock.monotonicMs() + this.#limits.ackDelayMs;
  }

  #applyMessage(message: Message, entry: Entry): void {
    const log = this.#log(message.conversation);
    const changes = entry.diffusion !== Diffusion.unspecified || entry.left;
    if (entry.title) log.facts.title = entry.title;
    if (entry.diffusion !== Diffusion.unspecified) {
      log.facts.diffusion = entry.diffusion;
      if (isJoinOf(message, this.#user)) this.#join(log, message, entry.firstVisible);
    }
    log.offer(message);
    if (entry.left) log.leave(message.sequence);
    this.#repairer.check(log);
    if (changes && this.#hub.hasListeners('conversation')) {
      this.#hub.emit('conversation', this.conversation(message.conversation));
    }
  }

  #join(log: ConversationLog, message: Message, firstVisible: number): void {
    log.join(message, firstVisible);
    const { conversation } = log.facts;
    log.noteHead(this.#strayHeads.get(conversation) ?? 0);
    this.#strayHeads.delete(conversation);
  }

  #takeLimited(page: SyncPage): void {
    for (const info of page.conversations) this.#learn(info.conversation, (log) => log.learn(info));
    this.#inbox.jumpTo(page.inboxPosition);
    this.#store.saveInboxPosition(this.#inbox.position);
    this.#acknowledge();
  }

  #learn(conversation: string, teach: (log: ConversationLog) => void): void {
    const log = this.#log(conversation);
    teach(log);
    if (this.#state === 'ready') this.#repairer.check(log);
    if (this.#hub.hasListeners('conversation'))
      this.#hub.emit('conversation', this.conversation(conversation));
  }

  #log(conversation: string): ConversationLog {
    let log = this.#logs.get(conversation);
    if (log === undefined) {
      log = this.#newLog(ConversationLog.emptyFacts(conversation));
      this.#logs.set(conversation, log);
    }
    return log;
  }

  #newLog(facts: ConversationLog['facts']): ConversationLog {
    return new ConversationLog(facts, {
      user: () => this.#user,
      heldMessagesMax: this.#limits.heldMessagesMax,
      store: this.#store,
      onAppended: (message) => {
        if (!this.#hub.hasListeners('message')) return;
        this.#hub.emit('message', { message, conversation: this.conversation(message.conversation) });
      },
      onChanged: (message) => {
        if (!this.#hub.hasListeners('change')) return;
        this.#hub.emit('change', { message, conversation: this.conversation(message.conversation) });
      },
    });
  }

  #restoreConversations(): void {
    for (const facts of this.#store.conversations()) this.#logs.set(facts.conversation, this.#newLog(facts));
  }

  #cursors(isWanted: (log: ConversationLog) => boolean): Cursor[] {
    const cursors: Cursor[] = [];
    for (const log of this.#logs.values()) {
      if (log.facts.diffusion !== Diffusion.read || log.facts.left > 0 || !isWanted(log)) continue;
      cursors.push({ conversation: log.facts.conversation, sequence: log.start });
      if (cursors.length === this.#limits.cursorsMax) break;
    }
    return cursors;
  }

  // ---------- what the client says by itself ----------

  #onTick(nowMs: number): void {
    this.#session?.tick(nowMs);
    this.#opening?.tick(nowMs);
    if (this.#draining.size > 0) this.#closeDrained(nowMs);
    if (this.#reconnectAtMs !== undefined && nowMs >= this.#reconnectAtMs) this.#open();
    this.#repairer.tick(nowMs);
    this.#outbox.pumpAll();
    if (this.#ackDueMs !== undefined && nowMs >= this.#ackDueMs) {
      this.#acknowledge();
      if (this.#ownReads.size > 0 && this.#session?.isReady) this.#flushOwnReads();
    }
  }

  /** Large groups do not touch the sender's own state: the pointer is moved for the other devices, now and then. */
  #noteOwn({ conversation }: Sent): void {
    if (this.#logs.get(conversation)?.facts.diffusion !== Diffusion.read) return;
    this.#ownReads.add(conversation);
    this.#ackDueMs ??= this.#clock.monotonicMs() + this.#limits.ackDelayMs;
  }

  #flushOwnReads(): void {
    for (const conversation of this.#ownReads) {
      const sequence = this.#logs.get(conversation)?.facts.read ?? 0;
      if (sequence > 0) this.#session?.tell({ read: { conversation, sequence } });
    }
    this.#ownReads.clear();
  }

  #closeDrained(nowMs: number): void {
    const supersededMs = this.#session?.welcomedMs ?? 0;
    for (const session of this.#draining) {
      if (session.pendingCount > 0 && nowMs - supersededMs < this.#limits.drainMs) session.tick(nowMs);
      else session.close('replaced by a newer connection');
    }
  }

  #acknowledge(): void {
    this.#ackDueMs = undefined;
    this.#entriesSinceAck = 0;
    const isNews = (log: ConversationLog) =>
      log.isOpen && this.#ackedCursors.get(log.facts.conversation) !== log.start;
    const cursors = this.#cursors(isNews);
    for (const { conversation, sequence } of cursors) this.#ackedCursors.set(conversation, sequence);
    this.#session?.tell({ ack: { inboxPosition: this.#inbox.position, cursors } });
  }

  async #loadOlder(log: ConversationLog, limit: number): Promise<number> {
    const { conversation } = log.facts;
    const first = this.#store.segments(conversation).at(-1)?.first ?? log.start + 1;
    if (first <= Math.max(1, log.facts.firstVisible)) return 0;
    const page = await this.history({ conversation, before: first, limit });
    const still = this.#store.segments(conversation).at(-1)?.first ?? log.start + 1;
    // Somebody else has loaded it meanwhile.
    if (still !== first) return 0;
    // What belongs to an earlier span is shown there.
    const run = page.messages.filter(
      ({ sequence }, i) =>
        sequence === first - page.messages.length + i && sequence >= log.facts.firstVisible,
    );
    if (run.length === 0) return 0;
    const isFirstRun = this.#store.segments(conversation).length === 0;
    this.#store.prepend(conversation, broughtUp(run, this.#store.segments(conversation), this.#user));
    log.notePinned(page.pinned ?? [], page.head);
    if (!log.isOpen) log.openAfter(first - 1);
    if (isFirstRun) log.continueSegment();
    return run.length;
  }

  /** Asks until it is answered: over reconnects and retryable errors, within operationTimeoutMs. */
  async #operate(body: RequestBody): Promise<ServerFrame> {
    const deadlineMs = this.#clock.monotonicMs() + this.#limits.operationTimeoutMs;
    for (let attempt = 0; ; attempt++) {
      const error = await this.#tryOnce(body);
      if (!(error instanceof ClientError)) return error;
      if (this.#state === 'stopped') throw localError('STOPPED', 'this client has been closed');
      if (!error.retryable || this.#clock.monotonicMs() >= deadlineMs) throw error;
      const bounds = { baseMs: this.#limits.backoffBaseMs, maxMs: this.#limits.backoffMaxMs };
      const delayMs = Math.max(20, error.retryAfterMs + fullJitterMs(attempt, bounds, this.#random));
      await new Promise<void>((resolve) => this.#clock.after(delayMs, resolve));
    }
  }

  async #tryOnce(body: RequestBody): Promise<ServerFrame | ClientError> {
    const session = this.#session;
    if (!session?.isReady) return localError('DISCONNECTED', 'not connected', true);
    try {
      return await session.request(body);
    } catch (error) {
      if (error instanceof ClientError) return error;
      throw error;
    }
  }
}
