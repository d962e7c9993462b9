import { type Fields, isBlank, isFields, parseJson } from './json.ts';

/**
 * `[[name word key=value key="two words"]]` in a user's text: how somebody without code plays with the simulator.
 * README, "Play with it", lists them all. What only looks like one (`[[likely]]`, a wiki's link) stays text.
 */
export interface Directive {
  readonly name: DirectiveName;
  /** All after the name, as it was typed. */
  readonly rest: string;
  readonly words: readonly string[];
  readonly values: Fields;
}

const NAMES = ['say', 'call', 'then', 'think', 'length', 'bad-json', 'fault', 'delay'] as const;
export type DirectiveName = (typeof NAMES)[number];

const OPENING = new RegExp(String.raw`\[\[(${NAMES.join('|')})(?=\s|\]\])`, 'g');
/** Up to the first `]]`; another opening before it means that this one was never closed. */
const REST = /((?:(?!\]\]|\[\[)[\s\S]){0,4000})\]\]/y;
const TOKEN = /([\w-]+)=(?:"([^"]*)"|(\S+))|(\S+)/g;

const LONGEST_CALL = 50_000;
const MOST_ENDS = 50;

interface Found {
  readonly name: DirectiveName;
  readonly rest: string;
  readonly start: number;
  readonly end: number;
}

/** Arguments may hold `]]` themselves: the call ends with the first one that leaves a whole JSON object. */
const callEnd = (text: string, from: number): number | undefined => {
  let end = text.indexOf(']]', from);
  for (let tries = 0; end >= 0 && end - from < LONGEST_CALL && tries < MOST_ENDS; tries++) {
    if (callParts(text.slice(from, end)) !== undefined) return end;
    end = text.indexOf(']]', end + 1);
  }
  return undefined;
};

/** `name` or `name {json}`. */
export const callParts = (rest: string): { name: string; input: Fields | undefined } | undefined => {
  const [, name, given = ''] = /^\s*([^\s{]+)\s*([\s\S]*)$/.exec(rest) ?? [];
  if (name === undefined) return undefined;
  if (isBlank(given)) return { name, input: undefined };
  const input = parseJson(given);
  return isFields(input) ? { name, input } : undefined;
};

const isName = (name: string | undefined): name is DirectiveName => NAMES.some((each) => each === name);

const find = (text: string): Found[] => {
  const found: Found[] = [];
  for (const opening of text.matchAll(OPENING)) {
    const [whole, name] = opening;
    const from = opening.index + whole.length;
    if (opening.index < (found.at(-1)?.end ?? 0) || !isName(name)) continue;
    const end = name === 'call' ? callEnd(text, from) : undefined;
    if (end !== undefined) {
      found.push({ name, rest: text.slice(from, end).trim(), start: opening.index, end: end + 2 });
      continue;
    }
    REST.lastIndex = from;
    const rest = REST.exec(text)?.[1];
    if (rest !== undefined)
      found.push({ name, rest: rest.trim(), start: opening.index, end: from + rest.length + 2 });
  }
  return found;
};

export const readDirectives = (text: string): Directive[] =>
  find(text).map(({ name, rest }) => {
    const words: string[] = [];
    const values: Fields = {};
    for (const [, key, quoted, plain, word] of rest.matchAll(TOKEN)) {
      if (key !== undefined) values[key] = quoted ?? plain;
      else if (word !== undefined) words.push(word);
    }
    return { name, rest, words, values };
  });

export const withoutDirectives = (text: string): string => {
  let kept = '';
  let at = 0;
  for (const { start, end } of find(text)) {
    kept += text.slice(at, start);
    at = end;
  }
  return (kept + text.slice(at)).trim();
};

/** What follows the name, of the first directive so called. */
export const directiveText = (text: string, name: DirectiveName): string | undefined =>
  find(text).find((each) => each.name === name)?.rest;
