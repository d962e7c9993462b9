/** What a schema has against a body, as the 400 that a person can act on. The same for every API. */

import type { z } from 'zod';
import { invalidRequest } from '../../core/errors.ts';

type Issue = z.core.$ZodIssue;

/** Characters. Some keys are the client's own, as in `metadata`, and paths end up in the log. */
const longestKey = 64;

/** `['messages', 3, 'content']` -> `messages[3].content` */
export const formatPath = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, key) =>
      typeof key === 'number'
        ? `${text}[${key}]`
        : `${text}${text === '' ? '' : '.'}${String(key).slice(0, longestKey)}`,
    '',
  );

type Branch = readonly Issue[];

/** Of a union within a union too. */
const branchesOf = ({ errors }: Extract<Issue, { code: 'invalid_union' }>): readonly Branch[] =>
  errors.flatMap((branch) => {
    const [first] = branch;
    return first?.code === 'invalid_union' && first.path.length === 0 && first.errors.length > 0
      ? branchesOf(first)
      : [branch];
  });

const isMissing = (issue: Issue): boolean => issue.code === 'invalid_type' && issue.input === undefined;

interface Located {
  readonly path: readonly PropertyKey[];
  readonly issue: Issue;
}

const better = (one: Located, other: Located): Located => {
  if (one.path.length !== other.path.length) return other.path.length > one.path.length ? other : one;
  // What the client wrote says more than what is missing.
  return isMissing(one.issue) && !isMissing(other.issue) ? other : one;
};

const hasWrongType = (branch: Branch): boolean =>
  branch.some(({ code, path }) => code === 'invalid_value' && path.length === 1 && path[0] === 'type');

/** A list is none: its problem would be named as a field that is not there. */
const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Of a union's branches the one that got furthest: the client most likely meant that one. Those of another `type` are
 * out of the question; where all are, the types that there are is what can be said.
 */
const deepest = (issue: Issue, base: readonly PropertyKey[]): Located => {
  const path = [...base, ...issue.path];
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return { path, issue };
  const branches = branchesOf(issue);
  const ofItsType = branches.filter((branch) => !hasWrongType(branch));
  const candidates = ofItsType.flatMap(([first]) => (first === undefined ? [] : [deepest(first, path)]));
  const [best, ...others] = candidates.filter((each) => each.path.length > path.length);
  if (best !== undefined) return others.reduce(better, best);
  const types = branches
    .filter(hasWrongType)
    .flatMap(([first]) => (first?.code === 'invalid_value' ? first : []));
  const [type] = types;
  if (type === undefined || !isObject(issue.input)) return { path, issue };
  const values = [...new Set(types.flatMap((each) => each.values))];
  return { path: [...path, ...type.path], issue: { ...type, values } };
};

const withArticle = (expected: string): string => {
  const type = expected === 'record' ? 'object' : expected;
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
};

const unionExpectation = (issue: Extract<Issue, { code: 'invalid_union' }>): string => {
  if ('options' in issue && Array.isArray(issue.options)) return `must be one of ${issue.options.join(', ')}`;
  const options = issue.errors.flat().flatMap((each) => {
    if (each.code === 'invalid_type')
      return [each.input === undefined ? 'present' : withArticle(each.expected)];
    return each.code === 'invalid_value' ? each.values.map(String) : [];
  });
  if (options.length === 0) return issue.message;
  return options.every((option) => option === 'present')
    ? 'is required'
    : `must be ${[...new Set(options)].join(' or ')}`;
};

const expectation = (issue: Issue): string => {
  switch (issue.code) {
    case 'invalid_union':
      return unionExpectation(issue);
    case 'invalid_type':
      if (issue.input === undefined) return 'is required';
      return `must be ${withArticle(issue.expected === 'int' ? 'integer' : issue.expected)}`;
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      if (issue.origin !== 'number' && issue.origin !== 'int') return 'must not be empty';
      return `must be ${issue.inclusive ? 'at least' : 'greater than'} ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'number' || issue.origin === 'int') return `must be at most ${issue.maximum}`;
      return `must hold at most ${issue.maximum} ${issue.origin === 'string' ? 'characters' : 'entries'}`;
    default:
      return issue.message;
  }
};

/** The first problem of a refused body as a 400 that names the field and what it must be. */
export const invalidBody = (error: z.ZodError): Error => {
  const [first] = error.issues;
  if (first === undefined) return invalidRequest('The request body is not valid.');
  const { path, issue } = deepest(first, []);
  const field = formatPath(path);
  return invalidRequest(
    `${field === '' ? 'The request body' : field}: ${expectation(issue)}.`,
    field || null,
  );
};
