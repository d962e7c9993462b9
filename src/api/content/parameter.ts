/** Rows of an API's table of request parameters, and what is made of them. */

import { z } from 'zod';

export interface Parameter<Value> {
  readonly level: 'full' | 'partial' | 'ignored';
  /** One line for README's table. */
  readonly note: string;
  readonly schema: z.ZodType<Value>;
  /** Values that already have their effect, and so are not reported as ignored. */
  readonly neutral?: (value: Value) => boolean;
}

/** Ties a row's functions to the type of its schema. */
export const row = <Value>(parameter: Parameter<Value>): Parameter<Value> => parameter;

/** Accepted, checked for its type, and without effect on any model. */
export const inert = <Value>(note: string, schema: z.ZodType<Value>, neutral: (value: Value) => boolean) =>
  row({ level: 'ignored', note, schema, neutral });

export const never = () => false;

type Rows = Readonly<Record<string, { readonly schema: z.ZodType }>>;

/** The schema of a request: `null` and absent are the same, unknown fields are kept for the report. */
export const requestSchema = (rows: Rows, required: ReadonlySet<string> = new Set()) =>
  z.looseObject(
    Object.fromEntries(
      Object.entries(rows).map(([name, { schema }]) => [
        name,
        required.has(name) ? schema : schema.nullish(),
      ]),
    ),
  );

/** Finds in a checked request what has no effect: parameters in the order of the table, then fields that are not in it. */
export const ignoredFinder = (rows: object): ((request: object) => readonly string[]) => {
  const known = rows as Readonly<Record<string, Parameter<unknown>>>;
  const inertRows = Object.entries(known).filter(([, { level }]) => level === 'ignored');
  return (request) => {
    const values = request as Readonly<Record<string, unknown>>;
    const ignored: string[] = [];
    const isGiven = (name: string) => values[name] !== null && values[name] !== undefined;
    for (const [name, { neutral }] of inertRows)
      if (isGiven(name) && neutral?.(values[name]) !== true) ignored.push(name);
    for (const name of Object.keys(values))
      if (!Object.hasOwn(known, name) && isGiven(name)) ignored.push(name);
    return ignored;
  };
};

const withoutNulls = (pairs: Record<string, string | null | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(pairs).flatMap(([key, value]) => (value == null ? [] : [[key, value]])));

/** OpenAI's bounds. */
export const metadataSchema = z
  .record(z.string().max(64), z.string().max(512).nullish())
  .transform(withoutNulls)
  .refine((pairs) => Object.keys(pairs).length <= 16, { error: 'must hold at most 16 pairs' });
