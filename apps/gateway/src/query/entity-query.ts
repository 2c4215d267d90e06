// Asks the owner of an entity's shard over core NATS. A shard that is moving has nobody listening for a moment: asked
// again, with growing pauses, until the time limit. Queries change nothing, so repeating one is always safe.
import type { ErrorName, ShardKind, parley } from '@parley/protocol';
import { decodeQueryAnswer, errorNameOf, internal, subjects } from '@parley/protocol';
import { type Messenger, type Placement, askOwner } from '@parley/runtime';
import type { Clock, EntityAddress, Random, Result } from '@parley/std';
import { err, ok } from '@parley/std';

export type QueryBody = Omit<parley.internal.v1.Query.$Properties, 'type' | 'tenant' | 'id' | '$unknowns'>;
export type QueryAnswer = parley.internal.v1.QueryAnswer;

export interface EntityQuery {
  /**
   * Errors: whatever the entity refused with; UNAVAILABLE when nobody owns the shard within the limit; TIMEOUT when
   * the owner did not answer.
   */
  ask(address: EntityAddress, query: QueryBody): Promise<Result<QueryAnswer, ErrorName>>;
}

export interface QueryLimits {
  /** One question with all its repetitions, milliseconds. Then UNAVAILABLE or TIMEOUT. */
  readonly queryTimeoutMs: number;
  /** One attempt, milliseconds. */
  readonly attemptTimeoutMs: number;
  /** First pause after an attempt that nobody heard; doubles each time, with jitter. */
  readonly pauseMinMs: number;
  readonly pauseMaxMs: number;
}

export const queryLimits: QueryLimits = {
  queryTimeoutMs: 4_000,
  attemptTimeoutMs: 1_500,
  pauseMinMs: 25,
  pauseMaxMs: 400,
};

export interface EntityQueryParts {
  readonly messenger: Messenger;
  readonly placement: Placement;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits?: QueryLimits;
}

export class MessengerEntityQuery implements EntityQuery {
  readonly #parts: EntityQueryParts;
  readonly #limits: QueryLimits;

  constructor(parts: EntityQueryParts) {
    this.#parts = parts;
    this.#limits = parts.limits ?? queryLimits;
  }

  async ask(address: EntityAddress, query: QueryBody): Promise<Result<QueryAnswer, ErrorName>> {
    const { messenger, placement, clock } = this.#parts;
    const shard = placement.shardOf(address);
    const subject = subjects.query(shard.kind as ShardKind, shard.index);
    const request = internal.Query.encode({ ...address, ...query }).finish();
    const deadlineMs = clock.monotonicMs() + this.#limits.queryTimeoutMs;
    let failure: ErrorName = 'UNAVAILABLE';
    for (let attempt = 0; ; attempt++) {
      const leftMs = deadlineMs - clock.monotonicMs();
      if (leftMs <= 0) return err(failure);
      const result = await askOwner(
        messenger,
        subject,
        request,
        Math.min(leftMs, this.#limits.attemptTimeoutMs),
      );
      if (result.outcome === 'answered') return answerOf(result.bytes);
      failure = result.outcome === 'timeout' ? 'TIMEOUT' : 'UNAVAILABLE';
      if (result.outcome !== 'timeout') await this.#pause(attempt, deadlineMs - clock.monotonicMs());
    }
  }

  #pause(attempt: number, leftMs: number): Promise<void> {
    const { clock, random } = this.#parts;
    const ceilingMs = Math.min(this.#limits.pauseMaxMs, this.#limits.pauseMinMs * 2 ** attempt);
    const pauseMs = Math.max(1, Math.min(leftMs, ceilingMs * (0.5 + random.next() / 2)));
    return new Promise((resolve) => clock.after(pauseMs, resolve));
  }
}

function answerOf(bytes: Uint8Array): Result<QueryAnswer, ErrorName> {
  // The bytes are the messenger's; decoded bytes fields are views, but answers hold strings and numbers only.
  const answer = decodeQueryAnswer(bytes);
  if (answer.body !== 'error') return ok(answer);
  return err(errorNameOf(answer.error?.code ?? ''));
}
