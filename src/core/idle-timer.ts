/** Silences on a stream, where signs of life come with every piece: to note the time costs less than to move a timer. */

export interface Silence {
  /** Something was heard. */
  sign(): void;
  stop(): void;
}

/** Calls back after each `ms` without a sign, from now on until it is stopped. */
export const watchSilence = (ms: number, onSilence: () => void): Silence => {
  let lastSign = performance.now();
  const sign = (): void => {
    lastSign = performance.now();
  };
  const check = (): void => {
    const left = lastSign + ms - performance.now();
    timer = setTimeout(check, left > 0 ? left : ms);
    if (left > 0) return;
    sign();
    onSilence();
  };
  let timer = setTimeout(check, ms);
  return { sign, stop: () => clearTimeout(timer) };
};
