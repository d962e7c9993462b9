import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createEventLoopBatch } from '../../src/core/event-loop-batch.ts';

it('what comes in one turn of the event loop is handled together, in its order and once', async () => {
  const handled: (readonly number[])[] = [];
  const turn = createEventLoopBatch<number>((values) => handled.push(values));
  turn.add(1);
  turn.add(2);
  await Promise.resolve();
  turn.add(3);
  expect(handled).toEqual([]);
  await nextTurn();
  expect(handled).toEqual([[1, 2, 3]]);
  turn.add(4);
  await nextTurn();
  expect(handled).toEqual([[1, 2, 3], [4]]);
});

it('what a handler adds waits for the next turn', async () => {
  const handled: (readonly number[])[] = [];
  const turn = createEventLoopBatch<number>((values) => {
    handled.push(values);
    if (values[0] === 1) turn.add(2);
  });
  turn.add(1);
  await nextTurn();
  expect(handled).toEqual([[1]]);
  await nextTurn();
  expect(handled).toEqual([[1], [2]]);
});

it('flushed early, nothing is handled twice', async () => {
  const handled: (readonly number[])[] = [];
  const turn = createEventLoopBatch<number>((values) => handled.push(values));
  turn.add(1);
  turn.flush();
  expect(handled).toEqual([[1]]);
  await nextTurn();
  expect(handled.flat()).toEqual([1]);
});
