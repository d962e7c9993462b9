/**
 * Calls back once what has arrived on sockets is read and answered. A timer that is overdue because the process stood
 * still fires before that, and would take the standstill for silence.
 */
export const afterReading = (callback: () => void, rounds = 5): void => {
  setImmediate(() => (rounds === 1 ? callback() : afterReading(callback, rounds - 1)));
};
