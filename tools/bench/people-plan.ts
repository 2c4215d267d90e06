// Who connects, who is in which conversation, who sends: first for the whole run, then divided over load processes.
import { directConversation, groupConversation } from '@parley/protocol';
import type { GroupPlan } from './bulk-orders.ts';
import type { LoadPlan, Pacing, PlannedConnection, PlannedStream } from './load/plan.ts';
import type { SocketAddress } from './load/load-socket.ts';
import type { Encoding } from './load/web-socket-frame.ts';

export interface PeoplePlan {
  /** Everybody who has to exist. */
  readonly users: readonly string[];
  readonly groups: readonly GroupPlan[];
  readonly conversations: readonly string[];
  /** Who is online. */
  readonly online: readonly { readonly user: string; readonly conversations: readonly number[] }[];
  /** `online`: index of the sender there. The place in the list is the stream's number. */
  readonly streams: readonly { readonly online: number; readonly conversation: number }[];
}

export const userName = (number: number): string => `u${String(number).padStart(7, '0')}`;

/** One of each pair sends, both are online. `from`: number of the first user. */
export function pairs(count: number, from = 0): PeoplePlan {
  const users = Array.from({ length: 2 * count }, (_, index) => userName(from + index));
  const conversations = Array.from({ length: count }, (_, pair) =>
    directConversation(users[2 * pair]!, users[2 * pair + 1]!),
  );
  return {
    users,
    groups: [],
    conversations,
    online: users.map((user, index) => ({ user, conversations: [index >> 1] })),
    streams: conversations.map((_, pair) => ({ online: 2 * pair, conversation: pair })),
  };
}

export interface GroupsShape {
  readonly groups: number;
  readonly members: number;
  readonly online: number;
  /** Among those online. */
  readonly senders: number;
  readonly largeFrom?: number;
}

export function groups(shape: GroupsShape): PeoplePlan {
  const users: string[] = [];
  const plans: GroupPlan[] = [];
  const online: PeoplePlan['online'][number][] = [];
  const streams: PeoplePlan['streams'][number][] = [];
  for (let group = 0; group < shape.groups; group += 1) {
    const members = Array.from({ length: shape.members }, (_, index) =>
      userName(group * shape.members + index),
    );
    for (let sender = 0; sender < shape.senders; sender += 1)
      streams.push({ online: online.length + sender, conversation: group });
    for (const user of members.slice(0, shape.online)) online.push({ user, conversations: [group] });
    users.push(...members);
    plans.push({
      id: `bench-${group}`,
      members,
      ...(shape.largeFrom === undefined ? {} : { largeFrom: shape.largeFrom }),
    });
  }
  return {
    users,
    groups: plans,
    conversations: plans.map(({ id }) => groupConversation(id)),
    online,
    streams,
  };
}

export interface DivideOptions {
  readonly loaders: number;
  readonly gateways: readonly SocketAddress[];
  readonly tenant: string;
  readonly tokenKeyPem: string;
  readonly pacing: Pacing;
  readonly encoding?: Encoding;
  readonly textBytes?: number;
  readonly opensAtOnce?: number;
  /** By user; who is not named begins with what is new. */
  readonly fromPositions?: ReadonlyMap<string, number>;
}

const textBytesDefault = 200;
const opensAtOnceDefault = 64;

/** One plan for each load process. Neighbours in `online` stay apart: people who talk are not on one gateway. */
export function divide(people: PeoplePlan, options: DivideOptions): LoadPlan[] {
  const { loaders, gateways, pacing, fromPositions } = options;
  const plans = Array.from({ length: loaders }, () => ({
    connections: [] as PlannedConnection[],
    streams: [] as PlannedStream[],
  }));
  const places = people.online.map(({ user, conversations }, index) => {
    const loader = index % loaders;
    const fromPosition = fromPositions?.get(user);
    const { connections } = plans[loader]!;
    connections.push({
      user,
      gateway: Math.floor(index / loaders) % gateways.length,
      conversations,
      ...(fromPosition === undefined ? {} : { fromPosition }),
    });
    return { loader, connection: connections.length - 1 };
  });
  const allStreams = people.streams.map(({ conversation }, stream) => ({ stream, conversation }));
  people.streams.forEach(({ online, conversation }, stream) => {
    const { loader, connection } = places[online]!;
    plans[loader]!.streams.push({ stream, connection, conversation });
  });
  return plans.map(({ connections, streams }) => ({
    encoding: options.encoding ?? 'protobuf',
    gateways,
    tenant: options.tenant,
    tokenKeyPem: options.tokenKeyPem,
    conversations: people.conversations,
    connections,
    streams,
    allStreams,
    pacing: pacing.kind === 'open' ? shareOf(pacing, streams.length / allStreams.length, loaders) : pacing,
    textBytes: options.textBytes ?? textBytesDefault,
    opensAtOnce: options.opensAtOnce ?? opensAtOnceDefault,
  }));
}

/** Independent arrivals may be split: the sum of Poisson processes is one. */
const shareOf = (pacing: Extract<Pacing, { kind: 'open' }>, share: number, loaders: number): Pacing => ({
  ...pacing,
  perSecond: pacing.perSecond * share,
  seed: pacing.seed * loaders + Math.floor(share * 1_000),
});
