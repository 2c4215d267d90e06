// The helper itself: it must bite, or green domain specs would mean nothing.
import { type Decider, accepted, refused } from '@parley/std';
import { describe, expect, it } from 'vitest';
import { decidesAs } from './decides-as.ts';

interface Counter {
  total: number;
}
type Add = { readonly type: 'Add'; readonly amount: number };
type Added = { readonly type: 'Added'; readonly amount: number };

const counter: Decider<Counter, Add, Added, string> = {
  initialState: () => ({ total: 0 }),
  decide: (state, { amount }) => {
    if (amount < 0) return refused('NEGATIVE');
    return accepted(amount === 0 ? [] : [{ type: 'Added', amount }], `was ${state.total}`);
  },
  evolve: (state, event) => {
    state.total += event.amount;
    return state;
  },
  effectsOf: (event, state) => [{ kind: 'push', position: state.total, payload: event.amount }],
};

const two: Added = { type: 'Added', amount: 2 };

describe('decidesAs', () => {
  it('passes what is right', () => {
    const decision = decidesAs(counter).given(two).when({ type: 'Add', amount: 3 });
    decision.thenEvents({ type: 'Added', amount: 3 }).thenReply('was 2');
    decision.thenEffects({ kind: 'push', position: 5, payload: 3 });
    expect(decision.state).toEqual({ total: 5 });
    decidesAs(counter).given().when({ type: 'Add', amount: 0 }).thenNothing();
    decidesAs(counter).given().when({ type: 'Add', amount: -1 }).thenRefused('NEGATIVE');
  });

  it('fails on a wrong, missing or additional event', () => {
    const decision = decidesAs(counter).given().when({ type: 'Add', amount: 3 });
    expect(() => decision.thenEvents(two)).toThrow();
    expect(() => decision.thenNothing()).toThrow();
    expect(() => decision.thenEvents({ type: 'Added', amount: 3 }, two)).toThrow();
  });

  it('fails on a wrong reply and on wrong effects', () => {
    const decision = decidesAs(counter).given().when({ type: 'Add', amount: 3 });
    expect(() => decision.thenReply('was 1')).toThrow();
    expect(() => decision.thenEffects()).toThrow();
    expect(() => decision.thenEffects({ kind: 'push', position: 4, payload: 3 })).toThrow();
  });

  it('fails when acceptance and refusal are mixed up, and on another code', () => {
    const refusal = decidesAs(counter).given().when({ type: 'Add', amount: -1 });
    expect(() => refusal.thenEvents()).toThrow(/NEGATIVE/);
    expect(() => refusal.thenReply('was 0')).toThrow(/NEGATIVE/);
    expect(() => refusal.thenRefused('POSITIVE')).toThrow();
    const acceptance = decidesAs(counter).given().when({ type: 'Add', amount: 1 });
    expect(() => acceptance.thenRefused('NEGATIVE')).toThrow(/accepted/);
  });

  it('fails when decide changes the state', () => {
    const careless: typeof counter = {
      ...counter,
      decide: (state) => {
        state.total = 99;
        return accepted([], 'oops');
      },
    };
    expect(() => decidesAs(careless).given().when({ type: 'Add', amount: 1 })).toThrow(/must not change/);
  });

  it('fails when evolve does not take what decide emits', () => {
    const broken: typeof counter = {
      ...counter,
      evolve: () => {
        throw new Error('no such event');
      },
    };
    expect(() => decidesAs(broken).given().when({ type: 'Add', amount: 1 })).toThrow(/no such event/);
  });
});
