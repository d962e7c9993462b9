/**
 * Loaded into each server before its own code: its day begins at `?day=` (ms), so that no model retires under the
 * comparison, and chance has one value, so that waits between tries are short and the same. The clock goes on.
 */

const day = Number(new URL(import.meta.url).searchParams.get('day'));
const RealDate = Date;
const startedAt = RealDate.now();
const now = () => day + RealDate.now() - startedAt;

globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(now());
    else super(...given);
  }

  static now() {
    return now();
  }
};

Math.random = () => 0.01;
