/**
 * Fields inside a request that its schema does not know. The schema drops them; here they are found, so that they
 * can be reported. Behaviour 1.5, 3.8.
 *
 * Which fields are known is read from the schema itself, once. The body is then walked beside it: strings are not
 * looked into, and nothing is built where nothing is found.
 */

import type { z } from 'zod';
import { formatPath } from '../content/invalid-body.ts';

/** Fields of other replies, ours and other servers', that clients send back with the message they came in. */
const echoedFields: Readonly<Record<string, readonly string[]>> = {
  'messages[]': [
    'name',
    'refusal',
    'annotations',
    'audio',
    'function_call',
    'parsed',
    'provider_specific_fields',
    'reasoning',
    'reasoning_content',
    'reasoning_details',
    'reasoning_opaque',
    'reasoning_text',
    'thinking_blocks',
  ],
  // `index` is ours, from `thinking_blocks`, which clients keep as parts too.
  'messages[].content[]': ['annotations', 'index', 'provider_specific_fields'],
  'messages[].tool_calls[]': ['index', 'extra_content', 'provider_specific_fields'],
  'messages[].tool_calls[].function': ['parsed_arguments', 'provider_specific_fields'],
};

/** Known to the schema and without effect, but for the values that say what happens anyway. */
const inertFields: Readonly<Record<string, readonly unknown[]>> = {
  'messages[].content[].image_url.detail': ['auto'],
};

/** The most paths that are reported. Of paths that differ only in their indices one is enough. */
const mostFound = 50;
type Step = string | number;

interface ObjectShape {
  readonly kind: 'object';
  readonly fields: ReadonlyMap<string, Shape>;
  /** Fields that tell the members of a union apart, with the values they have here. */
  readonly tags: ReadonlyMap<string, readonly unknown[]>;
}

type Shape =
  | ObjectShape
  | { readonly kind: 'array'; readonly element: Shape }
  | { readonly kind: 'union'; readonly members: readonly Shape[] }
  /** Objects that one field distinguishes. */
  | { readonly kind: 'tagged'; readonly tag: string; readonly members: ReadonlyMap<unknown, Shape> }
  /** Read in another form than it was written. */
  | { readonly kind: 'rewritten'; readonly rewrite: (value: unknown) => unknown; readonly shape: Shape }
  /** Texts, numbers, records, objects that say they are open: all that may stand there is known. */
  | { readonly kind: 'known' }
  /** Of no effect, but for the values that say what happens anyway. */
  | { readonly kind: 'inert'; readonly neutral: readonly unknown[] };

const known: Shape = { kind: 'known' };
const unknown: Shape = { kind: 'inert', neutral: [] };

// ---- from the schema ------------------------------------------------------------------------------

const literalsOf = (schema: z.core.$ZodType): readonly unknown[] | undefined => {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  return def.type === 'literal' ? def.values : undefined;
};

const objectShape = ({ shape }: z.core.$ZodObjectDef, path: string): ObjectShape => {
  const tags = new Map<string, readonly unknown[]>();
  const fields = new Map<string, Shape>((echoedFields[path] ?? []).map((key) => [key, known]));
  for (const [key, field] of Object.entries(shape)) {
    const values = literalsOf(field);
    if (values !== undefined) tags.set(key, values);
    fields.set(key, shapeOf(field, `${path}.${key}`));
  }
  return { kind: 'object', fields, tags };
};

/** One look decides where each member has values of its own for the same field. */
const tagMembers = (members: readonly Shape[], tag: string): Shape | undefined => {
  const byValue = new Map<unknown, Shape>();
  for (const member of members) {
    const values = member.kind === 'object' ? (member.tags.get(tag) ?? []) : [];
    if (values.length === 0 || values.some((value) => byValue.has(value))) return undefined;
    for (const value of values) byValue.set(value, member);
  }
  return { kind: 'tagged', tag, members: byValue };
};

/** A union within a union is the same as its members. */
const membersOf = (shape: Shape): readonly Shape[] | undefined => {
  if (shape.kind === 'union') return shape.members;
  return shape.kind === 'tagged' ? [...shape.members.values()] : undefined;
};

const unionShape = (options: readonly z.core.$ZodType[], path: string): Shape => {
  const members = options
    .map((option) => shapeOf(option, path))
    .flatMap((shape) => membersOf(shape) ?? shape)
    .filter(({ kind }) => kind !== 'known');
  const [first] = members;
  if (first === undefined || members.length === 1) return first ?? known;
  const tags = first.kind === 'object' ? [...first.tags.keys()] : [];
  return tags.flatMap((tag) => tagMembers(members, tag) ?? [])[0] ?? { kind: 'union', members };
};

