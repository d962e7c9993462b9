/** The keys of JSON that streams in, cut anywhere, under the names that the client declared. */

import type { Renaming } from './adapter.ts';

const quote = '"'.charCodeAt(0);
const backslash = '\\'.charCodeAt(0);
const openBrace = '{'.charCodeAt(0);
const closeBrace = '}'.charCodeAt(0);
const openBracket = '['.charCodeAt(0);
const closeBracket = ']'.charCodeAt(0);
const comma = ','.charCodeAt(0);
const colon = ':'.charCodeAt(0);

/** Characters: a replaced key has 64 at most, each six where a model escapes it. A longer one is none and not held. */
const longestKey = 6 * 64 + 2;

const restore = (written: string, keys: Renaming): string => {
  try {
    const key: unknown = JSON.parse(written);
    const restored = typeof key === 'string' ? keys.restore(key) : key;
    return restored === key ? written : JSON.stringify(restored);
  } catch {
    // No JSON, whatever follows: passed on as the model wrote it.
    return written;
  }
};

/**
 * Passes JSON on as it comes, but for its keys: they are held until they are whole. One per text. What is no JSON
 * passes as well, only with nothing restored in it.
 */
export class KeyRestorer {
  readonly #keys: Renaming;
  /** The objects (true) and lists that are open, outermost first. */
  readonly #open: boolean[] = [];
  #state: 'between' | 'key' | 'string' = 'between';
  #isKeyNext = false;
  #isEscaped = false;
  /** What earlier pieces had of the key under way. */
  #held = '';

  constructor(keys: Renaming) {
    this.#keys = keys;
  }

  /** What of the text so far can be passed on. */
  push(piece: string): string {
    let passed = '';
    let from = 0;
    for (let at = 0; at < piece.length; at += 1) {
      const character = piece.charCodeAt(at);
      if (this.#state === 'between') {
        if (character === quote && this.#isKeyNext) {
          passed += piece.slice(from, at);
          from = at;
        }
        this.#readBetween(character);
      } else if (this.#endsString(character)) {
        if (this.#state === 'key') {
          passed += restore(this.#held + piece.slice(from, at + 1), this.#keys);
          this.#held = '';
          from = at + 1;
        }
        this.#state = 'between';
      }
    }
    if (this.#state !== 'key') return passed + piece.slice(from);
    this.#held += piece.slice(from);
    return this.#held.length > longestKey ? passed + this.#giveUpKey() : passed;
  }

  /** What is still held of a key that was cut off. */
  end(): string {
    return this.#state === 'key' ? this.#giveUpKey() : '';
  }

  #giveUpKey(): string {
    const held = this.#held;
    this.#held = '';
    this.#state = 'string';
    return held;
  }

  #endsString(character: number): boolean {
    if (this.#isEscaped) {
      this.#isEscaped = false;
      return false;
    }
    this.#isEscaped = character === backslash;
    return character === quote;
  }

  #readBetween(character: number): void {
    switch (character) {
      case quote:
        this.#state = this.#isKeyNext ? 'key' : 'string';
        return;
      case openBrace:
      case openBracket:
        this.#open.push(character === openBrace);
        this.#isKeyNext = character === openBrace;
        return;
      case closeBrace:
      case closeBracket:
        this.#open.pop();
        this.#isKeyNext = false;
        return;
      case comma:
        this.#isKeyNext = this.#open.at(-1) === true;
        return;
      case colon:
        this.#isKeyNext = false;
        return;
      default:
    }
  }
}
