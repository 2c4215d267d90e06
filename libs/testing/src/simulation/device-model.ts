// A user's device: keeps the inbox contiguous, fetches what it misses, follows the log of large groups, goes on- and offline.
// It never invents anything: every entry and message it takes has been compared with the journals by AnswerChecks.
import { Diffusion, type LogMessage, Membership, applyChange, changeIn } from '@parley/domain';
import { fromWireMessage, parseConversation, wire, type parley } from '@parley/protocol';
import type { Clock, EntityAddress } from '@parley/std';
import type { AnswerChecks } from './answer-checks.ts';
import type { GatewayConnection, GatewayModel } from './gateway-model.ts';
import type { HistoryModel } from './history-model.ts';

interface ConversationCopy {
  readonly conversation: string;
  readonly have: Set<number>;
  /** What the device shows, by sequence: with the edits and recalls that have come applied. */
  readonly messages: Map<number, LogMessage>;
  /** Edits and recalls that have come, by what they change. */
  readonly changes: Map<number, LogMessage[]>;
  readonly wanted: Set<number>;
  /** Newest sequence looked at. */
  upTo: number;
  isMember: boolean;
  diffusion: Diffusion;
  isFilling: boolean;
}

export interface DeviceWorld {
  readonly tenant: string;
  readonly clock: Clock;
  readonly checks: AnswerChecks;
  readonly history: HistoryModel;
  nextConnection(): number;
}

const retryMs = 300;
const inboxPageLimit = 50;
/** Heads of large groups are asked for this often: an announcement may be lost. */
const headPollMs = 5_000;

export class DeviceModel implements GatewayConnection {
  readonly user: string;
  readonly device: string;
  readonly address: EntityAddress;
  readonly copies = new Map<string, ConversationCopy>();
  number = 0;
  gateway: GatewayModel | undefined;
  /** Entries fell out of the inbox window before they were read here. */
  wasLimited = false;
  readonly #world: DeviceWorld;
  #position = 0;
  #isSyncing = false;
  #mustSyncTo = 0;

  constructor(world: DeviceWorld, user: string, device: string) {
    this.#world = world;
    this.user = user;
    this.device = device;
    this.address = { type: 'user', tenant: world.tenant, id: user };
    this.#poll();
  }

  get isOnline(): boolean {
    return this.gateway !== undefined && this.gateway.isAlive;
  }

  /** Whether nothing this device knows of is missing. */
  get isComplete(): boolean {
    return !this.#isSyncing && [...this.copies.values()].every((copy) => copy.wanted.size === 0);
  }

  position(): number {
    return this.#position;
  }

  describe(): string {
    const missing = [...this.copies.values()].filter((copy) => copy.wanted.size > 0);
    const wanted = missing.map((copy) => `${copy.conversation} ${[...copy.wanted].join()}`).join('; ');
    const state = this.isOnline ? `online at ${this.gateway?.id}` : 'offline';
    return `${this.user}/${this.device} ${state}${this.#isSyncing ? ', syncing' : ''}, lacks [${wanted}], at ${this.#position}`;
  }

