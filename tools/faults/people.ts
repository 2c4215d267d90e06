// The users of a fault run, their devices, and the ledgers: what each device was told is durable, and what it has shown, in
// order. Devices go to another gateway whenever they connect again.
import { type Client, ClientError, HttpApi, MemoryStore, createClient, openWsSocket } from '@parley/client';
import type { Random } from '@parley/std';
import type { GatewayAddress } from '@parley/testing/servers';
import type { Issuer } from '../issuer.ts';

export interface Post {
  readonly conversation: string;
  readonly sender: string;
  readonly deviceId: string;
  readonly clientMessageId: string;
  readonly text: string;
  /** Order of sending of the whole run. */
  readonly order: number;
  readonly sentMs: number;
  /** 0 until it is acknowledged. */
  sequence: number;
}

/** An edit, or without a text a recall, that was acknowledged. */
export interface Change {
  readonly post: Post;
  readonly text?: string;
  readonly sequence: number;
}

export interface Mentions {
  readonly mentions: string[];
  readonly mentionsAll: boolean;
}

const mentionEvery = 5;
const mentionedMax = 10;

export interface Device {
  readonly user: string;
  readonly deviceId: string;
  readonly store: MemoryStore;
  /** Undefined while the user has put it away. */
  client: Client | undefined;
  /** Sends without an answer. */
  unanswered: number;
  /** Last sequence shown, by conversation. */
  readonly shown: Map<string, number>;
}

export interface User {
  readonly id: string;
  readonly devices: Device[];
  readonly conversations: string[];
  /** Highest pointer the server has confirmed, by conversation. */
  readonly reads: Map<string, number>;
}

export interface Ledger {
  readonly posts: Post[];
  readonly changes: Change[];
  sent: number;
  acked: number;
  repeated: number;
  doubledByRepeat: number;
  shown: number;
  shownTwice: number;
  shownWithHole: number;
  connections: number;
  readonly refused: string[];
  readonly flaws: string[];
}

export interface PeopleOptions {
  readonly issuer: Issuer;
  readonly random: Random;
  gateways(): readonly GatewayAddress[];
  onAcked(post: Post): void;
}

const flawsToldMax = 40;
const apiTriesMax = 60;
const apiPauseMs = 500;

export class People {
  readonly users: User[] = [];
  readonly ledger: Ledger = {
    posts: [],
    changes: [],
    sent: 0,
    acked: 0,
    repeated: 0,
    doubledByRepeat: 0,
    shown: 0,
    shownTwice: 0,
    shownWithHole: 0,
    connections: 0,
    refused: [],
    flaws: [],
  };
  readonly #options: PeopleOptions;
  readonly #tokens = new Map<string, Promise<string>>();
  #isClosed = false;

  constructor(options: PeopleOptions) {
    this.#options = options;
  }

  add(id: string, deviceCount: number): User {
    const devices = Array.from({ length: deviceCount }, (_, index) =>
      this.newDevice(id, `device-${index + 1}`),
    );
    const user: User = { id, devices, conversations: [], reads: new Map() };
    this.users.push(user);
    return user;
  }

  newDevice(user: string, deviceId: string): Device {
    const store = new MemoryStore();
    return { user, deviceId, store, client: undefined, unanswered: 0, shown: new Map() };
  }

