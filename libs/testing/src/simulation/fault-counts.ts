// Counts of what was done to the cluster, by kind.

export class FaultCounts {
  readonly counts = new Map<string, number>();

  count(kind: string, times = 1): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + times);
  }
}
