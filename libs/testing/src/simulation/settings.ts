// What a seed decides before a run begins: sizes of the cluster, limits (often absurdly small), how bad the weather is.
import { type ConversationLimits, type UserLimits, conversationLimits, userLimits } from '@parley/domain';
import { type RuntimeLimits, defaultLimits } from '@parley/runtime';
import type { Random } from '@parley/std';

export interface SimulationSettings {
  readonly seed: number;
  readonly replicas: 1 | 3;
  readonly shards: { readonly user: number; readonly group: number };
  /** Processes per kind at the start; faults add and remove some. */
  readonly nodes: { readonly user: number; readonly group: number };
  readonly gateways: number;
  readonly users: number;
  /** Length of the storm, simulated milliseconds. */
  readonly stormMs: number;
  /** Time between two things a device does, on average. */
  readonly thinkMs: number;
  /** Time between two faults, on average. */
  readonly faultEveryMs: number;
  /** Share of single calls that are lost on the way there, or back. */
  readonly lossShare: number;
  /** Queues, batches and caches are so small that they are full all the time. */
  readonly isTight: boolean;
  readonly limits: RuntimeLimits;
  readonly userLimits: UserLimits;
  readonly conversationLimits: ConversationLimits;
}

export function settingsOf(seed: number, replicas: 1 | 3, random: Random): SimulationSettings {
  const pick = <T>(...choices: readonly T[]): T => choices[Math.floor(random.next() * choices.length)] as T;
  const isTight = random.next() < 0.4;
  return {
    seed,
    replicas,
    shards: { user: pick(2, 3, 4), group: pick(1, 2) },
    nodes: { user: pick(2, 3), group: pick(1, 2) },
    gateways: pick(1, 2, 2),
    users: pick(5, 6, 8),
    stormMs: pick(40_000, 60_000, 90_000),
    thinkMs: pick(400, 800, 1_500),
    faultEveryMs: pick(1_500, 3_000, 6_000),
    lossShare: pick(0, 0.005, 0.02),
    isTight,
    limits: {
      ...defaultLimits,
      checkpointEveryMs: pick(500, 1_000, 3_000, 8_000),
      entityIdleMs: pick(1_000, 5_000, 300_000),
      nudgeAfterMs: pick(1_000, 5_000),
      inputCheckMs: pick(2_000, 30_000),
      ...(isTight && {
        commitBytesMax: pick(256, 2_048),
        commitEventsMax: pick(4, 64),
        outboundBytesMax: pick(2_048, 16_384),
        intakeMessagesMax: pick(1, 4),
        laneBatchBytesMax: pick(64, 1_024),
        laneQueueMax: pick(4, 32),
        entitiesMax: pick(4, 16),
        loadsMax: pick(1, 3),
        checkpointBytesMax: pick(512, 4_096),
        checkpointJournalBytes: pick(1_024, 65_536),
      }),
    },
    userLimits: { ...userLimits, inboxCountMax: pick(40, 2_000, 2_000), inboxPageMax: pick(7, 500) },
    conversationLimits: { ...conversationLimits, tailCountMax: pick(8, 256), changesMax: pick(4, 1_024) },
  };
}
