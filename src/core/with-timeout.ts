/** What `work` comes to, or a rejection with `timedOut()` where that takes longer than `ms`. */
export const withTimeout = <Value>(work: Promise<Value>, ms: number, timedOut: () => Error): Promise<Value> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(timedOut()), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
