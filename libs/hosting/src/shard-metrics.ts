// The runtime's observations as metrics of the process.
import type { Metrics } from '@parley/platform';
import type { ShardNode, ShardObserver } from '@parley/runtime';

export function createShardObserver(kind: string, { shard }: Metrics): ShardObserver {
  const labels = { kind };
  const commits = shard.commits.labels(labels);
  const commitEvents = shard.commitEvents.labels(labels);
  const commitBytes = shard.commitBytes.labels(labels);
  const commitSeconds = shard.commitSeconds.labels(labels);
  const refused = shard.commands.labels({ kind, outcome: 'refused' });
  const takeovers = shard.takeovers.labels({ kind, cause: 'assigned' });
  return {
    committed(_shard, { events, bytes, durationMs }) {
      commits.inc();
      commitEvents.observe(events);
      commitBytes.inc(bytes);
      commitSeconds.observe(durationMs / 1_000);
    },
    refused: () => refused.inc(),
    tookOver: () => takeovers.inc(),
  };
}

/** Sets what is a state rather than an event. Called by the clock. */
export function sampleShards(kind: string, node: ShardNode, { shard }: Metrics): void {
  const { serving } = node;
  shard.owned.labels({ kind }).set(serving.length);
  shard.entities.labels({ kind }).set(serving.reduce((sum, one) => sum + one.entities.size, 0));
  shard.laneBacklog.labels({ kind }).set(serving.reduce((sum, one) => sum + one.lanes.queued, 0));
}
