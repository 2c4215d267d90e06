// What a test or the simulator can do to the twins: lose, delay or refuse single calls. Asked once for every call,
// so a seeded implementation gives a repeatable run.

export type MemoryOperation =
  | 'journal.append'
  | 'journal.last'
  | 'journal.read'
  | 'journal.trim'
  | 'command.offer'
  | 'command.publish'
  | 'command.read'
  | 'command.trim'
  | 'command.end'
  | 'kv.get'
  | 'kv.write'
  | 'kv.delete'
  | 'kv.list'
  | 'kv.watch'
  | 'snapshot.load'
  | 'snapshot.save'
  | 'message.publish'
  | 'message.request'
  | 'message.deliver'
  | 'message.respond'
  | 'message.flush'
  | 'trim-guard.read';

export interface MemoryCall {
  /** Name of the node that calls, or that is delivered to. */
  readonly node: string;
  readonly operation: MemoryOperation;
  /** Subject, or `bucket/key`. */
  readonly target: string;
}

/**
 * 'request-lost': has no effect, the caller sees the operation's timeout.
 * 'answer-lost': has its effect, the caller sees the timeout (a lost PubAck). One-way messages are simply lost.
 * 'busy': an append is refused as another in flight, as replicated logs do. Ignored by other operations.
 */
export type MemoryFate = 'ok' | 'request-lost' | 'answer-lost' | 'busy';

export interface MemoryFaults {
  fate?(call: MemoryCall): MemoryFate;
  /** How long each way takes, asked once for the way there and once for the way back; 0 = one microtask. */
  delayMs?(call: MemoryCall): number;
}
