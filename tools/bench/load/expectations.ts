// What must arrive where: each receiver with each stream of its conversations; a sender is a receiver of its own messages too.
import type { LoadConnection } from './connection.ts';
import { type LostExample, lostExamplesMax } from './lost-example.ts';
import type { LoadPlan } from './plan.ts';
import { type Flaws, type StreamTotal, addFlaws, compare } from './stream-ledger.ts';

interface Expected {
  readonly connection: LoadConnection;
  readonly conversation: string;
  readonly total: StreamTotal;
}

export class Expectations {
  readonly #all: readonly Expected[];
  #open: readonly Expected[];

  /** `connections`: those of the plan, in its order. */
  constructor(
    {
      allStreams,
      connections: planned,
      conversations: ids,
    }: Pick<LoadPlan, 'allStreams' | 'connections' | 'conversations'>,
    connections: readonly LoadConnection[],
    totals: readonly StreamTotal[],
  ) {
    const totalOf = new Map(totals.map((total) => [total.stream, total]));
    const totalsOf = new Map<number, StreamTotal[]>();
    for (const { stream, conversation } of allStreams) {
      const total = totalOf.get(stream);
      if (total === undefined) continue;
      const others = totalsOf.get(conversation);
      if (others === undefined) totalsOf.set(conversation, [total]);
      else others.push(total);
    }
    this.#all = planned.flatMap(({ conversations }, index) =>
      conversations.flatMap((conversation) =>
        (totalsOf.get(conversation) ?? []).map((total) => ({
          connection: connections[index]!,
          conversation: ids[conversation]!,
          total,
        })),
      ),
    );
    this.#open = this.#all;
  }

  /** Looks only at what was missing at the look before. */
  areMet(): boolean {
    this.#open = this.#open.filter(
      ({ connection, total }) =>
        !(connection.tracks.get(total.stream)?.isComplete(total) ?? total.acked === 0),
    );
    return this.#open.length === 0;
  }

  /** Some of what is missing since the last look. */
  lostExamples(): LostExample[] {
    return this.#open.slice(0, lostExamplesMax).map(({ connection, conversation, total }) => ({
      what: 'delivery',
      user: connection.user,
      conversation,
      stream: total.stream,
      number: connection.tracks.get(total.stream)?.firstMissing ?? 0,
      acked: total.acked,
      sequence: connection.sequenceIn(conversation),
      position: connection.position,
      isOpen: connection.isOpen,
    }));
  }

  /** Everything that is not as it was told to the sender, added to `flaws`. */
  addedTo(flaws: Flaws): Flaws {
    return this.#all.reduce(
      (sum, { connection, total }) => addFlaws(sum, compare(total, connection.tracks.get(total.stream))),
      flaws,
    );
  }
}
