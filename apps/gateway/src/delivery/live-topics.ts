// The live messages of super-large groups: one NATS subscription per group with listeners here, one frame per encoding,
// fanned out by the transport's topics. A connection that is joining holds its messages until its welcome is out.
import type { ClientTransport } from '@parley/adapters';
import { type Subprotocol, frameCodecs, subjects, subprotocols, wire } from '@parley/protocol';
import type { Messenger, Subscription } from '@parley/runtime';
import type { ClientConnection } from '../connection/client-connection.ts';
import type { Sealing } from '../sealing/sealing.ts';
import type { Turn } from '../dispatch/turn.ts';

export interface LiveTopicsParts {
  readonly messenger: Messenger;
  readonly transport: Pick<ClientTransport, 'publish'>;
  readonly turn: Turn;
  readonly heldLiveMax: number;
  /** Absent: no tenant seals. */
  readonly sealing?: Sealing | undefined;
}

/** A live topic that somebody hears here, and one of those who do. */
export interface HeardTopic {
  readonly tenant: string;
  readonly conversation: string;
  readonly listener: ClientConnection;
}

export class LiveTopics {
  readonly #parts: LiveTopicsParts;
  readonly #topics = new Map<string, LiveTopic>();

  constructor(parts: LiveTopicsParts) {
    this.#parts = parts;
  }

  /** Messages from now on are kept for the connection; `admit` lets them flow. */
  join(connection: ClientConnection, tenant: string, conversation: string): void {
    const subject = subjects.live(tenant, conversation);
    let topic = this.#topics.get(subject);
    if (topic === undefined)
      this.#topics.set(
        subject,
        (topic = new LiveTopic({ subject, tenant, conversation }, this.#parts, () => this.#drop(subject))),
      );
    topic.join(connection);
  }

  heard(): HeardTopic[] {
    return [...this.#topics.values()].flatMap(({ tenant, conversation, listener }) =>
      listener === undefined ? [] : [{ tenant, conversation, listener }],
    );
  }

  /** Tells everybody who hears the topic here how far its conversation has come. */
  announce(tenant: string, conversation: string, sequence: number): void {
    const heads = [{ conversation, sequence }];
    this.#topics.get(subjects.live(tenant, conversation))?.receive(wire.Live.encode({ heads }).finish());
  }

  admit(connection: ClientConnection, tenant: string, conversation: string): void {
    this.#topics.get(subjects.live(tenant, conversation))?.admit(connection);
  }

  leave(connection: ClientConnection, tenant: string, conversation: string): void {
    const subject = subjects.live(tenant, conversation);
    this.#topics.get(subject)?.leave(connection);
  }

  stop(): void {
    for (const topic of this.#topics.values()) topic.stop();
    this.#topics.clear();
  }

  #drop(subject: string): void {
    this.#topics.get(subject)?.stop();
    this.#topics.delete(subject);
  }
}

class LiveTopic {
  readonly tenant: string;
  readonly conversation: string;
  readonly #subject: string;
  readonly #parts: LiveTopicsParts;
  readonly #onEmpty: () => void;
  readonly #subscription: Subscription;
  readonly #listening: Record<Subprotocol, Set<ClientConnection>> = {
    'parley.v1.protobuf': new Set(),
    'parley.v1.json': new Set(),
  };
  readonly #joining = new Map<ClientConnection, Uint8Array[]>();
  #payloads: Uint8Array[] = [];
  /** Sealed messages whose keys are being read: what comes after them waits, too. */
  #opening: Promise<void> | undefined;

  /** `onEmpty`: the last connection has left. */
  constructor(
    {
      subject,
      tenant,
      conversation,
    }: { readonly subject: string; readonly tenant: string; readonly conversation: string },
    parts: LiveTopicsParts,
    onEmpty: () => void,
  ) {
    this.#subject = subject;
    this.tenant = tenant;
    this.conversation = conversation;
    this.#parts = parts;
    this.#onEmpty = onEmpty;
    this.#subscription = parts.messenger.subscribe(subject, (bytes) => this.#open(bytes.slice()));
  }

