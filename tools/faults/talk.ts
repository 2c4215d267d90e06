// What people do all the time: send, read, change the gateway, put a device away and take it out again.
import { inParallel } from '@parley/std';
import { ClientError } from '@parley/client';
import type { Random } from '@parley/std';
import { directConversation } from '@parley/protocol';
import type { Device, People, User } from './people.ts';

export interface TalkOptions {
  readonly people: People;
  readonly random: Random;
  /** Messages a second, of all together. */
  readonly rate: number;
}

/** Sends without an answer on one device; beyond it, it sends nothing new. */
const unansweredMax = 6;
const beatMs = 25;
/** Of a hundred messages so many are sent again, as after a lost acknowledgement. */
const repeatsOfHundred = 4;
/** Things that people do beside sending, each about so often in a second, of all together. */
const perSecond = { read: 3, edit: 2, recall: 0.7, move: 1.5, putAway: 0.5 };
/** People change what they wrote lately: one of so many posts of all. */
const changedAmong = 200;
const awayMsMax = 6_000;
const groupCount = 8;
const groupSize = 12;

/** Makes users and who talks with whom. Returns the conversation everybody of the large group is in. */
export async function meet(people: People, options: { users: number; largeMembers: number; random: Random }) {
  const { random } = options;
  for (let index = 1; index <= options.users; index++) {
    people.add(`user-${String(index).padStart(3, '0')}`, random.next() < 0.2 ? 2 : 1);
  }
  const { users } = people;
  await inParallel(
    users.flatMap((user) => user.devices),
    16,
    (device) => people.connect(device),
  );
  const pick = () => users[Math.floor(random.next() * users.length)]!;
  for (const user of users) {
    const other = pick();
    const conversation = directConversation(user.id, other.id);
    if (user === other || user.conversations.includes(conversation)) continue;
    user.conversations.push(conversation);
    other.conversations.push(conversation);
  }
  for (let number = 1; number <= groupCount; number++) {
    const members = new Set(Array.from({ length: groupSize }, pick));
    await found(people, `circle-${number}`, [...members]);
  }
  await found(people, 'square', users.slice(0, options.largeMembers));
}

async function found(people: People, id: string, members: readonly User[]): Promise<void> {
  const [owner, ...others] = members;
  const ids = others.map((one) => one.id);
  await people.api(owner!.id, (api) => api.createGroup({ id, title: id, members: ids }));
  for (const member of members) member.conversations.push(`g.${id}`);
}

export class Talk {
  readonly #options: TalkOptions;
  #timer: NodeJS.Timeout | undefined;
  #lastMs = 0;
  #due = 0;
  readonly #returning = new Set<Promise<void>>();

  constructor(options: TalkOptions) {
    this.#options = options;
  }

  begin(): void {
    this.#lastMs = performance.now();
    this.#timer = setInterval(() => this.#beat(), beatMs);
  }

  /** Nobody begins anything; who has put a device away takes it out again. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#returning);
  }

  #beat(): void {
    const nowMs = performance.now();
    const seconds = (nowMs - this.#lastMs) / 1_000;
    this.#lastMs = nowMs;
    this.#due += seconds * this.#options.rate;
    for (; this.#due >= 1; this.#due--) this.#say();
    if (this.#happens(perSecond.read * seconds)) this.#read();
    if (this.#happens(perSecond.edit * seconds)) this.#change((text) => `${text} (put right)`);
    if (this.#happens(perSecond.recall * seconds)) this.#change(() => undefined);
    if (this.#happens(perSecond.move * seconds)) this.#device()?.client?.dropConnection();
    if (this.#happens(perSecond.putAway * seconds)) this.#putAway();
  }

  #say(): void {
    const { people, random } = this.#options;
    const user = this.#user();
    const device = user.devices[Math.floor(random.next() * user.devices.length)]!;
    if (user.conversations.length === 0 || device.client === undefined || device.unanswered >= unansweredMax)
      return;
    const conversation = user.conversations[Math.floor(random.next() * user.conversations.length)]!;
    people.send(device, conversation, `${user.id} says`, random.next() * 100 < repeatsOfHundred);
  }

  #read(): void {
    const user = this.#user();
    const device = user.devices[0]!;
    const conversation =
      user.conversations[Math.floor(this.#options.random.next() * user.conversations.length)];
    if (conversation === undefined || device.client === undefined) return;
    const { tail } = device.client.conversation(conversation);
    if (tail > 0) void this.#options.people.markRead(user, device, conversation, tail);
  }

  #change(newText: (text: string) => string | undefined): void {
    const { people, random } = this.#options;
    const { posts } = people.ledger;
    const post = posts[posts.length - 1 - Math.floor(random.next() * Math.min(posts.length, changedAmong))];
    if (post === undefined || post.sequence === 0) return;
    const device = people.users.find(({ id }) => id === post.sender)?.devices[0];
    if (device === undefined || device.unanswered >= unansweredMax) return;
    people.change(device, post, newText(post.text));
  }

  /** Only with everything answered: what a client has not sent yet ends with it. */
  #putAway(): void {
    const device = this.#device();
    if (device?.client === undefined || device.unanswered > 0 || device.client.outboxSize > 0) return;
    const { people, random } = this.#options;
    people.disconnect(device);
    const returning = new Promise<void>((resolve) => setTimeout(resolve, random.next() * awayMsMax)).then(
      () => void people.connect(device).catch((error: unknown) => this.#notConnected(device, error)),
    );
    this.#returning.add(returning);
    void returning.finally(() => this.#returning.delete(returning));
  }

  /** Put away again before it was connected: nothing is wrong. */
  #notConnected(device: Device, error: unknown): void {
    if (error instanceof ClientError && error.code === 'STOPPED') return;
    this.#options.people.ledger.flaws.push(`${device.user} cannot connect: ${String(error)}`);
  }

  #user(): User {
    const { people, random } = this.#options;
    return people.users[Math.floor(random.next() * people.users.length)]!;
  }

  #device(): Device | undefined {
    const { devices } = this.#user();
    return devices[Math.floor(this.#options.random.next() * devices.length)];
  }

  #happens(chance: number): boolean {
    return this.#options.random.next() < chance;
  }
}
