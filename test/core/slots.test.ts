import { describe, expect, it } from 'vitest';
import { Slots } from '../../src/core/slots.ts';

/** Work that ends when it is told to. */
const setUp = (limit: number, maxWaiting: number) => {
  const slots = new Slots(limit, maxWaiting, 'full');
  const running = new Map<string, () => void>();
  const start = (name: string, signal?: AbortSignal) =>
    slots.run(() => new Promise<string>((resolve) => running.set(name, () => resolve(name))), signal);
  const finish = (name: string) => {
    running.get(name)?.();
    running.delete(name);
  };
  return { slots, start, finish, running: () => [...running.keys()] };
};

describe('slots', () => {
  it('let the first ones run and the others wait, in the order of asking', async () => {
    const { start, finish, running } = setUp(1, 2);
    const [a, b, c] = [start('a'), start('b'), start('c')];
    expect(running()).toEqual(['a']);
    finish('a');
    expect(await a).toBe('a');
    await expect.poll(running).toEqual(['b']);
    finish('b');
    await b;
    await expect.poll(running).toEqual(['c']);
    finish('c');
    expect(await c).toBe('c');
  });

  it('are not taken by one who asks as another’s turn comes', async () => {
    const { start, finish, running } = setUp(1, 2);
    const a = start('a');
    const b = start('b');
    // After the end of the work, before the one that waits could go on.
    const late = a.then(() => start('late'));
    finish('a');
    await expect.poll(running).toEqual(['b']);
    finish('b');
    await b;
    await expect.poll(running).toEqual(['late']);
    finish('late');
    await late;
  });

  it('turn away who would be one too many, with a 503', async () => {
    const { start } = setUp(1, 1);
    void start('a');
    void start('b');
    await expect(start('c')).rejects.toMatchObject({ status: 503, message: 'full' });
  });

  it('let one who waits leave at once, and give its place to another', async () => {
    const { start, finish, running } = setUp(1, 1);
    const controller = new AbortController();
    const a = start('a');
    const b = start('b', controller.signal);
    controller.abort(new Error('left'));
    await expect(b).rejects.toThrow('left');
    const c = start('c');
    finish('a');
    await a;
    await expect.poll(running).toEqual(['c']);
    finish('c');
    expect(await c).toBe('c');
  });

  it('do not begin work of one who has left already', async () => {
    const { start, running } = setUp(1, 1);
    await expect(start('a', AbortSignal.abort(new Error('left')))).rejects.toThrow('left');
    expect(running()).toEqual([]);
  });

  it('are free again after work that failed', async () => {
    const { slots } = setUp(1, 0);
    const fail = async () => {
      throw new Error('failed');
    };
    await expect(slots.run(fail)).rejects.toThrow('failed');
    await expect(slots.run(async () => 'ran')).resolves.toBe('ran');
  });
});
