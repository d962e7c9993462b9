/** The text of a custom tool's call while its arguments, JSON around that text, still come. */

import { customInput, customText } from '../content/custom-tool.ts';

const opening = new RegExp(`^\\s*\\{\\s*"${customInput}"\\s*:\\s*"`);

const isHighSurrogate = (sequence: string): boolean => /^\\u[dD][89abAB]/.test(sequence);

/** Up to where the characters are whole: not in the middle of an escape, or between two that make one character. */
const wholeUpTo = (json: string, begin: number): { readonly at: number; readonly isEnd: boolean } => {
  let at = begin;
  while (at < json.length) {
    const character = json[at];
    if (character === '"') return { at, isEnd: true };
    if (character !== '\\') {
      at += 1;
      continue;
    }
    const length = json[at + 1] === 'u' ? 6 : 2;
    if (at + length > json.length) break;
    if (length === 6 && isHighSurrogate(json.slice(at, at + 6))) {
      const next = json.slice(at + 6, at + 12);
      if (next.length < 6 && '\\u'.startsWith(next.slice(0, 2))) break;
    }
    at += length;
  }
  return { at, isEnd: false };
};

export class CustomInput {
  #arguments = '';
  /** Where the text goes on in the arguments; undefined: it has not begun. */
  #at: number | undefined;
  /** Whether nothing more can be said before the end: the text is over, or not where it should be. */
  #isSettled = false;
  #said = '';

  /** What of the text has become known. */
  push(piece: string): string {
    this.#arguments += piece;
    if (this.#isSettled) return '';
    this.#at ??= opening.exec(this.#arguments)?.[0].length;
    if (this.#at === undefined) return '';
    const { at, isEnd } = wholeUpTo(this.#arguments, this.#at);
    const escaped = this.#arguments.slice(this.#at, at);
    this.#at = at;
    this.#isSettled = isEnd;
    if (escaped === '') return '';
    try {
      const said = JSON.parse(`"${escaped}"`) as string;
      this.#said += said;
      return said;
    } catch {
      // No JSON string: what there is of it is passed on as it is, at the end.
      this.#isSettled = true;
      return '';
    }
  }

  /** The whole text, and what of it has not been said yet. */
  end(): { readonly text: string; readonly rest: string } {
    const text = customText(this.#arguments);
    return text.startsWith(this.#said)
      ? { text, rest: text.slice(this.#said.length) }
      : { text: this.#said, rest: '' };
  }
}
