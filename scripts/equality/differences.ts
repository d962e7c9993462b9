/** Exchanges of two servers as named texts, and where these differ first. */

import type { Answer } from './client.ts';
import type { ExpectedDifference } from './expected.ts';
import { createMasks, type MaskOptions } from './masks.ts';
import type { SeenRequest } from './recorder.ts';

/** What one request led to at one side. */
export interface Exchange {
  readonly answer: Answer;
  readonly upstream: readonly SeenRequest[];
}

export interface Difference {
  readonly case: string;
  readonly part: string;
  /** Of the masked text. */
  readonly at: number;
  readonly old: string;
  readonly new: string;
  /** Why it was to be expected. */
  readonly expected: string | undefined;
}

type Parts = ReadonlyMap<string, string>;

const pairs = (list: readonly string[]): readonly (readonly [string, string])[] =>
  Array.from({ length: list.length / 2 }, (_, index) => [list[2 * index] ?? '', list[2 * index + 1] ?? '']);

const partsOf = ({ answer, upstream }: Exchange, options: MaskOptions): Parts => {
  const masks = createMasks(options);
  const headers = (list: readonly string[], body: Buffer) =>
    pairs(list)
      .map(([name, value]) => `${name}: ${masks.header(name, value, body)}\n`)
      .join('');
  const parts = new Map<string, string>();
  for (const [index, { to, line, headers: given, body }] of upstream.entries()) {
    parts.set(`upstream ${index + 1} line`, `${to} ${line}`);
    parts.set(`upstream ${index + 1} headers`, headers(given, body));
    parts.set(`upstream ${index + 1} body`, masks.body(body));
  }
  parts.set('reply status', `${answer.status} ${answer.reason}`);
  parts.set('reply headers', headers(answer.headers, answer.body));
  parts.set('reply body', masks.body(answer.body));
  parts.set('reply end', answer.ended);
  return parts;
};

const firstDifference = (one: string, other: string): number => {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at += 1) if (one[at] !== other[at]) return at;
  return length;
};

/** Bytes shown before the place and from it on. */
const shown = { before: 50, after: 90 };

const excerpt = (text: string | undefined, at: number): string => {
  if (text === undefined) return 'nothing';
  const bytes = text.slice(Math.max(0, at - shown.before), at + shown.after);
  return JSON.stringify(Buffer.from(bytes, 'latin1').toString('utf8'));
};

interface Observed {
  readonly exchange: Exchange;
  readonly options: MaskOptions;
}

/** All parts of one request that differ. */
export const compare = (
  name: string,
  old: Observed,
  recent: Observed,
  expected: readonly ExpectedDifference[],
): readonly Difference[] => {
  const before = partsOf(old.exchange, old.options);
  const after = partsOf(recent.exchange, recent.options);
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((part): Difference[] => {
    const [was, is] = [before.get(part), after.get(part)];
    if (was === is) return [];
    const at = firstDifference(was ?? '', is ?? '');
    const reason = expected.find(
      (each) => each.cases.test(name) && each.parts.test(part) && was?.replace(each.was, each.is) === is,
    )?.why;
    return [{ case: name, part, at, old: excerpt(was, at), new: excerpt(is, at), expected: reason }];
  });
};
