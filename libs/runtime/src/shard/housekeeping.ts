// What a shard does by the clock: say that it is served, nudge subscribers that do not acknowledge, announce heads of live
// topics that fell silent, forget gateways that are gone, let idle entities go.
import type { Timer } from '@parley/std';
import { entityKey } from '../entity/entity-key.ts';
import { encodeOutbound, encodeOwnerBeat } from '../wire/index.ts';
import { Batch } from './batch.ts';
import { Release } from './release.ts';
import type { Shard } from './shard.ts';
import type { ShardOptions } from './shard-options.ts';

/** Gateways are looked for every this many sweeps; one that is missing twice in a row is forgotten. */
const gatewayProbeSweeps = 5;
const probeTimeoutMs = 1_000;

export class Housekeeping {
  readonly #options: ShardOptions;
  readonly #shard: Shard;
  readonly #missingGateways = new Set<string>();
  #timers = new Map<'beat' | 'sweep' | 'input', Timer>();
  #sweeps = 0;

  constructor(options: ShardOptions, shard: Shard) {
    this.#options = options;
    this.#shard = shard;
  }

  start(): void {
    this.#beat();
    this.#later('sweep', this.#options.limits.sweepMs, () => this.#sweep());
    this.#later('input', this.#options.limits.inputCheckMs, () => this.#checkInput());
  }

  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #later(name: 'beat' | 'sweep' | 'input', delayMs: number, task: () => void): void {
    this.#timers.set(name, this.#options.clock.after(delayMs, task));
  }

  #beat(): void {
    const { subjects, shard, ports, nodeId, limits } = this.#options;
    if (this.#options.isLeaseValid()) {
      const beat = encodeOwnerBeat({ shard: this.#shard.name, epoch: this.#shard.epoch, nodeId });
      ports.messenger.publish(subjects.ownerBeat(shard.kind, shard.index), beat);
    }
    this.#later('beat', limits.ownerBeatMs, () => this.#beat());
  }

  #sweep(): void {
    const nowMs = this.#shard.decisions.nowMs();
    this.#nudge(nowMs);
    this.#announce(nowMs);
    this.#shard.entities.passivate(nowMs, this.#shard.ledger.n);
    if (++this.#sweeps % gatewayProbeSweeps === 0) this.#probeGateways();
    this.#later('sweep', this.#options.limits.sweepMs, () => this.#sweep());
  }

  #checkInput(): void {
    this.#shard.checkInput().catch((cause: unknown) => {
      const fields = { shard: this.#shard.name, cause: String(cause) };
      this.#options.log.warn(fields, 'the command log could not be asked for its end');
    });
    this.#shard.checkJournal().catch((cause: unknown) => {
      const fields = { shard: this.#shard.name, cause: String(cause) };
      this.#options.log.warn(fields, 'the journal could not be asked for its end');
    });
    this.#later('input', this.#options.limits.inputCheckMs, () => this.#checkInput());
  }

  #nudge(nowMs: number): void {
    const { nudgeAfterMs, nudgesMax } = this.#options.limits;
    const batch = new Batch();
    for (const { address, entry } of this.#shard.subscribers.overdue(nowMs - nudgeAfterMs, nudgesMax)) {
      const { type, tenant, id } = address;
      const entity = this.#shard.entities.find(type, tenant, id);
      // At the next sweep it is there, or what it says is committed.
      if (entity === undefined) this.#loadForNudge(entityKey(type, tenant, id));
      if (entity === undefined || entity.lastEventN > this.#shard.ledger.n) continue;
      entry.nudges++;
      entry.pushedAtMs = nowMs;
      if (entity.type.nudge === undefined) continue;
      const payload = entity.type.nudge(entity.state, entry.acknowledgedPosition);
      batch.addPush(entry, entity.type, payload, 0);
    }
    if (!batch.isEmpty) new Release(this.#options, this.#shard).send(batch);
  }

  #loadForNudge(key: string): void {
    this.#shard.entities.load(key).catch((cause: unknown) => {
      const fields = { shard: this.#shard.name, cause: String(cause) };
      this.#options.log.warn(fields, 'an entity could not be loaded for a nudge');
    });
  }

  /** Perhaps the only sign of a lost last message, so it is made again until the server has seen it. */
  #announce(nowMs: number): void {
    const { unannounced } = this.#shard.decisions;
    const { messenger } = this.#options.ports;
    if (!messenger.isConnected) return;
    const announced: string[] = [];
    for (const [key, publishedAtMs] of unannounced) {
      if (nowMs - publishedAtMs < this.#options.limits.announceAfterMs) continue;
      const entity = this.#shard.entities.inMemory(key);
      if (entity !== undefined && entity.lastEventN > this.#shard.ledger.n) continue;
      unannounced.delete(key);
      if (entity?.type.announce === undefined || entity.type.topic === undefined) continue;
      const payload = entity.type.codec.encodePayload(entity.type.announce(entity.state));
      messenger.publish(entity.type.topic(entity.address), payload);
      announced.push(key);
    }
    if (announced.length === 0) return;
    messenger.flush().catch(() => {
      for (const key of announced) if (!unannounced.has(key)) unannounced.set(key, nowMs);
    });
  }

  #probeGateways(): void {
    const { messenger } = this.#options.ports;
    const gatewayIds = this.#shard.subscribers.gatewayIds();
    for (const gatewayId of this.#missingGateways)
      if (!gatewayIds.has(gatewayId)) this.#missingGateways.delete(gatewayId);
    const empty = encodeOutbound({ shard: this.#shard.name, epoch: this.#shard.epoch, items: [] });
    for (const gatewayId of gatewayIds) {
      messenger.request(this.#options.subjects.gateway(gatewayId), empty, probeTimeoutMs).then(
        ({ outcome }) => this.#probed(gatewayId, outcome === 'no-responders'),
        () => undefined,
      );
    }
  }

  #probed(gatewayId: string, isMissing: boolean): void {
    if (!isMissing) {
      this.#missingGateways.delete(gatewayId);
    } else if (this.#missingGateways.has(gatewayId)) {
      this.#missingGateways.delete(gatewayId);
      this.#shard.subscribers.dropGateway(gatewayId);
    } else {
      this.#missingGateways.add(gatewayId);
    }
  }
}
