/** Keywords an upstream refuses, in words a model can follow. */

import type { JsonObject } from '../core/chat.ts';
import { own } from './bounds.ts';

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
const list = (value: unknown): string => (Array.isArray(value) ? value.map(text).join(', ') : text(value));
const count = (value: unknown, noun: string): string =>
  `${text(value)} ${value === 1 ? noun : noun === 'property' ? 'properties' : `${noun}s`}`;

type Phrase = (value: unknown, node: JsonObject) => string | undefined;

const phrases = {
  default: (value) => `default ${text(value)}`,
  examples: (value) => `for example ${list(value)}`,
  // Draft 4 wrote exclusive bounds as a flag beside the bound.
  minimum: (value, node) => `${node.exclusiveMinimum === true ? 'more than' : 'at least'} ${text(value)}`,
  maximum: (value, node) => `${node.exclusiveMaximum === true ? 'less than' : 'at most'} ${text(value)}`,
  exclusiveMinimum: (value) => (typeof value === 'number' ? `more than ${value}` : undefined),
  exclusiveMaximum: (value) => (typeof value === 'number' ? `less than ${value}` : undefined),
  multipleOf: (value) => `a multiple of ${text(value)}`,
  minLength: (value) => `at least ${count(value, 'character')}`,
  maxLength: (value) => `at most ${count(value, 'character')}`,
  pattern: (value) => `must match ${text(value)}`,
  format: (value) => `format ${text(value)}`,
  contentEncoding: (value) => `encoded as ${text(value)}`,
  contentMediaType: (value) => `content of type ${text(value)}`,
  minItems: (value) => `at least ${count(value, 'item')}`,
  maxItems: (value) => `at most ${count(value, 'item')}`,
  uniqueItems: (value) => (value === true ? 'no two items alike' : undefined),
  contains: (value) => `some items must match ${text(value)}`,
  minContains: (value) => `at least ${text(value)} of them`,
  maxContains: (value) => `at most ${text(value)} of them`,
  unevaluatedItems: (value) => (value === true ? undefined : `further items: ${text(value)}`),
  minProperties: (value) => `at least ${count(value, 'property')}`,
  maxProperties: (value) => `at most ${count(value, 'property')}`,
  patternProperties: (value) => `properties named by pattern: ${text(value)}`,
  propertyNames: (value) => `property names must match ${text(value)}`,
  dependentRequired: (value) => `properties that require others: ${text(value)}`,
  dependentSchemas: (value) => `if a property is present, also: ${text(value)}`,
  dependencies: (value) => `if a property is present, also: ${text(value)}`,
  not: (value) => `must not match ${text(value)}`,
  if: (value, node) => {
    const [match, otherwise] = [own(node, 'then'), own(node, 'else')];
    if (match === undefined && otherwise === undefined) return undefined;
    const yes = match === undefined ? [] : [`then ${text(match)}`];
    const no = otherwise === undefined ? [] : [`else ${text(otherwise)}`];
    return [`if it matches ${text(value)}`, ...yes, ...no].join(', ');
  },
} satisfies Record<string, Phrase>;

const table: ReadonlyMap<string, Phrase> = new Map(Object.entries(phrases));

export interface Phrased {
  readonly key: string;
  readonly words: string;
}

/** What the keywords of a node say, in the node's order, apart from those that `keeps` accepts. */
export const phrase = (node: JsonObject, keeps: (key: string) => boolean): readonly Phrased[] =>
  Object.entries(node).flatMap(([key, value]) => {
    const words = keeps(key) ? undefined : table.get(key)?.(value, node);
    return words === undefined ? [] : [{ key, words }];
  });

/** A description with what had to be said in words. */
export const describe = (node: JsonObject, words: readonly string[]): { description?: string } => {
  const own = typeof node.description === 'string' ? node.description : '';
  if (words.length === 0) return own === '' ? {} : { description: own };
  const added = words.join('; ');
  return { description: own === '' ? added : `${own} (${added})` };
};
