// What went wrong in a call to NATS, by code and never by text.
import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/nats-core';

/** Codes of the server's JetStream API. Source: server/errors.json of nats-server. */
export const natsApiCodes = {
  noSuitablePeers: 10005,
  temporarilyUnavailable: 10008,
  clusterNotAvailable: 10009,
  messageNotFound: 10037,
  streamNameInUse: 10058,
  streamNotFound: 10059,
  /** The expected last sequence is not the last one: somebody wrote in between. */
  wrongLastSequence: 10071,
  /** Another write to the subject is in flight (replicated streams): nobody knows yet, wait and try again. */
  writeInFlight: 10164,
} as const;

/** The connection is down, or was lost before the answer came. */
export class NatsDisconnected extends Error {
  override readonly name = 'NatsDisconnected';
}

/** The server's own code for a refused call; undefined when the server did not answer. */
export function natsApiCode(error: unknown): number | undefined {
  return error instanceof JetStreamApiError ? error.code : undefined;
}

export function isNoResponders(error: unknown): boolean {
  if (error instanceof errors.NoRespondersError) return true;
  if (error instanceof errors.RequestError) return error.isNoResponders();
  return error instanceof Error && error.cause !== undefined && isNoResponders(error.cause);
}

/** Whether the same call may succeed a little later: no answer, no leader, a cluster that is still forming. */
export function isPassing(error: unknown): boolean {
  if (error instanceof errors.TimeoutError || error instanceof NatsDisconnected || isNoResponders(error))
    return true;
  const code = natsApiCode(error);
  if (code !== undefined) return passingCodes.has(code);
  return error instanceof Error && error.cause !== undefined && isPassing(error.cause);
}

const passingCodes = new Set<number>([
  natsApiCodes.noSuitablePeers,
  natsApiCodes.temporarilyUnavailable,
  natsApiCodes.clusterNotAvailable,
]);

/** What was thrown, as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
