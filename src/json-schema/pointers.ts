/** JSON pointers of `$ref`, followed step by step through the keywords and the names of a schema. */

import type { JsonObject } from '../core/chat.ts';
import { own, unescapeStep } from './bounds.ts';
import { positionOf } from './subschemas.ts';

export interface PointerStep {
  /** As it stands in the reference. */
  readonly written: string;
  readonly name: string;
  /** What the step leads out of: a schema, or what a keyword of one holds. */
  readonly holder: JsonObject;
  /** That keyword; undefined where the step is a keyword itself. */
  readonly within: string | undefined;
}

/** The characters a fragment takes as they are, so that a step rewritten reads the same to every resolver. */
export const escapeStep = (name: string): string =>
  encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'));

/** Whether the part before the pointer names the schema itself. */
const isOwn = (base: string, root: JsonObject): boolean => {
  const id = root.$id ?? root.id;
  return base === '' || (typeof id === 'string' && id.replace(/#$/, '') === base);
};

/** A local reference with its steps rewritten. References elsewhere, and steps that lead nowhere, stay as they are. */
export const rewritePointer = (
  reference: string,
  root: JsonObject,
  rewrite: (step: PointerStep) => string,
): string => {
  const start = reference.indexOf('#/') + 2;
  if (start < 2 || !isOwn(reference.slice(0, start - 2), root)) return reference;
  let at: unknown = root;
  let within: string | undefined;
  const steps = reference
    .slice(start)
    .split('/')
    .map((written) => {
      if (typeof at !== 'object' || at === null) return written;
      const name = unescapeStep(written);
      const step: PointerStep = { written, name, holder: at as JsonObject, within };
      const next = own(step.holder, name);
      const position = within === undefined ? positionOf(name, next) : 'one';
      at = position === undefined ? undefined : next;
      within = position === 'named' || position === 'list' ? name : undefined;
      return rewrite(step);
    });
  return reference.slice(0, start) + steps.join('/');
};
