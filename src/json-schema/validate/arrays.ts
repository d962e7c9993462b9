/** Rules for arrays. */

import { equal, lists, none, type Rule } from './run.ts';
import { sized } from './scalars.ts';

const items = sized((value: readonly unknown[]) => value.length, 'items');

export const arrayRules = {
  minItems: items.min,
  maxItems: items.max,
  prefixItems: (schemas, value: readonly unknown[], { inner }) =>
    lists(schemas)
      .slice(0, value.length)
      .flatMap((each, index) => inner(each, value[index], index)),
  items: (schema, value: readonly unknown[], { inner, schema: whole, run }) => {
    run.step(value.length);
    const tuple = Array.isArray(schema) ? schema : lists(whole.prefixItems);
    return value.flatMap((each, index) => {
      if (!Array.isArray(schema)) return index < tuple.length ? none : inner(schema, each, index);
      if (index < tuple.length) return inner(tuple[index], each, index);
      return whole.additionalItems === undefined ? none : inner(whole.additionalItems, each, index);
    });
  },
  contains: (schema, value: readonly unknown[], { inner, fail, schema: whole }) => {
    const count = value.filter((each, index) => inner(schema, each, index).length === 0).length;
    const least = typeof whole.minContains === 'number' ? whole.minContains : 1;
    const most = typeof whole.maxContains === 'number' ? whole.maxContains : Number.POSITIVE_INFINITY;
    if (count < least) return fail(`must contain at least ${least} items of the asked form`);
    return count > most ? fail(`must contain at most ${most} items of the asked form`) : none;
  },
  uniqueItems: (unique, value: readonly unknown[], { fail, run }) => {
    if (unique !== true) return none;
    const scalars = value.filter((each) => typeof each !== 'object' || each === null);
    const others = value.filter((each) => typeof each === 'object' && each !== null);
    run.step(value.length);
    let twice = new Set(scalars).size < scalars.length;
    for (let one = 0; one < others.length && !twice; one += 1) {
      for (let two = 0; two < one && !twice; two += 1) twice = equal(others[one], others[two], run);
    }
    return twice ? fail('must not have two equal items') : none;
  },
} satisfies Record<string, Rule>;
