// One process's connection to a MemoryCluster, with a handle for every port. `disconnect` is a crash (the process is
// never heard again) or, with `reconnect`, a lost network.
import type { Clock } from '@parley/std';
import type { MemoryCluster } from './memory-cluster.ts';
import { MemoryCommandLog } from './memory-command-log.ts';
import type { MemoryFate, MemoryOperation } from './memory-faults.ts';
import { MemoryJournal } from './memory-journal.ts';
import { MemoryKeyValueStore } from './memory-key-value-store.ts';
import { MemoryLink } from './memory-link.ts';
import { MemoryMessenger } from './memory-messenger.ts';
import { MemorySnapshotStore } from './memory-snapshot-store.ts';
import { MemoryTrimGuard } from './memory-trim-guard.ts';

/** The node was cut off before the answer came: the call may or may not have had its effect. */
export class MemoryDisconnected extends Error {
  override readonly name = 'MemoryDisconnected';
}

/** No answer within the cluster's callTimeoutMs: the call may or may not have had its effect. */
export class MemoryTimeout extends Error {
  override readonly name = 'MemoryTimeout';
}

export class MemoryNode {
  readonly cluster: MemoryCluster;
  readonly name: string;
  /** The process's own clock: its timeouts go by it. */
  readonly clock: Clock;
  readonly journal: MemoryJournal;
  readonly commandLog: MemoryCommandLog;
  readonly keyValues: MemoryKeyValueStore;
  readonly messenger: MemoryMessenger;
  readonly trimGuard: MemoryTrimGuard;

  readonly #toServer: MemoryLink;
  readonly #fromServer: MemoryLink;
  readonly #pending = new Set<(cause: Error) => void>();
  readonly #reconnectListeners = new Set<() => void>();
  #isConnected = true;

  constructor(cluster: MemoryCluster, name: string, clock: Clock = cluster.clock) {
    this.cluster = cluster;
    this.name = name;
    this.clock = clock;
    this.#toServer = new MemoryLink(cluster.clock);
    this.#fromServer = new MemoryLink(cluster.clock);
    this.journal = new MemoryJournal(this);
    this.commandLog = new MemoryCommandLog(this);
    this.keyValues = new MemoryKeyValueStore(this);
    this.messenger = new MemoryMessenger(this);
    this.trimGuard = new MemoryTrimGuard(this);
  }

  /** Snapshots of one bucket (see `buckets.snapshots`). */
  snapshots(bucket: string): MemorySnapshotStore {
    return new MemorySnapshotStore(this, bucket);
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /**
   * Calls in flight reject (an append answers 'unknown'), nothing is delivered, requests to this node find nobody.
   * What was sent is lost too, unless `sentArrives`: sockets of a dead process are still emptied.
   */
  disconnect(options: { readonly sentArrives?: boolean } = {}): void {
    if (!this.#isConnected) return;
    this.#isConnected = false;
    if (!options.sentArrives) this.#toServer.cut();
    this.#toServer.release();
    this.#fromServer.cut();
    this.#fromServer.release();
    const cause = new MemoryDisconnected(`${this.name} is cut off`);
    for (const reject of [...this.#pending]) reject(cause);
  }

  /** Subscriptions, readers and watches go on; what was published meanwhile on the messenger is lost. */
  reconnect(): void {
    if (this.#isConnected) return;
    this.#isConnected = true;
    for (const listener of [...this.#reconnectListeners]) listener();
  }

  /** Stalls one direction, or both, without anybody being told: what is sent arrives after `release`, in order. */
  hold(direction: 'to-server' | 'from-server' | 'both'): void {
    if (direction !== 'from-server') this.#toServer.hold();
    if (direction !== 'to-server') this.#fromServer.hold();
  }

  release(): void {
    this.#toServer.release();
    this.#fromServer.release();
  }

  /** @internal Calls back after each reconnect; the answer stops it. */
  onReconnect(listener: () => void): () => void {
    this.#reconnectListeners.add(listener);
    return () => this.#reconnectListeners.delete(listener);
  }

  /**
   * @internal A request to the server and its answer. `effect` runs at the server, `receive` when the answer arrives,
   * in order with everything else that arrives at this node.
   */
  call<T, R = T>(
    operation: MemoryOperation,
    target: string,
    effect: (fate: MemoryFate) => T,
    receive: (value: T) => R = (value) => value as unknown as R,
  ): Promise<R> {
    const { faults, callTimeoutMs } = this.cluster;
    const call = { node: this.name, operation, target };
    return new Promise<R>((resolve, reject) => {
      if (!this.#isConnected) {
        reject(new MemoryDisconnected(`${this.name} is cut off`));
        return;
      }
      const fate = faults.fate?.(call) ?? 'ok';
      const timeout = this.clock.after(callTimeoutMs, () =>
        fail(new MemoryTimeout(`${operation} ${target}: no answer within ${callTimeoutMs} ms`)),
      );
      const end = () => {
        timeout.cancel();
        this.#pending.delete(fail);
      };
      const fail = (cause: Error) => {
        end();
        reject(cause);
      };
      this.#pending.add(fail);
      if (fate === 'request-lost') return;
      this.#toServer.send(faults.delayMs?.(call) ?? 0, () => {
        const value = effect(fate);
        if (fate === 'answer-lost') return;
        this.#fromServer.send(faults.delayMs?.(call) ?? 0, () => {
          if (!this.#pending.has(fail)) return;
          end();
          resolve(receive(value));
        });
      });
    });
  }

  /** @internal A one-way message to the server; lost when cut off. */
  tell(operation: MemoryOperation, target: string, effect: () => void): void {
    if (!this.#isConnected) return;
    const call = { node: this.name, operation, target };
    const fate = this.cluster.faults.fate?.(call) ?? 'ok';
    if (fate === 'request-lost' || fate === 'answer-lost') return;
    this.#toServer.send(this.cluster.faults.delayMs?.(call) ?? 0, effect);
  }

  /** @internal A one-way message from the server; lost when cut off. */
  deliver(operation: MemoryOperation, target: string, receive: () => void): void {
    if (!this.#isConnected) return;
    const call = { node: this.name, operation, target };
    const fate = operation === 'message.deliver' ? (this.cluster.faults.fate?.(call) ?? 'ok') : 'ok';
    if (fate === 'request-lost' || fate === 'answer-lost') return;
    this.#fromServer.send(this.cluster.faults.delayMs?.(call) ?? 0, receive);
  }
}
