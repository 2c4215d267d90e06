// Gives commands to entities and brings their replies back: admission, batching, the request table. The hot path of
// frames uses `command`; the HTTP API uses `send`, which wraps the same in a promise.
import { type ErrorName, errorBody, wire } from '@parley/protocol';
import type { Messenger } from '@parley/runtime';
import type { EntityAddress } from '@parley/std';
import type { CommandSender, ServerFrame } from '../http/command-sender.ts';
import type { PendingRequests, Reply } from './pending-requests.ts';
import type { ShardLine, ShardLines } from './shard-line.ts';

export interface ShardCommandLimits {
  readonly commandTimeoutMs: number;
  readonly commandsPerShardMax: number;
}

export interface ShardCommandParts {
  readonly lines: ShardLines;
  readonly messenger: Pick<Messenger, 'isConnected'>;
  readonly pending: PendingRequests;
  readonly limits: ShardCommandLimits;
}

type Refusal = 'BUSY' | 'UNAVAILABLE';

export class ShardCommands implements CommandSender {
  readonly #parts: ShardCommandParts;

  constructor(parts: ShardCommandParts) {
    this.#parts = parts;
  }

  /** Where the commands for an entity go. */
  lineOf(address: EntityAddress): ShardLine {
    return this.#parts.lines.of(address);
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
  ): Refusal | undefined {
    const line = this.lineOf(address);
    const requestId = this.open(line, onReply, timeoutMs);
    if (typeof requestId === 'string') return requestId;
    line.add('command', requestId, address, payload);
    return undefined;
  }

  /** The first half of `command`: admits it and returns the request id its record has to carry. */
  open(line: ShardLine, onReply: (reply: Reply) => void, timeoutMs?: number): number | Refusal {
    const { pending, limits, messenger } = this.#parts;
    if (!messenger.isConnected) return 'UNAVAILABLE';
    if (line.pendingCount >= limits.commandsPerShardMax) return 'BUSY';
    return pending.open(line, timeoutMs ?? limits.commandTimeoutMs, onReply);
  }

  /** A command whose outcome the client does not want to know. */
  commandWithoutReply(address: EntityAddress, payload: Uint8Array): void {
    this.lineOf(address).add('command', 0, address, payload);
  }

  /** Attaches are never refused for admission: without them no push arrives. */
  attach(
    line: ShardLine,
    address: EntityAddress,
    subscriber: Uint8Array,
    onReply: (reply: Reply) => void,
  ): void {
    const requestId = this.#parts.pending.open(line, this.#parts.limits.commandTimeoutMs, onReply);
    line.add('attach', requestId, address, subscriber);
  }

  detach(line: ShardLine, address: EntityAddress, subscriber: Uint8Array): void {
    line.add('detach', 0, address, subscriber);
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
