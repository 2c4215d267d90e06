// A gateway with everything behind it, in memory and on purpose unreliable: pushes are dropped, doubled, delayed and
// reordered, answers lost, connections cut. It keeps the truth, against which the clients' views are compared. Tests only.
import { type parley, wire } from '@parley/protocol';
import type { Clock, Random } from '@parley/std';
import type { Encoding, FrameData } from '../codec/frame-codec.ts';
import { Diffusion } from '../frames.ts';
import type { OpenSocket, SocketHandlers } from '../socket/socket.ts';

type Message = parley.v1.IMessage & { sequence: number };
type Entry = parley.v1.IEntry & { position: number };
type ServerBody = Omit<parley.v1.IServerFrame, 'requestId'>;

export interface Faults {
  /** Chances, each 0 … 1. */
  readonly dropPush: number;
  readonly doublePush: number;
  readonly loseAnswer: number;
  readonly refuse: number;
  /** Longest delay of a push; different delays reorder. */
  readonly pushDelayMs: number;
}

export const noFaults: Faults = { dropPush: 0, doublePush: 0, loseAnswer: 0, refuse: 0, pushDelayMs: 0 };

export interface Span {
  readonly from: number;
  /** 0 while open. */
  to: number;
}

interface Membership {
  readonly spans: Span[];
  read: number;
}

interface ScriptedConversation {
  readonly id: string;
  readonly log: Message[];
  readonly dedupe: Map<string, Message>;
  readonly members: Map<string, Membership>;
  diffusion: number;
  title: string;
}

type ChangeRequest = Parameters<ScriptedServer['change']>[1];

interface Connection {
  readonly user: string;
  readonly handlers: SocketHandlers;
  readonly encoding: Encoding;
  isWelcome: boolean;
  isClosed: boolean;
  ackedPosition: number;
}

export class ScriptedServer {
  readonly conversations = new Map<string, ScriptedConversation>();
  readonly inboxes = new Map<string, Entry[]>();
  readonly #connections = new Set<Connection>();
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #inboxWindow: number;
  faults: Faults = noFaults;
  /** While set, sockets are refused. */
  isDown = false;

  constructor(options: { clock: Clock; random: Random; inboxWindow?: number }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#inboxWindow = options.inboxWindow ?? 2_000;
    this.#watch();
  }

