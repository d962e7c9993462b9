import { type Fields, fieldsOf, isFields, listOf, textOf } from '../json.ts';
import { refuse } from '../refusal.ts';

const FORMATS = ['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'uri', 'ipv4', 'ipv6', 'uuid'];

const UNSUPPORTED: Record<string, readonly string[]> = {
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  string: ['minLength', 'maxLength'],
  array: ['maxItems', 'uniqueItems', 'contains', 'minContains', 'maxContains', 'prefixItems'],
  object: ['minProperties', 'maxProperties', 'patternProperties', 'propertyNames'],
};

const MOST_OPTIONAL = 24;

interface Walk {
  readonly path: string;
  readonly root: Fields;
  optional: number;
  unions: number;
}

const resolve = (reference: string, walk: Walk): Fields => {
  if (!reference.startsWith('#')) refuse(`${walk.path}: External $ref '${reference}' is not supported`);
  let target: unknown = walk.root;
  for (const step of reference.split('/').slice(1)) target = fieldsOf(target)[step];
  return isFields(target) ? target : refuse(`${walk.path}: $ref '${reference}' could not be resolved`);
};

const checkType = (schema: Fields, type: string, walk: Walk): void => {
  const bad = (UNSUPPORTED[type] ?? []).filter((key) => schema[key] !== undefined);
  if (bad.length === 1) refuse(`${walk.path}: For '${type}' type, property '${bad[0]}' is not supported`);
  if (bad.length > 1)
    refuse(`${walk.path}: For '${type}' type, properties ${bad.join(', ')} are not supported`);
  if (type === 'array' && schema.minItems !== undefined && schema.minItems !== 0 && schema.minItems !== 1) {
    refuse(`${walk.path}: For 'array' type, 'minItems' values other than 0 or 1 are not supported`);
  }
  if (type === 'string' && schema.format !== undefined && !FORMATS.includes(textOf(schema.format))) {
    refuse(`${walk.path}: For 'string' type, format '${textOf(schema.format)}' is not supported`);
  }
  if (type !== 'object') return;
  if (schema.additionalProperties !== false) {
    refuse(`${walk.path}: For 'object' type, 'additionalProperties' must be explicitly set to false`);
  }
  walk.optional += Object.keys(fieldsOf(schema.properties)).filter(
    (name) => !listOf(schema.required).includes(name),
  ).length;
};

const visit = (value: unknown, open: readonly string[], walk: Walk): void => {
  if (!isFields(value)) return;
  const reference = textOf(value.$ref);
  if (reference !== '') {
    if (open.includes(reference)) refuse(`${walk.path}: Circular reference detected in schema: ${reference}`);
    visit(resolve(reference, walk), [...open, reference], walk);
    return;
  }
  for (const key of ['oneOf', 'not', 'if', 'dependentSchemas']) {
    if (value[key] !== undefined) refuse(`${walk.path}: Schema type '${key}' is not supported`);
  }
  const types = Array.isArray(value.type) ? value.type.map(textOf) : [textOf(value.type)];
  if (types.length > 1 || value.anyOf !== undefined) walk.unions += 1;
  for (const type of types) checkType(value, type, walk);
  if (value.properties !== undefined && !types.includes('object')) checkType(value, 'object', walk);
  for (const key of ['anyOf', 'allOf']) for (const option of listOf(value[key])) visit(option, open, walk);
  for (const property of Object.values(fieldsOf(value.properties))) visit(property, open, walk);
  if (isFields(value.items)) visit(value.items, open, walk);
};

/** What a schema must keep to where decoding is bound to it: `output_config.format` and strict tools. */
export const checkStrictSchema = (schema: Fields, path: string): { optional: number; unions: number } => {
  const walk: Walk = { path, root: schema, optional: 0, unions: 0 };
  visit(schema, [], walk);
  if (walk.optional > MOST_OPTIONAL) {
    refuse(
      `${path}: Schemas contains too many optional parameters (${walk.optional}), which would make grammar compilation inefficient. Reduce the number of optional parameters in your tool schemas (limit: ${MOST_OPTIONAL}).`,
    );
  }
  return walk;
};
