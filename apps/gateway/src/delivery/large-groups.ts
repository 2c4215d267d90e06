// Which super-large groups a connection hears, and how far they have come: joined at welcome, and whenever an entry says
// that a conversation has turned to read-diffusion or back, or that the user has left.
import { inParallel } from '@parley/std';
import { type EntryTurn, type parley, parseConversation, wire } from '@parley/protocol';
import { type Placement, shardName } from '@parley/runtime';
import type { Clock } from '@parley/std';
import type { ClientConnection } from '../connection/client-connection.ts';
import { type ConversationHeads, isLarge } from '../sync/conversation-heads.ts';
import type { HeardTopic, LiveTopics } from './live-topics.ts';

type Conversation = parley.v1.Conversation.$Properties;

export interface LargeGroupsParts {
  readonly topics: LiveTopics;
  readonly heads: ConversationHeads;
  readonly placement: Pick<Placement, 'shardOf'>;
  readonly clock: Clock;
  readonly questionsAtOnceMax: number;
  readonly headRetryMs: number;
}

export class LargeGroups {
  readonly #parts: LargeGroupsParts;

  constructor(parts: LargeGroupsParts) {
    this.#parts = parts;
  }

  /**
   * Joins the live topics of the large groups among `conversations` and gives these with their heads, asked after
   * joining, so that between head and topic no message is lost. `admit` follows when the welcome is out.
   */
  async join(connection: ClientConnection, conversations: readonly Conversation[]): Promise<Conversation[]> {
    const { owner } = connection;
    if (owner === undefined) return [...conversations];
    this.#follow(connection, conversations);
    const filled = await this.#parts.heads.fill(owner, conversations);
    // A head nobody could tell now is told as soon as somebody can.
    for (const conversation of filled.unknown) this.#announceHead(connection, conversation, 0);
    return filled.conversations;
  }

  /** The connection was attached again: what it hears is made to agree with what its user is a member of. */
  rejoin(connection: ClientConnection, conversations: readonly Conversation[]): void {
    this.#follow(connection, conversations);
    if (connection.state === 'ready') this.admit(connection);
  }

  /** Lets the live messages of everything joined flow. */
  admit(connection: ClientConnection): void {
    const { owner } = connection;
    if (owner === undefined) return;
    for (const conversation of connection.liveGroups.keys())
      this.#parts.topics.admit(connection, owner.tenant, conversation);
  }

  /** An entry changes the way its conversation reaches the user. */
  turn(connection: ClientConnection, { conversation, sequence, diffusion, left }: EntryTurn): void {
    if (left || diffusion === wire.Diffusion.DIFFUSION_WRITE) return this.#ignore(connection, conversation);
    if (diffusion !== wire.Diffusion.DIFFUSION_READ || connection.liveGroups.has(conversation)) return;
    this.#listen(connection, conversation, sequence);
    // Before the welcome is out `admit` comes later, for all of them.
    if (connection.state === 'ready' && connection.owner) {
      this.#parts.topics.admit(connection, connection.owner.tenant, conversation);
    }
    this.#announceHead(connection, conversation, sequence);
  }

  /** Tells the client the heads of all its large groups: it has missed live messages. */
  async announceAll(connection: ClientConnection): Promise<void> {
    const groups = [...connection.liveGroups.keys()];
    await inParallel(groups, this.#parts.questionsAtOnceMax, async (conversation) => {
      await this.#tryAnnounce(connection, conversation, 0);
    });
  }

  /**
   * A shard has a new owner: what its predecessor committed last was perhaps never published, and nothing that follows
   * may show it. Asked once for each group and not for each of its listeners.
   */
  async announceShard(name: string): Promise<void> {
    const topics = this.#parts.topics.heard().filter((topic) => this.#shardOf(topic) === name);
    await inParallel(topics, this.#parts.questionsAtOnceMax, (topic) => this.#announceTopic(topic));
  }

  /** The connection is closed. */
  leaveAll(connection: ClientConnection): void {
    for (const conversation of [...connection.liveGroups.keys()]) this.#ignore(connection, conversation);
  }

  #listen(connection: ClientConnection, conversation: string, sinceSequence: number): void {
    if (connection.owner === undefined || !connection.isOpen) return;
    connection.hear(conversation, sinceSequence);
    this.#parts.topics.join(connection, connection.owner.tenant, conversation);
  }

  #ignore(connection: ClientConnection, conversation: string): void {
    if (!connection.unhear(conversation) || connection.owner === undefined) return;
    this.#parts.topics.leave(connection, connection.owner.tenant, conversation);
  }

  #follow(connection: ClientConnection, conversations: readonly Conversation[]): void {
    const large = new Set(conversations.filter(isLarge).map(({ conversation }) => conversation ?? ''));
    for (const conversation of [...connection.liveGroups.keys()]) {
      if (!large.has(conversation)) this.#ignore(connection, conversation);
    }
    for (const each of conversations) {
      if (isLarge(each)) this.#listen(connection, each.conversation ?? '', each.firstVisible ?? 0);
    }
  }

  async #announceTopic({ tenant, conversation, listener }: HeardTopic): Promise<void> {
    if (listener.owner === undefined) return;
    const head = await this.#parts.heads.ask(listener.owner, conversation);
    if (head.ok) return this.#parts.topics.announce(tenant, conversation, head.value.head);
    if (!head.error.isRetryable) return;
    this.#parts.clock.after(this.#parts.headRetryMs, () => {
      const again = this.#parts.topics
        .heard()
        .find((topic) => topic.conversation === conversation && topic.tenant === tenant);
      if (again !== undefined) void this.#announceTopic(again);
    });
  }

  #shardOf({ tenant, conversation }: HeardTopic): string | undefined {
    const address = parseConversation(conversation);
    return (
      address && shardName(this.#parts.placement.shardOf({ type: address.type, tenant, id: address.id }))
    );
  }

  #announceHead(connection: ClientConnection, conversation: string, knownSequence: number): void {
    void this.#tryAnnounce(connection, conversation, knownSequence).then((isDone) => {
      if (isDone) return;
      this.#parts.clock.after(this.#parts.headRetryMs, () =>
        this.#announceHead(connection, conversation, knownSequence),
      );
    });
  }

  /** True when there is nothing more to do. */
  async #tryAnnounce(
    connection: ClientConnection,
    conversation: string,
    knownSequence: number,
  ): Promise<boolean> {
    if (!connection.isOpen || !connection.owner || !connection.liveGroups.has(conversation)) return true;
    const head = await this.#parts.heads.ask(connection.owner, conversation);
    if (!head.ok) return !head.error.isRetryable;
    if (head.value.head > knownSequence) {
      connection.push({
        syncNeeded: {
          inboxPosition: connection.inboxPosition,
          heads: [{ conversation, sequence: head.value.head }],
        },
      });
    }
    return true;
  }
}
