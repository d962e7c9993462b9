/** Names and ids the caller may use and an upstream may not: renamed on the way there, restored on the way back. */

import { createHash } from 'node:crypto';
import type { Prompt } from '../chat.ts';
import type { Renaming } from './adapter.ts';

/** What an upstream accepts as a tool name. */
export interface NameRule {
  readonly valid: RegExp;
  /** Matches one character that must be replaced. */
  readonly invalidCharacter: RegExp;
  readonly maxLength: number;
}

export interface ToolNames extends Renaming {
  readonly send: (name: string) => string;
}

const digest = (text: string, length: number) =>
  createHash('sha256').update(text).digest('hex').slice(0, length);

const unchanged: ToolNames = { send: (name) => name, restore: (name) => name };

/** Every tool name a prompt mentions: declared, called in the history, chosen. */
const mentioned = (prompt: Prompt): Set<string> => {
  const names = new Set(prompt.tools.map((tool) => tool.name));
  for (const { parts } of prompt.turns) {
    for (const part of parts) if (part.type === 'tool-call') names.add(part.name);
  }
  return names;
};

/** Stable: the same names give the same renaming in every request, so prompt caches hold. */
export const renameTools = (prompt: Prompt, rule: NameRule): ToolNames => {
  const names = mentioned(prompt);
  const isValid = (name: string) => name.length <= rule.maxLength && rule.valid.test(name);
  const invalid = [...names].filter((name) => !isValid(name));
  if (invalid.length === 0) return unchanged;

  const taken = new Set([...names].filter(isValid));
  const sent = new Map<string, string>();
  for (const name of invalid) {
    const cleaned = name.replace(rule.invalidCharacter, '_');
    const plain = cleaned.slice(0, rule.maxLength);
    const suffixed = `${cleaned.slice(0, rule.maxLength - 9)}_${digest(name, 8)}`;
    const candidate = rule.valid.test(plain) ? plain : `t${plain}`.slice(0, rule.maxLength);
    const chosen = cleaned.length > rule.maxLength || taken.has(candidate) ? suffixed : candidate;
    const final = rule.valid.test(chosen) ? chosen : `t${chosen}`.slice(0, rule.maxLength);
    taken.add(final);
    sent.set(name, final);
  }
  const original = new Map([...sent].map(([name, renamed]) => [renamed, name]));
  return {
    send: (name) => sent.get(name) ?? name,
    restore: (name) => original.get(name) ?? name,
  };
};

/** Both upstreams' rule for call ids. Calls and results map alike, so the pair stays a pair. */
export const sendCallId = (id: string): string =>
  /^[A-Za-z0-9_-]{1,64}$/.test(id) ? id : `call_${digest(id, 24)}`;
