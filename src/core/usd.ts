/** A decimal fraction, never in powers of ten: `0.00000875`. */
export const formatUsd = (amount: number): string =>
  // From a millionth on JavaScript writes no powers of ten by itself.
  amount >= 1e-6 ? String(amount) : amount.toFixed(12).replace(/\.?0+$/, '');