  /** A socket factory for one user: the scripted server believes it. */
  socketsOf(user: string): OpenSocket {
    return (target, handlers) => {
      const encoding = target.subprotocol === 'parley.v1.json' ? 'json' : 'protobuf';
      const connection: Connection = {
        user,
        handlers,
        encoding,
        isWelcome: false,
        isClosed: false,
        ackedPosition: 0,
      };
      this.#clock.after(1 + this.#random.next() * 20, () => {
        if (this.isDown) this.#close(connection, 'refused');
        else if (!connection.isClosed) this.#open(connection);
      });
      return {
        send: (data) => void this.#clock.after(1, () => this.#receive(connection, data)),
        close: () => void this.#clock.after(0, () => this.#close(connection, 'closed by the client')),
      };
    };
  }

  cutAll(): void {
    for (const connection of [...this.#connections]) this.#close(connection, 'cut');
  }

  cutOne(): void {
    const all = [...this.#connections];
    const chosen = all[Math.floor(this.#random.next() * all.length)];
    if (chosen !== undefined) this.#close(chosen, 'cut');
  }

  pushTo(user: string, body: ServerBody): void {
    for (const connection of this.#connections) if (connection.user === user) this.#push(connection, body);
  }

  createGroup(id: string, members: readonly string[]): void {
    const group = this.#conversation(`g.${id}`);
    group.title = `Group ${id}`;
    for (const member of members) this.#admit(group, member, 1);
    this.#append(
      group,
      'owner',
      { system: { groupCreated: { title: group.title, members: [...members] } } },
      members,
    );
  }

  add(id: string, user: string): void {
    const group = this.#conversation(id);
    if (isOpen(group.members.get(user))) return;
    this.#admit(group, user, group.log.length + 1);
    this.#append(group, 'owner', { system: { membersAdded: { members: [user] } } }, [user]);
  }

  remove(id: string, user: string): void {
    const group = this.#conversation(id);
    const span = group.members.get(user)?.spans.at(-1);
    if (span === undefined || span.to > 0) return;
    span.to = group.log.length + 1;
    this.#append(group, user, { system: { memberLeft: { member: user } } }, [], user);
  }

  switchTo(id: string, diffusion: number): void {
    const group = this.#conversation(id);
    if (group.diffusion === diffusion) return;
    group.diffusion = diffusion;
    this.#append(group, 'owner', { system: { diffusionChanged: { diffusion } } }, [...openMembers(group)]);
  }

  post(sender: string, send: { conversation: string; clientMessageId: string; text: string }): Message {
    const conversation = this.#conversation(send.conversation);
    const content = { text: send.text, clientMessageId: send.clientMessageId };
    const message = this.#append(conversation, sender, content, []);
    conversation.dedupe.set(`${sender} ${send.clientMessageId}`, message);
    return message;
  }

  /** The edit of a message, or its recall when there is no text. Pages show what it makes of the message. */
  change(
    sender: string,
    change: { conversation: string; clientMessageId: string; sequence: number; text?: string },
  ): Message {
    const conversation = this.#conversation(change.conversation);
    const { sequence, text, clientMessageId } = change;
    const content = text === undefined ? { recalled: { sequence } } : { edited: { sequence, text } };
    const element = this.#append(conversation, sender, { ...content, clientMessageId }, []);
    conversation.dedupe.set(`${sender} ${clientMessageId}`, element);
    const changed = { revision: element.sequence!, changedAtMs: element.sentAtMs! };
    const before = conversation.log[sequence - 1]!;
    conversation.log[sequence - 1] = {
      ...before,
      ...changed,
      text: text ?? '',
      isRecalled: text === undefined,
    };
    return element;
  }

  /** Retention: what stands up to `through` leaves its number only, wherever it is asked for. */
  expire(id: string, through: number): void {
    const expired = (message: Message): Message =>
      message.conversation === id && message.sequence <= through
        ? { ...emptyMessage, conversation: id, sequence: message.sequence, system: { expired: {} } }
        : message;
    const { log } = this.#conversation(id);
    log.splice(0, log.length, ...log.map(expired));
    for (const entries of this.inboxes.values())
      entries.forEach((entry, index) => {
        if (entry.message) entries[index] = { ...entry, message: expired(entry.message as Message) };
      });
  }

  unreadOf(user: string, id: string): number {
    return this.#info(this.#conversation(id), user).unread!;
  }

  // ---------- the truth ----------

  #conversation(id: string): ScriptedConversation {
    let conversation = this.conversations.get(id);
    if (conversation === undefined) {
      const base = {
        id,
        log: [],
        dedupe: new Map<string, Message>(),
        members: new Map<string, Membership>(),
        title: '',
      };
      conversation = { ...base, diffusion: Diffusion.write };
      this.conversations.set(id, conversation);
      if (id.startsWith('d.'))
        for (const user of new Set(id.split('.').slice(1))) this.#admit(conversation, user, 1);
    }
    return conversation;
  }

  #admit(conversation: ScriptedConversation, user: string, from: number): void {
    const membership = conversation.members.get(user) ?? { spans: [], read: 0 };
    membership.spans.push({ from, to: 0 });
    membership.read = Math.max(membership.read, from - 1);
    conversation.members.set(user, membership);
  }

  /** `turned`: whose way to the conversation begins or changes with this message. */
  #append(
    conversation: ScriptedConversation,
    sender: string,
    content: Pick<Message, 'text' | 'system' | 'edited' | 'recalled' | 'clientMessageId'>,
    turned: readonly string[],
    leaver?: string,
  ): Message {
    const sequence = conversation.log.length + 1;
    const message = {
      conversation: conversation.id,
      sequence,
      sender,
      sentAtMs: this.#clock.nowMs(),
      ...content,
    };
    conversation.log.push(message);
    const own = conversation.members.get(sender);
    const isChange = content.edited != null || content.recalled != null;
    if (own !== undefined && !isChange) own.read = Math.max(own.read, sequence);
    const isSwitch = content.system?.diffusionChanged !== undefined;
    for (const user of [...openMembers(conversation), ...(leaver === undefined ? [] : [leaver])]) {
      const isTurned = turned.includes(user);
      if (conversation.diffusion === Diffusion.write || isTurned || isSwitch || user === leaver) {
        this.#deliver(user, {
          message,
          ...(isTurned ? { diffusion: conversation.diffusion, title: conversation.title } : {}),
          ...(user === leaver ? { left: true } : {}),
        });
      }
    }
    if (conversation.diffusion === Diffusion.read)
      this.#publish(conversation, { live: { messages: [message] } });
    return message;
  }

  #deliver(user: string, entry: parley.v1.IEntry): void {
    let inbox = this.inboxes.get(user);
    if (inbox === undefined) this.inboxes.set(user, (inbox = []));
    const positioned = { ...entry, position: inbox.length + 1 };
    inbox.push(positioned);
    this.pushTo(user, { deliver: { entries: [positioned] } });
  }

  #publish(conversation: ScriptedConversation, body: ServerBody): void {
    for (const user of openMembers(conversation)) this.pushTo(user, body);
  }

  /** Announces heads of large groups, and positions not acknowledged, again and again. */
  #watch(): void {
    this.#clock.after(1_500, () => {
      for (const conversation of this.conversations.values()) {
        if (conversation.diffusion !== Diffusion.read) continue;
        this.#publish(conversation, {
          live: { heads: [{ conversation: conversation.id, sequence: conversation.log.length }] },
        });
      }
      for (const connection of this.#connections) {
        const inboxPosition = this.#position(connection.user);
        if (connection.ackedPosition < inboxPosition)
          this.#push(connection, { syncNeeded: { inboxPosition } });
      }
      this.#watch();
    });
  }

  #position(user: string): number {
    return this.inboxes.get(user)?.length ?? 0;
  }

  #info(conversation: ScriptedConversation, user: string): parley.v1.IConversation {
    const membership = conversation.members.get(user)!;
    const span = membership.spans.at(-1)!;
    const head = span.to || conversation.log.length;
    const unread = conversation.log.slice(membership.read, head);
    const recalled = new Set(unread.map((message) => message.recalled?.sequence));
    const uncounted = unread.filter((one) => one.edited ?? one.recalled ?? recalled.has(one.sequence));
    return {
      conversation: conversation.id,
      head,
      read: membership.read,
      unread: unread.length - uncounted.length,
      uncounted: uncounted.map(({ sequence }) => sequence!),
      ...mentionsOf(conversation.log, user, { after: membership.read, through: head }),
      firstVisible: span.from,
      diffusion: conversation.diffusion,
      title: conversation.title,
      left: span.to,
    };
  }

  #infos(user: string): parley.v1.IConversation[] {
    return [...this.conversations.values()]
      .filter((one) => one.members.has(user))
      .map((one) => this.#info(one, user));
  }

  #history(user: string, request: { conversation: string; before: number; after: number; limit: number }) {
    const conversation = this.#conversation(request.conversation);
    const spans = conversation.members.get(user)?.spans ?? [];
    const limit = Math.min(request.limit || 50, 7);
    const visible = conversation.log.filter(({ sequence }) =>
      spans.some((span) => sequence >= span.from && (span.to === 0 || sequence <= span.to)),
    );
    const wanted =
      request.after > 0
        ? visible.filter((m) => m.sequence > request.after)
        : visible.filter((m) => request.before === 0 || m.sequence < request.before);
    const messages = request.after > 0 ? wanted.slice(0, limit) : wanted.slice(-limit);
    const base = { conversation: conversation.id, messages, more: wanted.length > messages.length };
    return { ...base, head: visible.at(-1)?.sequence ?? 0, firstVisible: spans.at(-1)?.from ?? 0 };
  }

  // ---------- connections ----------

  #open(connection: Connection): void {
    this.#connections.add(connection);
    connection.handlers.opened();
  }

  #close(connection: Connection, reason: string): void {
    if (connection.isClosed) return;
    connection.isClosed = true;
    this.#connections.delete(connection);
    connection.handlers.closed(reason);
  }

  #push(connection: Connection, body: ServerBody): void {
    if (!connection.isWelcome) return;
    const { dropPush, doublePush, pushDelayMs } = this.faults;
    if (this.#random.next() < dropPush) return;
    for (let copies = this.#random.next() < doublePush ? 2 : 1; copies > 0; copies--) {
      this.#clock.after(1 + this.#random.next() * pushDelayMs, () => this.#transmit(connection, body));
    }
  }

  #transmit(connection: Connection, frame: parley.v1.IServerFrame): void {
    if (connection.isClosed) return;
    const bytes = wire.ServerFrame.encode(wire.ServerFrame.fromObject(frame)).finish();
    if (connection.encoding === 'protobuf') {
      connection.handlers.received(bytes);
    } else {
      const json = wire.ServerFrame.toObject(wire.ServerFrame.decode(bytes), {
        longs: String,
        enums: String,
      });
      connection.handlers.received(JSON.stringify(json));
    }
  }

  #receive(connection: Connection, data: FrameData): void {
    if (connection.isClosed) return;
    const frame =
      typeof data === 'string'
        ? wire.ClientFrame.fromObject(JSON.parse(data) as object)
        : wire.ClientFrame.decode(data);
    const answer = this.#answer(connection, frame);
    if (frame.requestId === 0 || this.#random.next() < this.faults.loseAnswer) return;
    this.#clock.after(1 + this.#random.next() * 5, () => {
      this.#transmit(connection, { requestId: frame.requestId, ...answer });
    });
  }

  #answer(connection: Connection, frame: parley.v1.ClientFrame): ServerBody {
    const { user } = connection;
    if (frame.hello) return this.#welcome(connection);
    if (frame.ack) {
      connection.ackedPosition = Math.max(connection.ackedPosition, frame.ack.inboxPosition ?? 0);
      return { done: {} };
    }
    if (frame.body !== 'ping' && this.#random.next() < this.faults.refuse) return refusal('BUSY', true);
    if (frame.send) return this.#send(user, frame.send as Required<parley.v1.ISend>);
    if (frame.edit)
      return this.#change(user, { ...(frame.edit as never as ChangeRequest), text: frame.edit.text ?? '' });
    if (frame.recall) return this.#change(user, frame.recall as never);
    if (frame.sync) return this.#sync(user, frame.sync as Required<parley.v1.ISync>);
    if (frame.history) return { historyPage: this.#history(user, frame.history as never) };
    if (frame.read) return this.#read(user, frame.read as Required<parley.v1.IRead>);
    if (frame.ping)
      return { pong: { inboxPosition: this.#position(user), serverTimeMs: this.#clock.nowMs() } };
    return { done: {} };
  }

  #welcome(connection: Connection): ServerBody {
    connection.isWelcome = true;
    const { user } = connection;
    const base = { tenant: 'default', user, connectionId: 'c', keepAliveMs: 20_000, frameBytesMax: 131_072 };
    const inboxPosition = this.#position(user);
    return { welcome: { ...base, inboxPosition, conversations: this.#infos(user), protocolVersion: 1 } };
  }

  #send(user: string, send: parley.v1.ISend): ServerBody {
    const {
      conversation: id = '',
      clientMessageId = '',
      text = '',
      afterClientMessageId,
    } = send as Record<string, string>;
    const conversation = this.#conversation(id);
    const known = conversation.dedupe.get(`${user} ${clientMessageId}`);
    if (known === undefined) {
      if (!isOpen(conversation.members.get(user))) return refusal('NOT_A_MEMBER', false);
      if (text === '') return refusal('TEXT_EMPTY', false);
      const isAfterUnknown =
        afterClientMessageId && !conversation.dedupe.has(`${user} ${afterClientMessageId}`);
      if (isAfterUnknown) return refusal('PREDECESSOR_MISSING', true, 50);
    }
    const message = known ?? this.post(user, { conversation: id, clientMessageId, text });
    const { sequence, sentAtMs } = message;
    return {
      sent: {
        conversation: id,
        clientMessageId,
        sequence,
        sentAtMs: sentAtMs ?? 0,
        duplicate: known !== undefined,
      },
    };
  }

  #change(user: string, change: ChangeRequest): ServerBody {
    const conversation = this.#conversation(change.conversation);
    const known = conversation.dedupe.get(`${user} ${change.clientMessageId}`);
    if (known === undefined && !isOpen(conversation.members.get(user))) return refusal('NOT_A_MEMBER', false);
    const target = conversation.log[change.sequence - 1];
    if (known === undefined && (target?.sender !== user || target.text == null))
      return refusal('FORBIDDEN', false);
    if (known === undefined && target?.isRecalled) return refusal('MESSAGE_RECALLED', false);
    const { conversation: id, clientMessageId, sequence, text } = change;
    const element =
      known ??
      this.change(user, {
        conversation: id,
        clientMessageId,
        sequence,
        ...(text === undefined ? {} : { text }),
      });
    const { sequence: at, sentAtMs } = element;
    return {
      sent: { conversation: id, clientMessageId, sequence: at, sentAtMs, duplicate: known !== undefined },
    };
  }

  #sync(user: string, sync: parley.v1.ISync): ServerBody {
    const inbox = this.inboxes.get(user) ?? [];
    const after = sync.inboxPosition ?? 0;
    const inboxPosition = inbox.length;
    if (after < inboxPosition - this.#inboxWindow) {
      return { syncPage: { limited: true, inboxPosition, conversations: this.#infos(user) } };
    }
    const entries = inbox.slice(after, after + Math.min(sync.limit || 200, 11));
    const logs = (sync.cursors ?? []).map((cursor) =>
      this.#history(user, {
        conversation: cursor.conversation!,
        after: cursor.sequence!,
        before: 0,
        limit: 50,
      }),
    );
    return { syncPage: { entries, inboxPosition, more: after + entries.length < inboxPosition, logs } };
  }

  #read(user: string, { conversation: id = '', sequence = 0 }: parley.v1.IRead): ServerBody {
    const conversation = this.#conversation(id!);
    const membership = conversation.members.get(user);
    if (membership === undefined) return refusal('NOT_A_MEMBER', false);
    if ((sequence ?? 0) > conversation.log.length) return refusal('SEQUENCE_FROM_FUTURE', false);
    if (sequence! > membership.read) {
      membership.read = sequence!;
      this.#deliver(user, { readMoved: { conversation: id, sequence, unread: this.unreadOf(user, id!) } });
    }
    return { readDone: { conversation: id, sequence: membership.read, unread: this.unreadOf(user, id!) } };
  }
}

