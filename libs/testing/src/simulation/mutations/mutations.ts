// Deliberate bugs, to show that the simulator bites. Each replaces exact pieces of the source when it is loaded (see
// mutate.ts); the product has no switch for them. A piece that is not there any more is an error, not a pass.

export interface Replacement {
  /** Path inside the project. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface Mutation {
  readonly name: string;
  /** What is wrong with it. */
  readonly bug: string;
  /** Found within this many seeds, or the simulator is too weak. */
  readonly seedsMax: number;
  readonly replacements: readonly Replacement[];
}

const shard = 'libs/runtime/src/shard/shard.ts';
const intake = 'libs/runtime/src/shard/intake.ts';
const takeOver = 'libs/runtime/src/shard/take-over.ts';
const lanes = 'libs/runtime/src/lane/lanes.ts';
const lease = 'libs/runtime/src/ownership/lease.ts';
const checkpointer = 'libs/runtime/src/checkpoint/checkpointer.ts';

const noGapCheck: Replacement = {
  file: intake,
  from: 'if (batch.firstNumber > seen + 1) {',
  to: 'if (batch.firstNumber < 0) {',
};

export const mutations: readonly Mutation[] = [
  {
    name: 'pipelined-commits',
    bug: 'a commit is appended while the one before is in flight',
    seedsMax: 3,
    replacements: [
      {
        file: shard,
        from: 'if (this.#isCommitting || this.#isInMessage || this.isStopped) return;',
        to: 'if (this.#isInMessage || this.isStopped) return;',
      },
    ],
  },
  {
    name: 'no-epoch-record',
    bug: 'a new owner reads the journal without fencing off the old one first',
    seedsMax: 3,
    replacements: [
      {
        file: takeOver,
        from: 'const own = await appendEpochRecord(',
        to: 'const own = ((..._) => options.journal.last(options.shard).then((last) => last?.sequence ?? 0))(',
      },
    ],
  },
  {
    name: 'reply-before-commit',
    bug: 'answers and pushes leave before the journal has the commit',
    seedsMax: 3,
    replacements: [
      {
        file: shard,
        from: 'const result = await commit(this.#committerOptions(), record);',
        to: 'this.#release.send(batch); const result = await commit(this.#committerOptions(), record);',
      },
    ],
  },
  {
    name: 'lane-without-numbers',
    bug: 'the target takes every lane batch as it comes',
    seedsMax: 10,
    replacements: [
      noGapCheck,
      { file: intake, from: 'if (number <= (lanesSeen.get(batch.source) ?? 0)) continue;', to: '' },
    ],
  },
  {
    name: 'trim-past-history',
    bug: 'journals are trimmed as soon as snapshots allow it',
    seedsMax: 10,
    replacements: [
      {
        file: checkpointer,
        from: 'const safe = Math.min(covered, inHistory);',
        to: 'const safe = covered;',
      },
    ],
  },
  {
    name: 'lease-without-ttl',
    bug: 'a renewed lease has no time to live and never ends',
    seedsMax: 20,
    replacements: [
      {
        file: lease,
        from: 'let result = await members.write(this.key, value, this.#revision, options);',
        to: 'let result = await members.write(this.key, value, this.#revision, this.#revision === 0 ? options : {});',
      },
    ],
  },
  {
    name: 'snapshot-unfenced',
    bug: 'a deposed owner replaces the newer snapshot of its successor',
    seedsMax: 200,
    replacements: [
      {
        file: checkpointer,
        from: 'if (found !== undefined && found.epoch > this.#shard.epoch)',
        to: 'if (found !== undefined && found.epoch < 0)',
      },
    ],
  },
  {
    name: 'high-water-only',
    bug: 'lanes go on behind a lost batch and repeat it later; the target knows only the highest number',
    seedsMax: 10,
    replacements: [
      noGapCheck,
      {
        file: lanes,
        from: '(cause: unknown) => this.#failed(lane, cause),',
        to: `() => {
          const again = () => void this.#options.commandLog.publish(parseShardName(lane.target), bytes).catch(() => undefined);
          this.#options.clock.after(lane.retryMs, again);
          this.#acknowledged(lane, batch);
        },`,
      },
    ],
  },
  {
    name: 'recalled-counts',
    bug: 'a message that was recalled before it was read still counts as unread',
    seedsMax: 10,
    replacements: [
      {
        file: 'libs/domain/src/user/user-evolve.ts',
        from: 'discount(state, conversation, [event.target, event.sequence]);',
        to: 'discount(state, conversation, [event.sequence]);',
      },
    ],
  },
  {
    name: 'recalled-mentions',
    bug: 'a message that was recalled before it was read still counts as an unread mention',
    seedsMax: 10,
    replacements: [
      {
        file: 'libs/domain/src/user/user-evolve.ts',
        from: 'else if (event.target !== undefined) unmention(',
        to: 'else if (event.target !== undefined && event.isRecall !== true) unmention(',
      },
    ],
  },
];
