/** Figures of usage, as upstreams give them: running totals, of which any may be missing. Behaviour 7.9. */

/** The later figure where it is one: a missing one leaves the earlier standing, and so does what counts nothing. */
export const latest = <Before>(figure: number | null | undefined, before: Before): number | Before =>
  typeof figure === 'number' && figure >= 0 ? figure : before;