const refusal = (code: string, retryable: boolean, retryAfterMs = 10): ServerBody => ({
  error: { code, message: 'scripted', retryable, retryAfterMs },
});

const isOpen = (membership: Membership | undefined): boolean => membership?.spans.at(-1)?.to === 0;

function* openMembers(conversation: ScriptedConversation): Iterable<string> {
  for (const [user, membership] of conversation.members) if (isOpen(membership)) yield user;
}

const emptyMessage = { sender: '', clientMessageId: '', sentAtMs: 0 };

/** Counted from the whole log: messages that mention `user` now. */
function mentionsOf(
  log: readonly Message[],
  user: string,
  { after, through }: { readonly after: number; readonly through: number },
): Pick<parley.v1.IConversation, 'mentioned' | 'unreadMentions'> {
  const known = log.slice(0, through);
  const mentioned = known.slice(after).flatMap((message) => {
    const changes = known.filter((one) => (one.edited ?? one.recalled)?.sequence === message.sequence);
    const last = changes.at(-1);
    const rich = last === undefined ? message.rich : last.edited?.rich;
    const isMeant = Boolean(rich?.mentionsAll) || (rich?.mentions?.includes(user) ?? false);
    return isMeant && message.text != null ? [message.sequence] : [];
  });
  return { mentioned, unreadMentions: mentioned.length };
}