const shapeOf = (schema: z.core.$ZodType, path: string): Shape => {
  const neutral = inertFields[path];
  if (neutral !== undefined) return { kind: 'inert', neutral };
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'object':
      return def.catchall === undefined ? objectShape(def, path) : known;
    case 'array': {
      const element = shapeOf(def.element, `${path}[]`);
      return element.kind === 'known' ? known : { kind: 'array', element };
    }
    case 'union':
      return unionShape(def.options, path);
    case 'optional':
    case 'nullable':
      return shapeOf(def.innerType, path);
    case 'pipe': {
      const before = (def.in as z.core.$ZodTypes)._zod.def;
      if (before.type !== 'transform') return shapeOf(def.in, path);
      const { transform } = before;
      const shape = shapeOf(def.out, path);
      const rewrite = (value: unknown) => transform(value, { value, issues: [] });
      return shape.kind === 'known' ? known : { kind: 'rewritten', rewrite, shape };
    }
    default:
      return known;
  }
};

// ---- beside the body ------------------------------------------------------------------------------

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isMember = (shape: Shape, value: Fields): boolean => {
  if (shape.kind !== 'object') return shape.kind !== 'array';
  return [...shape.tags].every(([key, values]) => value[key] == null || values.includes(value[key]));
};

const countUnknown = (shape: Shape, value: Fields): number =>
  shape.kind === 'object' ? Object.keys(value).filter((key) => !shape.fields.has(key)).length : 0;

/** The member of a union that a value belongs to: by its tags, and of several by what fits best. */
const memberFor = (members: readonly Shape[], value: unknown): Shape | undefined => {
  if (!isFields(value)) return members.find(({ kind }) => kind === 'array');
  const fitting = members.filter((member) => isMember(member, value));
  const misses = fitting.map((member) => countUnknown(member, value));
  return fitting[misses.indexOf(Math.min(...misses))];
};

/** What was found so far, and where the walk is. */
class Search {
  readonly paths: string[] = [];
  readonly #kinds = new Set<string>();
  readonly #trail: Step[] = [];

  enter(step: Step, value: unknown, shape: Shape): void {
    this.#trail.push(step);
    this.#visit(value, shape);
    this.#trail.pop();
  }

  #visit(value: unknown, shape: Shape): void {
    if (value === null || value === undefined || this.paths.length >= mostFound) return;
    switch (shape.kind) {
      case 'object':
        if (isFields(value)) this.#visitFields(value, shape);
        return;
      case 'array':
        if (Array.isArray(value)) this.#visitElements(value, shape.element);
        return;
      case 'union': {
        const member = memberFor(shape.members, value);
        if (member !== undefined) this.#visit(value, member);
        return;
      }
      case 'tagged': {
        const member = isFields(value) ? shape.members.get(value[shape.tag]) : undefined;
        if (member !== undefined) this.#visit(value, member);
        return;
      }
      case 'rewritten':
        this.#visit(shape.rewrite(value), shape.shape);
        return;
      case 'known':
        return;
      case 'inert':
        if (!shape.neutral.includes(value)) this.#found();
        return;
      default:
        shape satisfies never;
    }
  }

  #visitFields(value: Fields, { fields }: ObjectShape): void {
    for (const key in value) {
      const shape = fields.get(key) ?? unknown;
      if (shape !== known) this.enter(key, value[key], shape);
    }
  }

  #visitElements(values: readonly unknown[], element: Shape): void {
    for (let index = 0; index < values.length; index += 1) this.enter(index, values[index], element);
  }

  #found(): void {
    const kind = this.#trail.map((step) => (typeof step === 'number' ? '[]' : step)).join('.');
    if (this.#kinds.has(kind)) return;
    this.#kinds.add(kind);
    this.paths.push(formatPath(this.#trail));
  }
}

/** Makes a finder for a table of parameters. Fields of the body itself are not its business, only what is in them. */
export const createUnknownFieldFinder = (
  parameters: Readonly<Record<string, { readonly schema: z.core.$ZodType }>>,
): ((body: unknown) => readonly string[]) => {
  const shapes = Object.entries(parameters)
    .map(([name, { schema }]) => [name, shapeOf(schema, name)] as const)
    .filter(([, { kind }]) => kind !== 'known');
  return (body) => {
    const search = new Search();
    if (isFields(body)) for (const [name, shape] of shapes) search.enter(name, body[name], shape);
    return search.paths;
  };
};
