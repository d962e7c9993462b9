import { type Fields, isFields } from '../json.ts';
import { refuse } from '../refusal.ts';

/** Joins a path the way the API writes it: `messages.0.content.1`. */
export const at = (...steps: (string | number)[]): string => steps.filter((step) => step !== '').join('.');

export const onlyKnown = (fields: Fields, allowed: readonly string[], path: string): void => {
  const extra = Object.keys(fields).find((key) => !allowed.includes(key));
  if (extra !== undefined) refuse(`${at(path, extra)}: Extra inputs are not permitted`);
};

export const needString = (fields: Fields, key: string, path: string): string => {
  const value = fields[key];
  if (value === undefined) refuse(`${at(path, key)}: Field required`);
  return typeof value === 'string' ? value : refuse(`${at(path, key)}: Input should be a valid string`);
};

export const needInteger = (value: unknown, path: string): number => {
  if (value === undefined) refuse(`${path}: Field required`);
  return typeof value === 'number' && Number.isInteger(value)
    ? value
    : refuse(`${path}: Input should be a valid integer`);
};

export const needObject = (value: unknown, path: string): Fields => {
  if (value === undefined) refuse(`${path}: Field required`);
  return isFields(value)
    ? value
    : refuse(`${path}: Input should be a valid dictionary or object to extract fields from`);
};

export const needList = (value: unknown, path: string): unknown[] => {
  if (value === undefined) refuse(`${path}: Field required`);
  return Array.isArray(value) ? value : refuse(`${path}: Input should be a valid list`);
};

export const needBoolean = (value: unknown, path: string): void => {
  if (value !== undefined && value !== null && typeof value !== 'boolean')
    refuse(`${path}: Input should be a valid boolean`);
};

const quote = (words: readonly string[]): string => {
  const quoted = words.map((word) => `'${word}'`);
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`;
};

export const needOneOf = (value: unknown, words: readonly string[], path: string): string => {
  if (value === undefined) refuse(`${path}: Field required`);
  return typeof value === 'string' && words.includes(value)
    ? value
    : refuse(`${path}: Input should be ${quote(words)}`);
};

/** Which member of a union a block is; the API names the tag and all it would have taken. */
export const needTag = (fields: Fields, tags: readonly string[], path: string): string => {
  const { type } = fields;
  if (typeof type === 'string' && tags.includes(type)) return type;
  if (type === undefined) return refuse(`${at(path, 'type')}: Field required`);
  return refuse(
    `${path}: Input tag '${String(type)}' found using 'type' does not match any of the expected tags: ${tags.map((tag) => `'${tag}'`).join(', ')}`,
  );
};