  /** Any of those who hear it. */
  get listener(): ClientConnection | undefined {
    for (const each of subprotocols) for (const connection of this.#listening[each]) return connection;
    return this.#joining.keys().next().value;
  }

  join(connection: ClientConnection): void {
    if (!this.#listening[connection.codec.subprotocol].has(connection)) this.#joining.set(connection, []);
  }

  admit(connection: ClientConnection): void {
    const held = this.#joining.get(connection);
    if (held === undefined) return;
    this.#joining.delete(connection);
    // What has come in this turn is in `held` already; sending it to the topic first keeps it from coming twice.
    this.flush();
    this.#listening[connection.codec.subprotocol].add(connection);
    connection.socket.subscribe(this.#topicOf(connection.codec.subprotocol));
    if (held.length > 0) connection.outbox.push(connection.codec.live(held));
  }

  leave(connection: ClientConnection): void {
    this.#joining.delete(connection);
    if (this.#listening[connection.codec.subprotocol].delete(connection)) {
      connection.socket.unsubscribe(this.#topicOf(connection.codec.subprotocol));
    }
    const listeners = subprotocols.reduce((sum, each) => sum + this.#listening[each].size, 0);
    if (this.#joining.size + listeners === 0) this.#onEmpty();
  }

  stop(): void {
    this.#subscription.stop();
  }

  flush(): void {
    const payloads = this.#payloads;
    if (payloads.length === 0) return;
    this.#payloads = [];
    for (const subprotocol of subprotocols) {
      if (this.#listening[subprotocol].size === 0) continue;
      this.#parts.transport.publish(this.#topicOf(subprotocol), frameCodecs[subprotocol].live(payloads));
    }
  }

  #open(payload: Uint8Array): void {
    const { sealing } = this.#parts;
    if (sealing?.covers(this.tenant) !== true) return this.receive(payload);
    const opened = sealing.openLive(this.tenant, payload);
    if (this.#opening === undefined && !(opened instanceof Promise)) return this.receive(opened);
    const before = this.#opening ?? Promise.resolve();
    const done = before
      .then(() => opened)
      // Whoever cannot be shown a message now is told that it is there, and pages it.
      .then((open) => this.receive(open ?? headsOf(payload)))
      .catch(() => this.receive(headsOf(payload)))
      .finally(() => {
        if (this.#opening === done) this.#opening = undefined;
      });
    this.#opening = done;
  }

  receive(payload: Uint8Array): void {
    if (this.#payloads.push(payload) === 1) this.#parts.turn.atEnd(this);
    this.#hold(payload);
    for (const { conversation, sequence, system } of wire.Live.decode(payload).messages) {
      const gone = system?.memberRemoved?.member ?? system?.memberLeft?.member;
      if (gone) this.#endFor(gone, conversation ?? '', sequence ?? 0);
    }
  }

  /**
   * The inbox tells a member later that it is out; what is posted until then must not reach it. Its own removal is the
   * last thing it hears.
   */
  #endFor(user: string, conversation: string, sequence: number): void {
    const listening = subprotocols.flatMap((each) => [...this.#listening[each]]);
    for (const connection of [...listening, ...this.#joining.keys()]) {
      const since = connection.liveGroups.get(conversation);
      if (connection.owner?.user !== user || since === undefined || since > sequence) continue;
      this.flush();
      connection.unhear(conversation);
      this.leave(connection);
    }
  }

  #hold(payload: Uint8Array): void {
    for (const held of this.#joining.values()) {
      if (held.length < this.#parts.heldLiveMax) held.push(payload);
      else held.splice(0, held.length, headsOf(payload));
    }
  }

  #topicOf(subprotocol: Subprotocol): string {
    return `${subprotocol}/${this.#subject}`;
  }
}

/** Too much came while joining: only the newest head stays, and the client pages what it lacks. */
function headsOf(payload: Uint8Array): Uint8Array {
  const { messages, heads } = wire.Live.decode(payload);
  const last = messages.at(-1);
  const newest =
    last === undefined ? heads : [{ conversation: last.conversation ?? '', sequence: last.sequence ?? 0 }];
  return wire.Live.encode({ heads: newest }).finish();
}
