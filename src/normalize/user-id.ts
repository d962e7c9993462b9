/** The end user's identifier: opaque upstream, never an e-mail address or a phone number. */

import { createHash } from 'node:crypto';

const email = /^[^\s@]{1,64}@[^\s@]{1,255}$/;
/** Digits with the usual separators and at least seven of them; a bare counter or id is shorter or longer. */
const phone = /^\+?[0-9()\-. /]{7,20}$/;
const enoughDigits = (value: string) => value.replace(/\D/g, '').length >= 7;

/** Anthropic takes 256 characters at most. */
const longest = 256;

export const isPersonal = (user: string): boolean =>
  email.test(user.trim()) || (phone.test(user.trim()) && enoughDigits(user));

/** The identifier to send: as it is, or its SHA-256 where it names a person or is too long. */
export const opaqueUser = (user: string): string =>
  isPersonal(user) || user.length > longest ? createHash('sha256').update(user).digest('hex') : user;
