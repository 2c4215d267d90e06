// The conversation a connection sends to: everything about it that does not change from one message to the next, so that
// the next one costs a comparison of ids.
import { type ConversationAddress, peerOf } from '@parley/protocol';
import { ByteWriter } from '@parley/std';
import { encodeAddress } from '@parley/runtime';
import type { Identity } from '../auth/token-verifier.ts';
import type { ShardLine } from './shard-line.ts';

export interface Talk {
  readonly id: string;
  /** The id as binary frames have it. */
  readonly idBytes: Uint8Array;
  readonly line: ShardLine;
  /** As a record has it. */
  readonly address: Uint8Array;
  /** The sender as the first field of `PostMessage`. */
  readonly sender: Uint8Array;
}

const senderTag = 0x0a;

export const talkOf = (
  sender: Identity,
  { id, address, line }: { id: string; address: ConversationAddress; line: ShardLine },
): Talk => ({
  id,
  idBytes: Buffer.from(id),
  line,
  // Copies, because what a writer hands out is part of a large chunk, which would live as long as the connection.
  address: new Uint8Array(encodeAddress(address.type, sender.tenant, address.id)),
  sender: new Uint8Array(new ByteWriter().u8(senderTag).text(sender.user).finish()),
});

/** The other one of a direct that `user` is in; undefined: no direct, or one of others. */
export function peerIn(address: ConversationAddress, user: string): string | undefined {
  if (address.type !== 'direct' || (address.first !== user && address.second !== user)) return undefined;
  return peerOf(address, user);
}

export function isOf(talk: Talk, frame: Uint8Array, start: number, end: number): boolean {
  const { idBytes } = talk;
  if (idBytes.length !== end - start) return false;
  for (let i = 0; i < idBytes.length; i++) if (idBytes[i] !== frame[start + i]) return false;
  return true;
}
