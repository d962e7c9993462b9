/**
 * Authenticated encryption of what leaves the server and comes back: no one outside can read it, and what was altered, or
 * put where it does not belong, does not open.
 */

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const algorithm = 'aes-256-gcm';
const sizes = { key: 32, nonce: 12, tag: 16 } as const;
/** Begins what is sealed: another one would be another format. */
const version = 'p1.';

const toKey = (secret: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, 'parley', 'sealed state, version 1', sizes.key));

export class Sealer {
  readonly #keys: readonly [Buffer, ...Buffer[]];

  /** Seals with the first secret and opens with any, so that secrets can be changed one after the other. */
  constructor([first, ...others]: readonly [string, ...string[]]) {
    this.#keys = [toKey(first), ...others.map(toKey)];
  }

  /** `place`: what it has to be opened with again. Returns ASCII. */
  seal(text: string, place: string): string {
    const nonce = randomBytes(sizes.nonce);
    const cipher = createCipheriv(algorithm, this.#keys[0], nonce, { authTagLength: sizes.tag });
    cipher.setAAD(Buffer.from(place));
    const hidden = [cipher.update(text, 'utf8'), cipher.final()];
    return version + Buffer.concat([nonce, ...hidden, cipher.getAuthTag()]).toString('base64url');
  }

  /** Undefined for what was not sealed here for this place. Never throws. */
  open(sealed: string, place: string): string | undefined {
    if (!sealed.startsWith(version)) return undefined;
    const bytes = Buffer.from(sealed.slice(version.length), 'base64url');
    if (bytes.length < sizes.nonce + sizes.tag) return undefined;
    for (const key of this.#keys) {
      const opened = this.#openWith(key, bytes, place);
      if (opened !== undefined) return opened;
    }
    return undefined;
  }

  #openWith(key: Buffer, bytes: Buffer, place: string): string | undefined {
    const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, sizes.nonce), {
      authTagLength: sizes.tag,
    });
    decipher.setAAD(Buffer.from(place));
    decipher.setAuthTag(bytes.subarray(-sizes.tag));
    try {
      const text = decipher.update(bytes.subarray(sizes.nonce, -sizes.tag));
      return Buffer.concat([text, decipher.final()]).toString('utf8');
    } catch {
      return undefined;
    }
  }
}
