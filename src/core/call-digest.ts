import { createHash } from 'node:crypto';

/** Of what a call says, wherever in a conversation it stands. */
export const callDigest = (name: string, written: string): string =>
  createHash('sha256').update(`${name}\n${written}`).digest('hex').slice(0, 12);
