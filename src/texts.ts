/**
 * The long texts of a request's messages, carried from the caller's body into the upstream's as the bytes they
 * came in. They are nearly all of a large request, and nothing here looks into them: to decode, parse, write and
 * encode them costs ten times as much as to find where they begin and end (docs/performance.md).
 *
 * Where such a text stood, the request holds a stand-in: a short string like any other, which may be moved,
 * dropped, joined and written as JSON. White space at the ends of a text stays outside, so that trimming, and
 * asking whether a text is blank, give what they always gave. Who has to know the words asks `read`.
 */

import { randomUUID } from 'node:crypto';

export interface Texts {
  /** The text itself, where it is a stand-in or holds some. */
  read(text: string): string;
  /** Characters, about: what is carried counts by its bytes. */
  lengthOf(text: string): number;
  /** A JSON text as bytes, with the texts back in their places. */
  write(json: string): Buffer;
}

/** Of a request without long texts. */
export const noTexts: Texts = {
  read: (text) => text,
  lengthOf: (text) => text.length,
  write: (json) => Buffer.from(json),
};

/** Digits of a stand-in's number. */
const digits = 8;

/** Texts that are parts of a body: JSON strings without their quotes, in valid UTF-8. */
export class CarriedTexts implements Texts {
  readonly #body: Buffer;
  readonly #bounds: number[] = [];
  /** Begins every stand-in of this request. Nobody can guess it, so no caller can write one. */
  readonly #mark = randomUUID();

  constructor(body: Buffer) {
    this.#body = body;
  }

  /** Takes what stands in the body from `begin` to `end`, in bytes. Returns its stand-in. */
  add(begin: number, end: number): string {
    const number = this.#bounds.push(begin, end) / 2 - 1;
    return this.#mark + String(number).padStart(digits, '0');
  }

  get isEmpty(): boolean {
    return this.#bounds.length === 0;
  }

  /** What stands between the stand-ins, and what they stand for, in turn. */
  #take<Piece>(text: string, plain: (text: string) => Piece, carried: (bytes: Buffer) => Piece): Piece[] {
    const [before = '', ...rest] = text.split(this.#mark);
    const pieces = [plain(before)];
    for (const each of rest) {
      const at = 2 * Number(each.slice(0, digits));
      pieces.push(
        carried(this.#body.subarray(this.#bounds[at], this.#bounds[at + 1])),
        plain(each.slice(digits)),
      );
    }
    return pieces;
  }

  read(text: string): string {
    const parse = (bytes: Buffer) => JSON.parse(`"${bytes.toString('utf8')}"`) as string;
    return this.#take(text, (plain) => plain, parse).join('');
  }

  lengthOf(text: string): number {
    const length = (piece: string | Buffer) => piece.length;
    return this.#take(text, length, length).reduce((sum, each) => sum + each, 0);
  }

  write(json: string): Buffer {
    const toBytes = (plain: string) => Buffer.from(plain);
    return Buffer.concat(this.#take(json, toBytes, (bytes) => bytes));
  }
}
