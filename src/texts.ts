/**
 * The long texts of a request's messages, carried from the caller's body into the upstream's as the bytes they
 * came in. They are nearly all of a large request, and nothing here looks into them: to decode, parse, write and
 * encode them costs four times as much as to find where they begin and end (docs/performance.md).
 *
 * Where such a text stood, the request holds a stand-in: a short string like any other, which may be moved,
 * dropped, joined and written as JSON. White space at the ends of a text stays outside, so that trimming, and
 * asking whether a text is blank, give what they always gave. Who has to know the words asks `read`.
 */

import { randomUUID } from 'node:crypto';

export interface Texts {
  /** The text itself, where it is a stand-in or holds some. */
  read(text: string): string;
  /** At most so many characters, at least a sixth of it: what is carried counts by its bytes. */
  sizeOf(text: string): number;
  /** A JSON text as bytes, with the texts back in their places. */
  write(json: string): Buffer;
}

/** Of a request without long texts. */
export const noTexts: Texts = {
  read: (text) => text,
  sizeOf: (text) => text.length,
  write: (json) => Buffer.from(json),
};

/** Stand-ins are counted from here, so that all their numbers have as many digits. */
const firstNumber = 1_000_000;
const digits = String(firstNumber).length;

/** A stand-in in a text: where its own text lies in the body, in bytes, and what follows it. */
interface Found {
  readonly begin: number;
  readonly end: number;
  readonly after: string;
}

/** Texts that are parts of a body: JSON strings without their quotes, in valid UTF-8. */
export class CarriedTexts implements Texts {
  #body: Buffer;
  #bounds: number[] = [];
  /** Begins every stand-in of this request. Nobody can guess its 60 random bits, so no caller can write one. */
  readonly #mark = randomUUID().slice(-16);

  constructor(body: Buffer) {
    this.#body = body;
  }

  /** Takes what stands in the body from `begin` to `end`, in bytes. Returns its stand-in. */
  add(begin: number, end: number): string {
    return this.#mark + String(firstNumber + this.#bounds.push(begin, end) / 2 - 1);
  }

  get isEmpty(): boolean {
    return this.#bounds.length === 0;
  }

  /** Once all are taken: lets go of a body that is mostly something else, an image say, which the answer would outlive. */
  settle(): void {
    const bounds = this.#bounds;
    const parts: Buffer[] = [];
    for (let at = 0; at < bounds.length; at += 2) parts.push(this.#body.subarray(bounds[at], bounds[at + 1]));
    const size = parts.reduce((sum, { length }) => sum + length, 0);
    if (size > this.#body.length / 2) return;
    this.#body = Buffer.concat(parts);
    let end = 0;
    this.#bounds = parts.flatMap(({ length }) => {
      const begin = end;
      end += length;
      return [begin, end];
    });
  }

  #split(text: string): { readonly before: string; readonly found: readonly Found[] } {
    const [before = '', ...rest] = text.split(this.#mark);
    const found = rest.map((each): Found => {
      const at = 2 * (Number(each.slice(0, digits)) - firstNumber);
      return { begin: this.#bounds[at] ?? 0, end: this.#bounds[at + 1] ?? 0, after: each.slice(digits) };
    });
    return { before, found };
  }

  read(text: string): string {
    const { before, found } = this.#split(text);
    const parse = ({ begin, end }: Found) =>
      JSON.parse(`"${this.#body.toString('utf8', begin, end)}"`) as string;
    return found.reduce((read, each) => read + parse(each) + each.after, before);
  }

  sizeOf(text: string): number {
    const { before, found } = this.#split(text);
    return found.reduce((sum, { begin, end, after }) => sum + end - begin + after.length, before.length);
  }

  write(json: string): Buffer {
    const { before, found } = this.#split(json);
    let size = Buffer.byteLength(json) - found.length * (this.#mark.length + digits);
    for (const { begin, end } of found) size += end - begin;
    const whole = Buffer.allocUnsafe(size);
    let at = whole.write(before);
    for (const { begin, end, after } of found) {
      at += this.#body.copy(whole, at, begin, end);
      at += whole.write(after, at);
    }
    return whole;
  }
}
