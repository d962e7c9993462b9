import { describe, expect, it } from 'vitest';
import type { ThinkingBlock } from '../src/chat.ts';
import { createThinkingMemory } from '../src/memory.ts';

const block = (thinking: string): ThinkingBlock => ({ type: 'thinking', thinking, signature: 's' });
const me = { caller: 'me', model: 'm' };

/** With a clock of its own. */
const setUp = (options: { maxSize?: number; maxAge?: number } = {}) => {
  let time = 0;
  const memory = createThinkingMemory({ maxSize: 10_000, maxAge: 1000, ...options, now: () => time });
  return { memory, wait: (ms: number) => (time += ms) };
};

describe('the memory of thinking', () => {
  it('gives every call of an answer all its blocks', () => {
    const { memory } = setUp();
    const blocks = [block('a'), { type: 'redacted_thinking', data: 'd' } as const];
    memory.remember(me, ['1', '2'], blocks);
    expect([memory.recall(me, '1'), memory.recall(me, '2')]).toEqual([blocks, blocks]);
    expect(memory.recall(me, '3')).toBeUndefined();
  });

  it.each([
    { caller: 'other', model: 'm' },
    { caller: 'me', model: 'other' },
    // Not by joining names either.
    { caller: 'me\nm', model: '1' },
  ])('is nobody else’s and no other model’s: %o', (scope) => {
    const { memory } = setUp();
    memory.remember(me, ['1'], [block('a')]);
    expect(memory.recall(scope, '1')).toBeUndefined();
  });

  it('nothing to remember takes no room', () => {
    const { memory } = setUp();
    memory.remember(me, ['1'], []);
    memory.remember(me, [], [block('a')]);
    expect(memory.size()).toBe(0);
  });

  it('forgets what nobody asked for in time, and keeps what somebody did', () => {
    const { memory, wait } = setUp();
    memory.remember(me, ['kept', 'lost'], [block('a')]);
    wait(900);
    expect(memory.recall(me, 'kept')).toBeDefined();
    wait(100);
    expect(memory.recall(me, 'lost')).toBeUndefined();
    expect(memory.recall(me, 'kept')).toBeDefined();
  });

  it('stays within its size, the least recently used going first', () => {
    const { memory } = setUp({ maxSize: 3000 });
    memory.remember(me, ['1'], [block('x'.repeat(1000))]);
    memory.remember(me, ['2'], [block('x'.repeat(1000))]);
    memory.recall(me, '1');
    memory.remember(me, ['3'], [block('x'.repeat(1000))]);
    expect(memory.recall(me, '2')).toBeUndefined();
    expect(memory.recall(me, '1')).toBeDefined();
    expect(memory.size()).toBeLessThanOrEqual(3000);
  });

  it('a block larger than everything leaves it empty, not overfull', () => {
    const { memory } = setUp({ maxSize: 500 });
    memory.remember(me, ['1'], [block('x'.repeat(1000))]);
    expect(memory.size()).toBe(0);
  });

  it('remembering again replaces, and the count comes back to nothing', () => {
    const { memory, wait } = setUp();
    for (let round = 0; round < 50; round++) memory.remember(me, ['1'], [block('x'.repeat(100))]);
    expect(memory.size()).toBeLessThan(500);
    wait(1000);
    expect(memory.recall(me, '1')).toBeUndefined();
    expect(memory.size()).toBe(0);
  });
});
