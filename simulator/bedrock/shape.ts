import { type Fields, isFields, listOf } from '../json.ts';
import { refuseAws } from '../refusal.ts';

/** AWS's own sentence for a value outside its model. */
export const violates = (value: unknown, path: string, constraint: string): never =>
  refuseAws(
    `1 validation error detected: Value '${String(value)}' at '${path}' failed to satisfy constraint: Member must ${constraint}`,
  );

export const refuseExtraneous = (path: string, key: string): never =>
  refuseAws(
    `The model returned the following errors: Malformed input request: #/${path.replaceAll('.', '/')}: extraneous key [${key}] is not permitted, please reformat your input and try again.`,
  );

export const knownKeys = (fields: Fields, allowed: readonly string[], path: string): void => {
  const extra = Object.keys(fields).find((key) => !allowed.includes(key));
  if (extra !== undefined) {
    refuseAws(
      `Malformed input request: #${path === '' ? '' : `/${path.replaceAll('.', '/')}`}: extraneous key [${extra}] is not permitted, please reformat your input and try again.`,
    );
  }
};

/** A union has exactly one member; unset ones may be there as null. */
export const onlyMember = (
  value: unknown,
  allowed: readonly string[],
  path: string,
): [name: string, member: unknown] => {
  if (!isFields(value))
    return refuseAws(
      `The format of the value at ${path} is invalid. Provide a json object for the field and try again.`,
    );
  const members = Object.entries(value).filter(([, member]) => member !== undefined && member !== null);
  const [first] = members;
  if (members.length !== 1 || first === undefined) {
    return refuseAws(
      `Invalid union value at ${path}: exactly one member must be set, found ${members.length}.`,
    );
  }
  if (!allowed.includes(first[0])) return refuseAws(`Unknown union member at ${path}: ${first[0]}`);
  return first;
};

export const fieldsAt = (value: unknown, path: string): Fields =>
  isFields(value)
    ? value
    : refuseAws(
        `The format of the value at ${path} is invalid. Provide a json object for the field and try again.`,
      );

export const stringAt = (value: unknown, path: string): string =>
  typeof value === 'string'
    ? value
    : violates(value ?? null, path, value === undefined ? 'not be null' : 'be a string');

export const listAt = (value: unknown, path: string): unknown[] =>
  value === undefined || value === null || Array.isArray(value)
    ? listOf(value)
    : violates(value, path, 'be a list');

export const oneOfAt = (value: unknown, allowed: readonly string[], path: string): void => {
  if (typeof value !== 'string' || !allowed.includes(value)) {
    violates(value, path, `satisfy enum value set: [${allowed.join(', ')}]`);
  }
};

export const numberAt = (value: unknown, path: string, least: number, most: number): void => {
  if (value === undefined || value === null) return;
  if (typeof value !== 'number') violates(value, path, 'be a number');
  else if (value < least) violates(value, path, `have value greater than or equal to ${least}`);
  else if (value > most) violates(value, path, `have value less than or equal to ${most}`);
};
