// given / when / then for deciders: the tests of the rules read as their specification.
//
//   decidesAs(groupDecider).given(created).when({ type: 'LeaveGroup', member: 'ann' }).thenEvents(left)
//
// Beside what the test asks for, every step checks what holds for each decider: `decide` leaves the state alone, and
// `evolve` takes whatever `decide` emits. (The last step is not called `then`: that would make a promise of it.)
import { deepStrictEqual, fail, strictEqual } from 'node:assert/strict';
import type { DecideContext, Decider, Decision, Effect, EntityAddress } from '@parley/std';

export interface DecidesAsOptions<Event> {
  readonly address?: EntityAddress;
  /** Time of the decisions unless `when` names another, milliseconds. */
  readonly nowMs?: number;
  /** The event as it comes back from the journal; set it when events carry more in memory than they journal. */
  readonly asJournaled?: (event: Event) => Event;
}

const defaultAddress: EntityAddress = { type: 'entity', tenant: 'acme', id: 'e1' };

export const decidesAs = <State, Command, Event, Reply>(
  decider: Decider<State, Command, Event, Reply>,
  options: DecidesAsOptions<Event> = {},
) => ({
  /** Facts that have happened before, oldest first. */
  given: (...history: readonly Event[]) => new GivenSpec(decider, options, history),
});

class GivenSpec<State, Command, Event, Reply> {
  readonly #decider: Decider<State, Command, Event, Reply>;
  readonly #options: DecidesAsOptions<Event>;
  readonly #history: readonly Event[];

  constructor(
    decider: Decider<State, Command, Event, Reply>,
    options: DecidesAsOptions<Event>,
    history: readonly Event[],
  ) {
    this.#decider = decider;
    this.#options = options;
    this.#history = history;
  }

  when(command: Command, context: Partial<DecideContext> = {}): DecisionSpec<State, Event, Reply> {
    const state = this.#replay();
    const decision = this.#decider.decide(state, command, { nowMs: this.#options.nowMs ?? 0, ...context });
    deepStrictEqual(state, this.#replay(), 'decide must not change the state');
    return new DecisionSpec(this.#decider, this.#options, state, decision);
  }

  #replay(): State {
    const initial = this.#decider.initialState(this.#options.address ?? defaultAddress);
    return this.#history.reduce((state, event) => this.#decider.evolve(state, event), initial);
  }
}

class DecisionSpec<State, Event, Reply> {
  readonly #decision: Decision<Event, Reply>;
  readonly #journaled: readonly Event[];
  readonly #effects: readonly Effect[];
  /** State after the decision. */
  readonly state: State;

  constructor(
    decider: Pick<Decider<State, never, Event, Reply>, 'evolve' | 'effectsOf'>,
    options: DecidesAsOptions<Event>,
    state: State,
    decision: Decision<Event, Reply>,
  ) {
    const events = decision.accepted ? decision.events : [];
    const effects: Effect[] = [];
    this.#decision = decision;
    this.#journaled = options.asJournaled === undefined ? events : events.map(options.asJournaled);
    this.state = state;
    for (const event of events) {
      this.state = decider.evolve(this.state, event);
      effects.push(...decider.effectsOf(event, this.state));
    }
    this.#effects = effects;
  }

  /** Accepted, with exactly these facts. */
  thenEvents(...expected: readonly Event[]): this {
    this.#assertAccepted();
    deepStrictEqual([...this.#journaled], [...expected]);
    return this;
  }

  /** Accepted, and nothing new happens. */
  thenNothing(): this {
    return this.thenEvents();
  }

  thenRefused(code: string): this {
    if (this.#decision.accepted) fail(`expected a refusal with ${code}, but the command was accepted`);
    strictEqual(this.#decision.code, code);
    return this;
  }

  thenReply(expected: Reply): this {
    deepStrictEqual(this.#assertAccepted(), expected);
    return this;
  }

  /** Exactly these effects, in this order. */
  thenEffects(...expected: readonly Effect[]): this {
    this.#assertAccepted();
    deepStrictEqual([...this.#effects], [...expected]);
    return this;
  }

  #assertAccepted(): Reply {
    const decision = this.#decision;
    return decision.accepted
      ? decision.reply
      : fail(`expected acceptance, but refused with ${decision.code}`);
  }
}
