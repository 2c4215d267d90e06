// Gives commands to entities and brings their replies back: admission, batching, the request table. The hot path of
// frames uses `command`; the HTTP API uses `send`, which wraps the same in a promise.
import { type ErrorName, errorBody, wire } from '@parley/protocol';
import type { IntakeRecord, Messenger, Placement, ShardId } from '@parley/runtime';
import type { EntityAddress } from '@parley/std';
import type { CommandSender, ServerFrame } from '../http/command-sender.ts';
import type { CommandBatcher } from './command-batcher.ts';
import type { PendingRequests, Reply } from './pending-requests.ts';

export interface ShardCommandLimits {
  readonly commandTimeoutMs: number;
  readonly commandsPerShardMax: number;
}

export interface ShardCommandParts {
  readonly placement: Placement;
  readonly messenger: Pick<Messenger, 'isConnected'>;
  readonly batcher: CommandBatcher;
  readonly pending: PendingRequests;
  readonly limits: ShardCommandLimits;
}

export class ShardCommands implements CommandSender {
  readonly #parts: ShardCommandParts;

  constructor(parts: ShardCommandParts) {
    this.#parts = parts;
  }

  /**
   * Why the command could not be handed over, and nothing was sent: BUSY when too much waits for the shard already,
   * UNAVAILABLE while the cluster is out of reach. undefined: it is on its way, `onReply` follows.
   */
  command(
    address: EntityAddress,
    payload: Uint8Array,
    onReply: (reply: Reply) => void,
    timeoutMs?: number,
  ): 'BUSY' | 'UNAVAILABLE' | undefined {
    const { placement, pending, limits, messenger } = this.#parts;
    if (!messenger.isConnected) return 'UNAVAILABLE';
    const shard = placement.shardOf(address);
    if (pending.countOf(shard) >= limits.commandsPerShardMax) return 'BUSY';
    const requestId = pending.open(shard, timeoutMs ?? limits.commandTimeoutMs, onReply);
    this.#add(shard, { kind: 'command', requestId, ...address, payload });
    return undefined;
  }

  /** A command whose outcome the client does not want to know. */
  commandWithoutReply(address: EntityAddress, payload: Uint8Array): void {
    this.#add(this.#parts.placement.shardOf(address), { kind: 'command', requestId: 0, ...address, payload });
  }

  /** Attaches are never refused for admission: without them no push arrives. */
  attach(
    shard: ShardId,
    address: EntityAddress,
    subscriber: Uint8Array,
    onReply: (reply: Reply) => void,
  ): void {
    const requestId = this.#parts.pending.open(shard, this.#parts.limits.commandTimeoutMs, onReply);
    this.#add(shard, { kind: 'attach', requestId, ...address, payload: subscriber });
  }

  detach(shard: ShardId, address: EntityAddress, subscriber: Uint8Array): void {
    this.#add(shard, { kind: 'detach', requestId: 0, ...address, payload: subscriber });
  }

  send(address: EntityAddress, payload: Uint8Array, timeoutMs?: number): Promise<ServerFrame> {
    return new Promise((resolve) => {
      const onReply = (reply: Reply): void => {
        resolve(reply.outcome === 'answered' ? decodeBody(reply.body) : errorFrame('TIMEOUT'));
      };
      const refusal = this.command(address, payload, onReply, timeoutMs);
      if (refusal !== undefined) resolve(errorFrame(refusal));
    });
  }

  #add(shard: ShardId, record: IntakeRecord): void {
    this.#parts.batcher.add(shard, record);
  }
}

const errorFrame = (code: ErrorName): ServerFrame => new wire.ServerFrame({ error: errorBody(code) });

/** A reply that cannot be read is a bug of the sender; the asker gets INTERNAL. */
function decodeBody(body: Uint8Array): ServerFrame {
  try {
    return wire.ServerFrame.decode(body);
  } catch {
    return errorFrame('INTERNAL');
  }
}
