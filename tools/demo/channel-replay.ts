// Plays the channel as one group: people join, speak and leave in the order of the corpus, each over a connection of their
// own. What one person does stays in order; different people overlap, as they do in life.
import { type Client, ClientError, type HttpApi } from '@parley/client';
import { Gate } from './gate.ts';
import type { People } from './people.ts';
import type { ChannelPerson, Step } from './plan.ts';
import { until } from './until.ts';

export interface ChannelReplayOptions {
  readonly people: People;
  readonly keeper: string;
  readonly steps: readonly Step[];
  onProgress(done: number): void;
  isStopping(): boolean;
}

export const channelGroup = 'ubuntu';
export const channelConversation = `g.${channelGroup}`;

/** Messages of the channel without an answer yet; then the replay waits. */
const sendsAtOnceMax = 64;
/** People who are connecting at the same time. */
const joinsAtOnceMax = 32;
/** Joins that come so close together are one request to the group. */
const joinBatchMs = 30;
const joinBatchMax = 50;
/** Every so many-th message is sent once more, as after a lost acknowledgement. */
const repeatEvery = 25;
const membershipLimitMs = 60_000;
/** Share of the steps after which those who drop out do so. */
const dropOutAfter = 0.5;

export class ChannelReplay {
  readonly #options: ChannelReplayOptions;
  readonly #sends = new Gate(sendsAtOnceMax);
  readonly #joins = new Gate(joinsAtOnceMax);
  /** The last thing each person began: the next one begins after it. */
  readonly #chains = new Map<ChannelPerson, Promise<void>>();
  readonly #unanswered = new Map<ChannelPerson, Set<Promise<void>>>();
  readonly #inside = new Set<ChannelPerson>();
  readonly wentOffline = new Set<string>();
  #adder: MemberAdder | undefined;
  #said = 0;

  constructor(options: ChannelReplayOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { people, keeper, steps } = this.#options;
    await people.connect(keeper);
    const api = await people.api(keeper);
    await api.createGroup({ id: channelGroup, title: '#ubuntu', members: [] });
    this.#adder = new MemberAdder(api);
    for (const [index, step] of steps.entries()) {
      if (this.#options.isStopping()) return;
      if (index === Math.floor(steps.length * dropOutAfter)) this.#dropOut();
      await this.#take(step);
      if (index % 100 === 0) this.#options.onProgress(index);
    }
    await Promise.all(this.#chains.values());
    await this.#sends.drain();
    this.#options.onProgress(steps.length);
  }

  async #take(step: Step): Promise<void> {
    const { person } = step;
    if (step.kind === 'join') {
      await this.#joins.enter();
      this.#chain(person, () => this.#join(person).finally(() => this.#joins.leave()));
    } else if (step.kind === 'leave') {
      this.#chain(person, () => this.#leave(person));
    } else {
      await this.#sends.enter();
      this.#chain(person, () => this.#say(person, step.text));
    }
  }

  #chain(person: ChannelPerson, work: () => Promise<void>): void {
    const before = this.#chains.get(person) ?? Promise.resolve();
    const fail = (error: unknown) => this.#options.people.fail(`${person.id}: ${(error as Error).message}`);
    this.#chains.set(person, before.then(work).catch(fail));
  }

  async #join(person: ChannelPerson): Promise<void> {
    await this.#options.people.connect(person.id, person.hasTwoDevices ? 2 : 1);
    await this.#adder!.add(person.id);
    this.#inside.add(person);
    // Who has been here before shows the earlier leaving until the new entry arrives.
    const clients = this.#clientsOf(person);
    const hasSeenIt = (client: Client) =>
      client.conversation(channelConversation).isMember && client.conversation(channelConversation).head > 0;
    await until(() => clients.every(hasSeenIt), membershipLimitMs, 'sees that it has joined');
  }

  /** Begins to send, and lets the person go on: the client keeps the order. */
  async #say(person: ChannelPerson, text: string): Promise<void> {
    const { people } = this.#options;
    if (!people.isConnected(person.id)) await people.connect(person.id);
    const sending = people
      .send(person.id, channelConversation, text, ++this.#said % repeatEvery === 0)
      .finally(() => this.#sends.leave());
    const unanswered = this.#unanswered.get(person) ?? new Set<Promise<void>>();
    this.#unanswered.set(person, unanswered.add(sending));
    void sending.finally(() => unanswered.delete(sending));
  }

  async #leave(person: ChannelPerson): Promise<void> {
    const { people } = this.#options;
    await this.#untilAnswered(person);
    await people.connect(person.id);
    await withRetries(async () => (await people.api(person.id)).leave(channelGroup));
    this.#inside.delete(person);
    // The last message this person may see is the one that says so.
    const clients = this.#clientsOf(person);
    const hasSeenIt = (client: Client) =>
      !client.conversation(channelConversation).isMember && client.isCaughtUp;
    try {
      await until(() => clients.every(hasSeenIt), membershipLimitMs, 'sees that it has left');
    } catch (error) {
      const [{ left, tail, head }] = [clients[0]!.conversation(channelConversation)];
      throw new Error(
        `${(error as Error).message} (left ${left}, tail ${tail}, head ${head}, ${clients[0]!.state})`,
        { cause: error },
      );
    }
    people.disconnect(person.id);
  }

  async #untilAnswered(person: ChannelPerson): Promise<void> {
    await Promise.all([...(this.#unanswered.get(person) ?? [])]);
  }

  #clientsOf(person: ChannelPerson): Client[] {
    return this.#options.people.devices.get(person.id)!.map((device) => device.client!);
  }

  #dropOut(): void {
    for (const person of this.#inside) {
      if (!person.dropsOut) continue;
      this.wentOffline.add(person.id);
      this.#chain(person, async () => {
        await this.#untilAnswered(person);
        if (this.#inside.has(person)) this.#options.people.disconnect(person.id);
      });
    }
  }
}

/** Adds people to the group, several in one request when they come together. */
class MemberAdder {
  readonly #api: HttpApi;
  #waiting: { user: string; resolve(): void; reject(error: unknown): void }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(api: HttpApi) {
    this.#api = api;
  }

  add(user: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ user, resolve, reject });
      if (this.#waiting.length >= joinBatchMax) this.#flush();
      else this.#timer ??= setTimeout(() => this.#flush(), joinBatchMs);
    });
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#waiting;
    this.#waiting = [];
    const users = batch.map((one) => one.user);
    withRetries(() => this.#api.addMembers(channelGroup, users)).then(
      () => batch.forEach((one) => one.resolve()),
      (error: unknown) => batch.forEach((one) => one.reject(error)),
    );
  }
}

const retriesMax = 20;
const retryPauseMinMs = 100;

/** Adding and leaving are the same when done twice, so what is retryable is tried again. */
async function withRetries(work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ClientError && error.code === 'NOT_A_MEMBER' && attempt > 1) return;
      if (!(error instanceof ClientError) || !error.retryable || attempt === retriesMax) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.max(retryPauseMinMs, error.retryAfterMs)));
    }
  }
}
