/** Answers in JSON: whether one is wanted, and what it holds. */

import { valueForSchema } from './arguments.ts';
import type { Ask } from './ask.ts';
import { type Fields, isFields, parseJson } from './json.ts';
import { materialFor, type Question, shorten } from './question.ts';

/** Bounded: so many openings of an object are tried as JSON, each with so many ends. */
const MOST_TRIES = 20;

const objectsIn = function* (text: string): Generator<Fields> {
  const starts = Array.from(text.matchAll(/\{/g), (match) => match.index).slice(0, MOST_TRIES);
  const ends = Array.from(text.matchAll(/\}/g), (match) => match.index + 1)
    .slice(-MOST_TRIES)
    .reverse();
  for (const start of starts) {
    for (const end of ends) {
      const value = end > start ? parseJson(text.slice(start, end)) : undefined;
      if (isFields(value)) yield value;
    }
  }
};

const isSchema = (value: Fields): boolean => isFields(value.properties) || value.type === 'object';

const schemaIn = (text: string): Fields | undefined => {
  for (const value of objectsIn(text)) if (isSchema(value)) return value;
  return undefined;
};

/** An example is short; what is longer is data. */
const LONGEST_EXAMPLE = 2000;

const exampleIn = (text: string): Fields | undefined => {
  for (const value of objectsIn(text.slice(0, LONGEST_EXAMPLE))) return value;
  return undefined;
};

/** "with the keys name, age and city": an object of these. */
const schemaOfKeys = (text: string): Fields | undefined => {
  const list =
    /\b(?:keys?|fields?|propert(?:y|ies))\b[:\s]+((?:[`"']?[A-Za-z_]\w*[`"']?(?:\s*,\s*(?:and\s+)?|\s+and\s+)?){1,20})/.exec(
      text,
    )?.[1];
  const names = list?.match(/[A-Za-z_]\w*/g)?.filter((name) => name !== 'and') ?? [];
  if (names.length === 0) return undefined;
  return {
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
    required: names,
  };
};

/**
 * One sentence that orders JSON and nothing but JSON. A long prompt of an agent holds all these words somewhere: there
 * only a sentence counts that begins with the order, at the end of a prompt (or of a short one) any.
 */
const ORDER =
  /(?:^|[,:;]\s*|\b(?:must|should|always|only|please|then|and|to)\s+)(?:be\s+)?(?:respond|reply|answer|output|return|produce|give|formatted)\b[^.!?\n]{0,80}\bjson\b/i;
const STRICT =
  /\b(?:only|must|solely|nothing (?:else|but)|valid|alone|matching|conforms|one json|json object|with (?:the )?(?:keys|fields|properties))\b/i;
const PLAIN_ORDER = /^\W*(?:please |always )?(?:respond|reply|answer|output|return)\b[^.!?\n]{0,80}\bjson\b/i;
const NOTHING_ELSE = /\b(?:only|solely|nothing (?:else|but))\b/i;
const END = 2000;

const hasSentence = (text: string, order: RegExp, strict: RegExp): boolean =>
  text.split(/(?<=[.!?])\s|\n/).some((sentence) => order.test(sentence) && strict.test(sentence));

const wantsJson = (ask: Ask, { words }: Question): boolean =>
  [ask.system, words].some((text) => {
    // A schema may be longer than the prompt around it.
    const prose = text.replace(/\{.*$/gm, '');
    const ends = [prose.slice(-END), ask.tools.length === 0 ? prose.slice(0, END) : ''];
    return (
      hasSentence(prose, PLAIN_ORDER, NOTHING_ELSE) || ends.some((end) => hasSentence(end, ORDER, STRICT))
    );
  });

/** Any object will do; the prompt says which one is meant. */
export const openJson = (ask: Ask, question: Question): Fields => {
  const prose = question.words.replace(/\{.*\}/s, '').trim();
  const end = ask.system.slice(-END);
  const schema =
    schemaIn(question.words) ?? schemaIn(ask.system) ?? schemaOfKeys(question.words) ?? schemaOfKeys(end);
  const material = materialFor(ask, question, prose);
  const value =
    schema === undefined ? (exampleIn(question.words) ?? exampleIn(end)) : valueForSchema(schema, material);
  if (isFields(value)) return value;
  return { answer: shorten(material.results.join(' ') || prose, 12) || 'Nothing was asked.' };
};

export const jsonAnswer = (ask: Ask, question: Question): string | undefined => {
  if (ask.schema !== undefined) {
    return JSON.stringify(valueForSchema(ask.schema, materialFor(ask, question, question.words)));
  }
  return wantsJson(ask, question) ? JSON.stringify(openJson(ask, question)) : undefined;
};
