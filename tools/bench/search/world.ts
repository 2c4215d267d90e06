// Who talks where in the made history: people, groups of very different sizes, and pairs. All of it follows from a seed
// and a rank, so that nothing has to be kept but how far each conversation has come.
import { type Random, seededRandom } from '@parley/std';

export interface WorldShape {
  readonly messages: number;
  readonly users: number;
  readonly groups: number;
  readonly directs: number;
}

/** From two million messages on: 100,000 people in 5,000 groups and 200,000 direct conversations; fewer for less. */
export function shapeOf(messages: number): WorldShape {
  const users = Math.min(100_000, Math.max(200, Math.round(messages / 20)));
  return { messages, users, groups: Math.max(20, users / 20), directs: users * 2 };
}

/** These are in many groups each. */
export const busyUsers = 10;
const busyGroupsMax = 300;
/** Of all messages; the rest is in directs. */
const groupShare = 0.7;
const largestGroup = 5_000;
const smallestGroup = 5;
/** In any group only so many talk. */
const talkersMax = 20;

export const userName = (user: number): string => `u${user}`;

export class World {
  readonly shape: WorldShape;
  /** Sequences so far, groups first. */
  readonly heads: Uint32Array;
  readonly #random: Random;
  /** Share of group messages in the groups up to and with this one. */
  readonly #groupWeights: Float64Array;

  constructor(shape: WorldShape, seed = 1) {
    this.shape = shape;
    this.heads = new Uint32Array(shape.groups + shape.directs);
    this.#random = seededRandom(seed);
    this.#groupWeights = new Float64Array(shape.groups);
    let sum = 0;
    for (let rank = 0; rank < shape.groups; rank += 1)
      this.#groupWeights[rank] = sum += 1 / (rank + 1) ** 0.6;
    for (let rank = 0; rank < shape.groups; rank += 1) this.#groupWeights[rank]! /= sum;
  }

  conversationName(conversation: number): string {
    const { groups } = this.shape;
    if (conversation < groups) return `g.r${conversation}`;
    const [first, second] = this.pairOf(conversation).map(userName).toSorted();
    return `d.${first}.${second}`;
  }

  pairOf(conversation: number): readonly [number, number] {
    const direct = conversation - this.shape.groups;
    const { users } = this.shape;
    const first = direct % users;
    // Different partners in each round through the users, never oneself.
    return [first, (first + 1 + Math.floor(direct / users) * 17) % users];
  }

  /** A walk through the users with a step that visits all of them, and the busy ones. */
  membersOf(group: number): number[] {
    const { users, groups } = this.shape;
    const size = Math.min(
      Math.floor(users / 2),
      Math.max(smallestGroup, Math.floor(largestGroup / (group + 1) ** 0.6)),
    );
    const step = stepsThroughAll[group % stepsThroughAll.length]!;
    const members = new Set(
      Array.from({ length: size }, (_, index) => (group * 7_919 + (index + 1) * step) % users),
    );
    for (let user = 0; user < busyUsers; user += 1) {
      const isIn = (group * 31 + user) % Math.max(1, Math.floor(groups / busyGroupsMax)) === 0;
      if (isIn) members.add(user);
    }
    return [...members];
  }

  /** The next message: where, by whom. */
  next(): { readonly conversation: number; readonly sequence: number; readonly sender: number } {
    const random = this.#random;
    const { groups, directs } = this.shape;
    const isInGroup = random.next() < groupShare;
    const conversation = isInGroup
      ? firstAbove(this.#groupWeights, random.next())
      : groups + Math.floor(random.next() ** 2 * directs);
    const sequence = (this.heads[conversation]! += 1);
    return {
      conversation,
      sequence,
      sender: isInGroup ? this.#talker(conversation) : this.#partner(conversation),
    };
  }

  #talker(group: number): number {
    const step = stepsThroughAll[group % stepsThroughAll.length]!;
    const index = Math.floor(this.#random.next() ** 2 * Math.min(talkersMax, smallestGroup));
    return (group * 7_919 + (index + 1) * step) % this.shape.users;
  }

  #partner(direct: number): number {
    return this.pairOf(direct)[this.#random.next() < 0.5 ? 0 : 1];
  }
}

/** Primes; none divides a round number of users. */
const stepsThroughAll = [7, 11, 13, 17, 101, 1_009, 10_007, 49_999, 33_331] as const;

function firstAbove(sums: Float64Array, value: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
