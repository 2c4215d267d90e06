import { expect, it } from 'vitest';
import { Pace } from './pace.ts';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

it('lets so many through in each turn, the others in order in the next ones', async () => {
  const pace = new Pace(2);
  const through: number[] = [];
  for (let number = 1; number <= 7; number++) {
    const wait = pace.next();
    if (wait === undefined) through.push(number);
    else void wait.then(() => through.push(number));
  }
  const turns = [through.length];
  while (through.length < 7) {
    await nextTurn();
    turns.push(through.length);
  }
  expect(through).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(turns).toEqual([2, 4, 6, 7]);
});

it('begins anew in a turn that nobody waited for', async () => {
  const pace = new Pace(1);
  expect(pace.next()).toBeUndefined();
  await nextTurn();
  expect(pace.next()).toBeUndefined();
  expect(pace.next()).toBeDefined();
});
