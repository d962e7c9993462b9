/**
 * What many connections need done in one turn of the event loop, done for all of them together: one by one each
 * finds the processor's caches cold, and wakes whoever waits for it on its own (docs/performance.md).
 */

export interface Turn<Value> {
  /** To be handled when all that could be read has been read. */
  add(value: Value): void;
  /** Handles at once what was added. */
  settle(): void;
}

export const createTurn = <Value>(handle: (values: readonly Value[]) => void): Turn<Value> => {
  let values: Value[] = [];
  const settle = (): void => {
    const all = values;
    values = [];
    handle(all);
  };
  return {
    add: (value) => {
      if (values.push(value) === 1) setImmediate(settle);
    },
    settle,
  };
};