  goOnline(gateway: GatewayModel): void {
    this.goOffline();
    this.gateway = gateway;
    this.number = this.#world.nextConnection();
    gateway.attach(this, this.#position);
    for (const copy of this.copies.values()) {
      this.#follow(copy);
      this.#fill(copy);
    }
  }

  goOffline(): void {
    const { gateway } = this;
    if (gateway === undefined) return;
    for (const { conversation } of this.copies.values())
      gateway.unlisten(this.#world.tenant, conversation, this.#live);
    gateway.detach(this);
    this.gateway = undefined;
  }

  /** Conversations the user is a member of, as far as this device knows. */
  memberships(): readonly ConversationCopy[] {
    return [...this.copies.values()].filter((copy) => copy.isMember);
  }

  pushed(position: number, payload: Uint8Array): void {
    if (!this.isOnline) return;
    const { checks } = this.#world;
    if (position === 0) {
      const frame = wire.ServerFrame.decode(payload);
      checks.framePushed(this.user, frame);
      if (frame.syncNeeded) this.#sync(frame.syncNeeded.inboxPosition ?? 0);
      return;
    }
    const entry = wire.Entry.decode(payload);
    checks.entryPushed(this.user, position, entry);
    if (position > this.#position + 1) this.#sync(position);
    if (position !== this.#position + 1 || this.#isSyncing) return;
    const { message, readMoved, diffusion, left } = entry;
    this.#position = position;
    if (message) {
      const copy = this.#copy(message.conversation ?? '');
      this.#hold(copy, fromWireMessage(message as parley.v1.Message));
      // The title comes with the entry that makes the user a member, and only with it.
      const joined = entry.title === '' ? Membership.UNCHANGED : Membership.JOINED;
      this.#take(copy, message.sequence ?? 0, diffusion, left ? Membership.LEFT : joined);
    } else if (readMoved) this.#copy(readMoved.conversation ?? '');
    this.gateway?.acknowledge(this, position);
  }

  welcomed(welcome: parley.v1.Welcome): void {
    if (!this.isOnline) return;
    this.#world.checks.position(this.user, welcome.inboxPosition);
    if (welcome.inboxPosition > this.#position) this.#sync(welcome.inboxPosition);
    else this.gateway?.acknowledge(this, this.#position);
    for (const copy of this.copies.values()) if (copy.diffusion === Diffusion.READ) void this.#askHead(copy);
  }

  /** Reads everything up to `position` from the inbox, page by page, while online. */
  #sync(position: number): void {
    this.#mustSyncTo = Math.max(this.#mustSyncTo, position);
    if (this.#isSyncing || this.#position >= this.#mustSyncTo || !this.isOnline) return;
    this.#isSyncing = true;
    this.#syncPages().then(
      () => {
        this.#isSyncing = false;
        this.#sync(this.#mustSyncTo);
      },
      (cause: unknown) => this.#world.checks.broken(this.user, cause),
    );
  }

  async #syncPages(): Promise<void> {
    while (this.#position < this.#mustSyncTo && this.isOnline) {
      const { gateway } = this;
      const toldBefore = this.#world.checks.newestTold(this.user);
      const answer = await gateway?.ask(this.address, {
        inbox: { after: this.#position, limit: inboxPageLimit },
      });
      if (this.gateway !== gateway) continue;
      if (!answer?.inbox) {
        await this.#wait();
        continue;
      }
      const { entries, position, limited } = answer.inbox as parley.internal.v1.InboxAnswer;
      this.#world.checks.position(this.user, position);
      this.#world.checks.freshness(this.user, position, toldBefore);
      if (limited) {
        if (!(await this.#startOver(position))) await this.#wait();
        continue;
      }
      for (const entry of entries as parley.internal.v1.InboxEntry[]) this.#takeListed(entry);
      if (entries.length === 0 && position < this.#mustSyncTo) await this.#wait();
      gateway?.acknowledge(this, this.#position);
    }
  }

  #takeListed(entry: parley.internal.v1.InboxEntry): void {
    this.#world.checks.inboxEntry(this.user, entry);
    if (entry.position !== this.#position + 1) return;
    this.#position = entry.position;
    if (entry.personal != null) return;
    const copy = this.#copy(entry.conversation);
    if (entry.isReadMoved) return;
    if (!copy.have.has(entry.sequence)) copy.wanted.add(entry.sequence);
    this.#take(copy, entry.sequence, entry.diffusion, entry.membership);
  }

  /** Too much was missed: the conversations say where each of them stands. */
  async #startOver(position: number): Promise<boolean> {
    const answer = await this.gateway?.ask(this.address, { conversations: {} });
    if (!answer?.conversations) return false;
    this.wasLimited = true;
    this.#position = Math.max(position, answer.conversations.position ?? 0);
    for (const one of (answer.conversations.conversations ?? []) as parley.v1.Conversation[]) {
      const copy = this.#copy(one.conversation);
      copy.isMember = one.left === 0;
      copy.diffusion = one.diffusion;
      for (let sequence = one.firstVisible; sequence <= one.head; sequence++)
        if (!copy.have.has(sequence)) copy.wanted.add(sequence);
      copy.upTo = Math.max(copy.upTo, one.head);
      this.#follow(copy);
      this.#fill(copy);
    }
    return true;
  }

  /** What an entry says about its conversation. */
  #take(copy: ConversationCopy, sequence: number, diffusion: number, membership: number): void {
    if (membership === Membership.JOINED) {
      copy.isMember = true;
      copy.diffusion = Diffusion.WRITE;
    } else if (copy.diffusion === Diffusion.READ) this.#want(copy, sequence);
    copy.upTo = Math.max(copy.upTo, sequence);
    if (diffusion !== Diffusion.UNSPECIFIED) copy.diffusion = diffusion as Diffusion;
    if (membership === Membership.LEFT) {
      copy.isMember = false;
      copy.diffusion = Diffusion.WRITE;
    }
    this.#follow(copy);
    this.#fill(copy);
  }

  #want(copy: ConversationCopy, head: number): void {
    for (let sequence = copy.upTo + 1; sequence <= head; sequence++)
      if (!copy.have.has(sequence)) copy.wanted.add(sequence);
    copy.upTo = Math.max(copy.upTo, head);
    this.#fill(copy);
  }

  #follow(copy: ConversationCopy): void {
    const { gateway } = this;
    if (gateway === undefined) return;
    const isLarge = copy.isMember && copy.diffusion === Diffusion.READ;
    const { tenant } = this.#world;
    if (!isLarge) return gateway.unlisten(tenant, copy.conversation, this.#live);
    gateway.listen(tenant, copy.conversation, this.#live);
    void this.#askHead(copy);
  }

  readonly #live = (live: parley.v1.Live): void => {
    const { checks } = this.#world;
    for (const message of (live.messages ?? []) as parley.v1.Message[]) {
      checks.message(fromWireMessage(message));
      const copy = this.copies.get(message.conversation);
      if (copy?.diffusion !== Diffusion.READ || !copy.isMember) continue;
      this.#hold(copy, fromWireMessage(message));
      this.#want(copy, message.sequence);
    }
    for (const { conversation, sequence } of (live.heads ?? []) as parley.v1.Cursor[]) {
      checks.head(conversation, sequence);
      const copy = this.copies.get(conversation);
      if (copy?.diffusion === Diffusion.READ && copy.isMember) this.#want(copy, sequence);
    }
  };

  async #askHead(copy: ConversationCopy): Promise<void> {
    const answer = await this.gateway?.ask(this.#addressOf(copy), { head: { reader: this.user } });
    if (!answer?.head) return;
    const { head, isMember } = answer.head as parley.internal.v1.HeadAnswer;
    this.#world.checks.head(copy.conversation, head);
    if (isMember && copy.diffusion === Diffusion.READ && copy.isMember) this.#want(copy, head);
  }

  #poll(): void {
    this.#world.clock.after(headPollMs, () => {
      for (const copy of this.copies.values())
        if (this.isOnline && copy.isMember && copy.diffusion === Diffusion.READ) void this.#askHead(copy);
      this.#poll();
    });
  }

  #fill(copy: ConversationCopy): void {
    if (copy.isFilling || copy.wanted.size === 0 || !this.isOnline) return;
    copy.isFilling = true;
    this.#fillWanted(copy).then(
      () => {
        copy.isFilling = false;
        // Something may have been wanted since the last look.
        this.#fill(copy);
      },
      (cause: unknown) => this.#world.checks.broken(this.user, cause),
    );
  }

  /** Missing messages come from history or from the memory of the conversation's owner. */
  async #fillWanted(copy: ConversationCopy): Promise<void> {
    while (copy.wanted.size > 0 && this.isOnline) {
      for (const message of this.#world.history.page(copy.conversation, copy.wanted))
        this.#hold(copy, message);
      if (copy.wanted.size === 0) return;
      const range = { reader: this.user, from: Math.min(...copy.wanted), to: Math.max(...copy.wanted) };
      const answer = await this.gateway?.ask(this.#addressOf(copy), { log: range });
      for (const message of (answer?.log?.messages ?? []) as parley.v1.Message[]) {
        this.#world.checks.message(fromWireMessage(message));
        this.#hold(copy, fromWireMessage(message));
      }
      if (copy.wanted.size > 0) await this.#wait();
    }
  }

  /** Messages and their changes come in any order, and old copies after newer ones. */
  #hold(copy: ConversationCopy, message: LogMessage): void {
    const { sequence } = message;
    copy.wanted.delete(sequence);
    copy.have.add(sequence);
    const known = copy.messages.get(sequence);
    if (known !== undefined && (known.revision ?? 0) >= (message.revision ?? 0)) return;
    copy.messages.set(sequence, (copy.changes.get(sequence) ?? []).reduce(applyChange, message));
    const change = changeIn(message);
    if (change === undefined) return;
    copy.changes.set(change.target, [...(copy.changes.get(change.target) ?? []), message]);
    const target = copy.messages.get(change.target);
    if (target !== undefined) copy.messages.set(change.target, applyChange(target, message));
  }

  #copy(conversation: string): ConversationCopy {
    let copy = this.copies.get(conversation);
    if (copy === undefined) {
      copy = {
        conversation,
        have: new Set(),
        messages: new Map(),
        changes: new Map(),
        wanted: new Set(),
        upTo: 0,
        isMember: true,
        diffusion: Diffusion.WRITE,
        isFilling: false,
      };
      this.copies.set(conversation, copy);
    }
    return copy;
  }

  #addressOf({ conversation }: ConversationCopy): EntityAddress {
    const { type, id } = parseConversation(conversation)!;
    return { type, tenant: this.#world.tenant, id };
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => this.#world.clock.after(retryMs, resolve));
  }
}