  /** Switches a device on. It connects for ever; resolves when it has synced for the first time. */
  async connect(device: Device): Promise<void> {
    let attempt = Math.floor(this.#options.random.next() * 16);
    const client = createClient({
      url: 'ws://unused',
      getToken: () => this.#token(device.user),
      deviceId: device.deviceId,
      store: device.store,
      limits: { backoffBaseMs: 200, backoffMaxMs: 3_000 },
      openSocket: (target, handlers) => {
        const gateways = this.#options.gateways();
        const url = gateways[attempt++ % Math.max(1, gateways.length)]?.wsUrl ?? 'ws://127.0.0.1:1';
        this.ledger.connections++;
        return openWsSocket({ ...target, url }, handlers);
      },
    });
    device.client = client;
    client.on('message', ({ message }) => this.#show(device, message.conversation, message.sequence));
    await client.connect();
  }

  disconnect(device: Device): void {
    device.client?.close();
    device.client = undefined;
  }

  send(device: Device, conversation: string, text: string, repeats: boolean): void {
    const client = device.client;
    if (client === undefined) return;
    const order = this.ledger.sent++;
    const post: Post = {
      conversation,
      sender: device.user,
      deviceId: device.deviceId,
      clientMessageId: `${device.user}:${order}`,
      text: `${text} ${order}`,
      order,
      sentMs: performance.now(),
      sequence: 0,
    };
    this.ledger.posts.push(post);
    device.unanswered++;
    void client
      .send(conversation, this.#contentOf(post), post.clientMessageId)
      .then(
        (sent) => {
          post.sequence = sent.sequence;
          this.ledger.acked++;
          this.#options.onAcked(post);
          if (repeats) this.#repeat(client, post);
        },
        (error: unknown) => {
          if (!this.#isClosed)
            this.ledger.refused.push(`${post.clientMessageId}: ${(error as Error).message}`);
        },
      )
      .finally(() => device.unanswered--);
  }

  /** Edits an own message that was acknowledged; without a text it is recalled. */
  change(device: Device, post: Post, text?: string): void {
    const { client } = device;
    if (client === undefined) return;
    const { conversation, sequence: target } = post;
    device.unanswered++;
    const changing =
      text === undefined
        ? client.recall(conversation, target)
        : client.edit(conversation, target, { text, ...this.mentionsOf(conversation, post.clientMessageId) });
    void changing
      .then(
        ({ sequence }) =>
          this.ledger.changes.push({ post, sequence, ...(text === undefined ? {} : { text }) }),
        (error: unknown) => {
          // It was recalled from this or another device meanwhile, or the run has ended.
          const isRecalled = error instanceof ClientError && error.code === 'MESSAGE_RECALLED';
          if (!this.#isClosed && !isRecalled)
            this.ledger.refused.push(`change of ${post.clientMessageId}: ${(error as Error).message}`);
        },
      )
      .finally(() => device.unanswered--);
  }

  /** Whom a message of the run mentions, known by its id alone: every fifth one some users, or everybody. */
  mentionsOf(conversation: string, clientMessageId: string): Mentions | undefined {
    const order = Number(clientMessageId.split(':').at(-1));
    if (!(order % mentionEvery === 0)) return undefined;
    if (conversation.startsWith('d.')) return { mentions: [], mentionsAll: true };
    const first = order % this.users.length;
    const mentions = this.users.slice(first, first + mentionedMax).map(({ id }) => id);
    return { mentions, mentionsAll: false };
  }

  #contentOf({ conversation, clientMessageId, text }: Post): { text: string; rich?: Mentions } {
    const rich = this.mentionsOf(conversation, clientMessageId);
    return rich === undefined ? { text } : { text, rich };
  }

  /** Goes on until the server has confirmed it. */
  async markRead(user: User, device: Device, conversation: string, sequence: number): Promise<void> {
    try {
      await device.client?.markRead(conversation, sequence);
    } catch {
      // It may have been done nevertheless: reads are only known for sure after `settleReads`.
      user.reads.set(conversation, -1);
      return;
    }
    const known = user.reads.get(conversation) ?? 0;
    if (known >= 0) user.reads.set(conversation, Math.max(known, sequence));
  }

  /** An HTTP call at any gateway that answers. */
  async api<T>(user: string, call: (api: HttpApi) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const gateways = this.#options.gateways();
      const { httpUrl } = gateways[attempt % gateways.length]!;
      try {
        return await call(new HttpApi({ url: httpUrl, token: await this.#token(user) }));
      } catch (error) {
        if (!(error instanceof ClientError) || !error.retryable || attempt === apiTriesMax) throw error;
        await new Promise((resolve) => setTimeout(resolve, apiPauseMs));
      }
    }
  }

  closeAll(): void {
    this.#isClosed = true;
    for (const user of this.users) for (const device of user.devices) this.disconnect(device);
  }

  /** As after a lost acknowledgement: the same id again must give the same place again. */
  #repeat(client: Client, post: Post): void {
    this.ledger.repeated++;
    client.send(post.conversation, this.#contentOf(post), post.clientMessageId).then(
      (again) => {
        if (again.sequence === post.sequence && again.duplicate) return;
        this.ledger.doubledByRepeat++;
        this.#flaw(`${post.clientMessageId} got #${post.sequence}, repeated #${again.sequence}`);
      },
      (error: unknown) => {
        if (!this.#isClosed && client.state !== 'stopped')
          this.ledger.refused.push(`${post.clientMessageId} repeated: ${(error as Error).message}`);
      },
    );
  }

  #show(device: Device, conversation: string, sequence: number): void {
    this.ledger.shown++;
    const last = device.shown.get(conversation) ?? 0;
    const who = `${device.user}/${device.deviceId} in ${conversation}`;
    if (sequence <= last) {
      this.ledger.shownTwice++;
      this.#flaw(`${who}: #${sequence} shown after #${last}`);
    } else if (sequence > last + 1) {
      this.ledger.shownWithHole++;
      this.#flaw(`${who}: #${sequence} shown after #${last}, as if nothing were between`);
    }
    device.shown.set(conversation, Math.max(last, sequence));
  }

  #flaw(what: string): void {
    if (this.ledger.flaws.length < flawsToldMax) this.ledger.flaws.push(what);
  }

  #token(user: string): Promise<string> {
    let token = this.#tokens.get(user);
    if (token === undefined) this.#tokens.set(user, (token = this.#options.issuer.tokenOf(user)));
    return token;
  }
}
