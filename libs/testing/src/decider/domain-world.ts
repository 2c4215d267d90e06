// Users, direct conversations and groups in one process, without runtime: commands are decided at once, effects travel
// on one queue per source and target entity and arrive when the test says so, in any interleaving lanes allow. Keeps all
// facts and pushes, so that properties can compare what happened with what everybody saw.
import {
  type GroupEvent,
  type LogMessage,
  type LivePush,
  directDecider,
  directLogMessage,
  groupDecider,
  groupLogMessage,
  userDecider,
} from '@parley/domain';
import type { DirectState, GroupState, UserState } from '@parley/domain';
import type { Decider, Decision, EntityAddress, TellEffect } from '@parley/std';

// oxlint-disable-next-line typescript/no-explicit-any
type AnyDecider = Decider<any, any, any, any>;

const deciders: Readonly<Record<string, AnyDecider>> = {
  user: userDecider,
  direct: directDecider,
  group: groupDecider,
};

interface Entity {
  readonly address: EntityAddress;
  state: unknown;
  readonly events: unknown[];
  readonly pushes: { readonly position: number; readonly payload: unknown }[];
  readonly published: LivePush[];
}

interface Tell {
  readonly type: string;
  readonly id: string;
  readonly command: unknown;
}

export class DomainWorld {
  readonly #entities = new Map<string, Entity>();
  readonly #lanes = new Map<string, Tell[]>();
  nowMs = 1;

  user(id: string): UserState {
    return this.entity('user', id).state as UserState;
  }

  direct(id: string): DirectState {
    return this.entity('direct', id).state as DirectState;
  }

  group(id: string): GroupState {
    return this.entity('group', id).state as GroupState;
  }

  /** Everything in the log of a group or direct conversation, whatever its owner has forgotten. */
  logOf(type: 'direct' | 'group', id: string): readonly LogMessage[] {
    const { events } = this.entity(type, id);
    if (type === 'group')
      return events.flatMap((event) => groupLogMessage(event as GroupEvent, `g.${id}`) ?? []);
    return events.flatMap((event) => directLogMessage(event as never, `d.${id}`) ?? []);
  }

  entities(): readonly Entity[] {
    return [...this.#entities.values()];
  }

  entity(type: string, id: string): Entity {
    const key = `${type}/${id}`;
    let entity = this.#entities.get(key);
    if (entity === undefined) {
      const address = { type, tenant: 'acme', id };
      const state: unknown = deciderOf(type).initialState(address);
      entity = { address, state, events: [], pushes: [], published: [] };
      this.#entities.set(key, entity);
    }
    return entity;
  }

  command(type: string, id: string, command: unknown): Decision<unknown, unknown> {
    const decider = deciderOf(type);
    const entity = this.entity(type, id);
    const decision = decider.decide(entity.state, command, { nowMs: this.nowMs }) as Decision<
      unknown,
      unknown
    >;
    if (!decision.accepted) return decision;
    for (const event of decision.events) {
      entity.state = decider.evolve(entity.state, event);
      entity.events.push(event);
      for (const effect of decider.effectsOf(event, entity.state)) {
        if (effect.kind === 'tell') this.#send(entity.address, effect);
        else if (effect.kind === 'push') entity.pushes.push(effect);
        else entity.published.push(effect.payload as LivePush);
      }
    }
    return decision;
  }

  /** One waiting effect arrives: the first of the lane `choice` picks. False when none waits. */
  deliverOne(choice: number): boolean {
    const waiting = [...this.#lanes.entries()].filter(([, lane]) => lane.length > 0);
    const picked = waiting[choice % Math.max(1, waiting.length)];
    const tell = picked?.[1].shift();
    if (tell === undefined) return false;
    this.command(tell.type, tell.id, tell.command);
    return true;
  }

  /** All waiting effects arrive, and what they cause too. */
  settle(): void {
    while (this.deliverOne(0));
  }

  #send(source: EntityAddress, effect: TellEffect): void {
    for (const id of effect.ids) {
      const key = `${source.type}/${source.id}>${effect.type}/${id}`;
      const lane = this.#lanes.get(key) ?? [];
      lane.push({ type: effect.type, id, command: effect.command });
      this.#lanes.set(key, lane);
    }
  }
}

export function deciderOf(type: string): AnyDecider {
  const decider = deciders[type];
  if (decider === undefined) throw new Error(`no decider for ${type}`);
  return decider;
}
