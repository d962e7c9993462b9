/**
 * What many connections need done in one turn of the event loop, done for all of them together: one by one each
 * finds the processor's caches cold, and wakes each that waits for it on its own (docs/performance.md).
 */

export interface EventLoopBatch<Value> {
  /** To be handled when all that could be read has been read. */
  add(value: Value): void;
  /** Handles at once what was added. */
  flush(): void;
}

export const createEventLoopBatch = <Value>(
  handle: (values: readonly Value[]) => void,
): EventLoopBatch<Value> => {
  let values: Value[] = [];
  const flush = (): void => {
    const all = values;
    values = [];
    handle(all);
  };
  return {
    add: (value) => {
      if (values.push(value) === 1) setImmediate(flush);
    },
    flush,
  };
};
