/**
 * Clients' schemas are hostile until measured. Every walk over one is bounded in depth and in size, and
 * everything expanded from it (inlined `$ref`s above all) is paid for out of one meter.
 */

import type { JsonObject } from '../core/chat.ts';

/** A schema beyond our bounds; clients answer it with a 400. */
export class SchemaTooLarge extends Error {
  override readonly name = 'SchemaTooLarge';
}

/** Levels of JSON; a schema level is usually two. Far above real schemas, far below the stack. */
const maxNesting = 200;
/** Levels of schemas once references are followed. */
const maxDepth = 100;
/** Characters, roughly: more than any model's window would hold. */
const maxSize = 1_000_000;
/** What visiting a schema costs beside its text: keeps the worst case to some 50,000 visits. */
export const nodeCost = 20;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An own property; `schema.properties['__proto__']` must not find the prototype. */
export const own = (value: JsonObject, key: string): unknown =>
  Object.hasOwn(value, key) ? value[key] : undefined;

export const omit = (value: JsonObject, ...keys: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));

/** Size in characters, roughly, of any JSON value; an iterative walk, so that depth cannot hurt it. */
export const measure = (value: unknown): number => {
  const open: [value: unknown, level: number][] = [[value, 0]];
  let size = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [each, level] = next;
    size += typeof each === 'string' ? each.length + 1 : 5;
    if (typeof each === 'object' && each !== null) {
      if (level >= maxNesting)
        throw new SchemaTooLarge(`The schema is nested over ${maxNesting} levels deep.`);
      for (const [key, inner] of Object.entries(each)) {
        if (!Array.isArray(each)) size += key.length;
        open.push([inner, level + 1]);
      }
    }
    if (size > maxSize) throw new SchemaTooLarge(`The schema is larger than ${maxSize} characters.`);
  }
  return size;
};

/**
 * Whether a JSON value is nested deeper than any real one. It would be read without trouble, but writing it
 * again recurses, and some thousand levels end the stack.
 */
export const isTooDeep = (value: unknown): boolean => {
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > maxNesting) return true;
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []));
  }
  return false;
};

export type Spend = (amount: number) => void;

/** What one conversion may cost in all, its output included. */
export const createMeter = (): Spend => {
  let left = maxSize;
  return (amount) => {
    left -= amount;
    if (left < 0) throw new SchemaTooLarge(`The schema expands to more than ${maxSize} characters.`);
  };
};

export const checkDepth = (depth: number): void => {
  if (depth > maxDepth) throw new SchemaTooLarge(`The schema expands to more than ${maxDepth} levels.`);
};

/** A step of a JSON pointer, as it stands in a URI fragment. */
export const unescapeStep = (step: string): string => {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    // A stray percent sign is a name like any other.
    return step;
  }
};

/** What a local reference (`#`, `#/$defs/a`, or the same behind the root's `$id`) points at. */
export const resolve = (root: JsonObject, reference: string): unknown => {
  const id = typeof root.$id === 'string' ? root.$id.replace(/#$/, '') : '';
  const local = id !== '' && reference.startsWith(`${id}#`) ? reference.slice(id.length) : reference;
  if (local === '#') return root;
  if (!local.startsWith('#/')) return undefined;
  let target: unknown = root;
  for (const step of local.slice(2).split('/').map(unescapeStep)) {
    if (typeof target !== 'object' || target === null) return undefined;
    target = own(target as JsonObject, step);
  }
  return target;
};
