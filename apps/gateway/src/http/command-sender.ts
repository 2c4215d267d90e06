// How the HTTP API gives a command to an entity: the same way the sockets do. The dispatcher of the socket half
// implements it, because it owns request ids and receives the replies.
import type { ErrorName, parley } from '@parley/protocol';
import { errorNameOf } from '@parley/protocol';
import type { EntityAddress } from '@parley/std';

export type ServerFrame = parley.v1.ServerFrame;

export interface CommandSender {
  /**
   * Resolves with the entity's reply, after the commit. A refusal, a timeout and a shard that is away are error frames
   * too (`body: 'error'`), never rejections. `payload`: an encoded internal.UserCommand, DirectCommand or GroupCommand.
   */
  send(address: EntityAddress, payload: Uint8Array, timeoutMs?: number): Promise<ServerFrame>;
}

/** The code of an error reply; undefined for every other reply. A code this gateway does not know is INTERNAL. */
export function errorNameIn(reply: ServerFrame): ErrorName | undefined {
  if (reply.body !== 'error') return undefined;
  return errorNameOf(reply.error?.code ?? '');
}
