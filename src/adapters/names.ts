/** Names and ids the client may use and an upstream may not: replaced on the way there, restored on the way back. */

import { createHash } from 'node:crypto';
import type { Prompt } from '../core/chat.ts';
import type { CallIdRule } from '../models/model.ts';
import type { Renaming } from './adapter.ts';

/** What an upstream accepts as a name. */
export interface NameRule {
  readonly valid: RegExp;
  /** Matches one character that must be replaced. */
  readonly invalidCharacter: RegExp;
  readonly maxLength: number;
  /** Stands before what would otherwise begin with a character that no name begins with. */
  readonly prefix?: string;
}

export interface Names extends Renaming {
  readonly send: (name: string) => string;
}

const digest = (text: string, length: number) =>
  createHash('sha256').update(text).digest('hex').slice(0, length);

export const isValidName = (name: string, { valid, maxLength }: NameRule): boolean =>
  name.length <= maxLength && valid.test(name);

/** Hexadecimal digits of a name's digest, and how many are tried where another name is written like the outcome. */
const digestLengths = [8, 16, 32] as const;

const replacementOf = (
  name: string,
  digits: number,
  { valid, invalidCharacter, maxLength, prefix = '' }: NameRule,
) => {
  const suffix = `_${digest(name, digits)}`;
  const cleaned = name.replace(invalidCharacter, '_');
  const written = `${cleaned.slice(0, maxLength - suffix.length)}${suffix}`;
  return valid.test(written)
    ? written
    : `${prefix}${cleaned.slice(0, maxLength - suffix.length - prefix.length)}${suffix}`;
};

/**
 * Replacements for the names that break the rule; undefined: none does. A replacement depends on its name alone,
 * for prompt caches and thinking are bound to what was sent before, whatever else was declared then. The one
 * exception: where a name of the same request is written exactly like it, more of the digest is taken.
 */
export const replaceNames = (names: Iterable<string>, rule: NameRule): Names | undefined => {
  const taken = new Set<string>();
  const invalid = new Set<string>();
  for (const name of names) (isValidName(name, rule) ? taken : invalid).add(name);
  if (invalid.size === 0) return undefined;

  const sent = new Map<string, string>();
  const original = new Map<string, string>();
  for (const name of invalid) {
    const digits = digestLengths.find((length) => !taken.has(replacementOf(name, length, rule)));
    const chosen = digits === undefined ? name : replacementOf(name, digits, rule);
    taken.add(chosen);
    sent.set(name, chosen);
    original.set(chosen, name);
  }
  return {
    send: (name) => sent.get(name) ?? name,
    restore: (name) => original.get(name) ?? name,
  };
};

const unchanged: Names = { send: (name) => name, restore: (name) => name };

/** Every tool name a prompt mentions: declared, called in the history, chosen. */
const mentioned = (prompt: Prompt): Set<string> => {
  const names = new Set(prompt.tools.map((tool) => tool.name));
  for (const { parts } of prompt.turns) {
    for (const part of parts) if (part.type === 'tool-call') names.add(part.name);
  }
  return names;
};

export const renameTools = (prompt: Prompt, rule: NameRule): Names =>
  replaceNames(mentioned(prompt), rule) ?? unchanged;

const callIds = {
  narrow: /^[A-Za-z0-9_-]{1,64}$/,
  wide: /^[A-Za-z0-9_.:-]{1,64}$/,
} satisfies Record<CallIdRule, RegExp>;

/** Calls and results map alike, so the pair stays a pair. */
export const sendCallId = (id: string, rule: CallIdRule): string =>
  callIds[rule].test(id) ? id : `call_${digest(id, 24)}`;
