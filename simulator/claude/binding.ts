/**
 * Preserved thinking: each block is bound to the model and the account it was made for, to the prompt before it, and to
 * the thinking block before that. (platform.claude.com "Preserved thinking")
 */

import { createHash, type Hash } from 'node:crypto';
import { type Fields, fieldsOf, isFields, listOf, textOf } from '../json.ts';
import { readsBlocksOf } from '../models.ts';
import { refuse } from '../refusal.ts';
import {
  type Binding,
  openRedacted,
  openThinking,
  redactThinking,
  type SealedBlock,
  signThinking,
} from '../thinking.ts';
import { blocksOf } from './ask.ts';
import { at } from './fields.ts';
import { type ClaudeRequest, thinkingMode } from './request.ts';

export const BINDING_BETA = 'thinking-binding-controls-2026-08-01';

type Reason = 'organization_binding_mismatch' | 'model_binding_mismatch' | 'prefix_binding_mismatch';

/** What became of a block that was sent. */
export interface ThinkingOutcome {
  readonly path: string;
  /** `allowed`: it does not fit, and this account is let through. */
  readonly outcome: 'accepted' | 'allowed' | 'dropped' | 'refused';
  readonly reason?: Reason;
}

export interface BoundHistory {
  readonly outcomes: readonly ThinkingOutcome[];
  /** Without what was dropped. */
  readonly body: Fields;
  /** Signs the answer's next block, bound to those before it, the answer's own included. */
  readonly signNext: (text: string, seed: string) => string;
  readonly redactNext: (seed: string) => string;
  /** A text of the answer's own, before its next block. */
  readonly noteText: (text: string) => void;
}

/** Equal for equal values: keys in order, marks of caches left out. */
const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isFields(value)) return JSON.stringify(value) ?? 'null';
  const keys = Object.keys(value)
    .filter((key) => key !== 'cache_control' && value[key] !== undefined)
    .sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`;
};

const short = (hash: Hash): string => hash.digest('hex').slice(0, 24);
const digestOf = (text: string): string => short(createHash('sha256').update(text));

/** A set by name; what is loaded later and was not yet referenced does not count. */
const toolsDigest = ({ tools }: Fields): string =>
  digestOf(
    listOf(tools)
      .filter(isFields)
      .filter((tool) => tool.defer_loading !== true)
      .sort((a, b) => (textOf(a.name) < textOf(b.name) ? -1 : 1))
      .map(canonical)
      .join('\n'),
  );

const isThinking = ({ type }: Fields): boolean => type === 'thinking' || type === 'redacted_thinking';

const open = (block: Fields): SealedBlock | undefined =>
  block.type === 'thinking'
    ? openThinking(textOf(block.thinking), textOf(block.signature))
    : openRedacted(textOf(block.data));

const chainDigest = (block: Fields): string => digestOf(textOf(block.signature) || textOf(block.data));

const behaviourOf = ({ body }: ClaudeRequest): string | undefined => {
  const { prefix_mismatch_behavior: behaviour } = fieldsOf(fieldsOf(body.thinking).block_binding);
  return behaviour === undefined ? undefined : textOf(behaviour);
};

/** Older accounts are checked only where the request says what a mismatch is to bring about. */
const isEnforced = (request: ClaudeRequest): boolean => {
  const { binds } = request.model;
  return (
    binds === 'always' || (binds !== 'never' && (request.isNewAccount || behaviourOf(request) !== undefined))
  );
};

const isAccountBound = ({ model, via }: ClaudeRequest): boolean =>
  model.binds !== 'never' && (model.accountBound || via !== 'api');

/** By the sentence that the API says of it. */
const differenceOf = (was: Binding, is: Binding, isFirst: boolean): string | undefined => {
  if (was.system !== is.system)
    return ' The `system` prompt differs from the one this block was created with.';
  if (was.tools !== is.tools) return ' The `tools` list differs from the one this block was created with.';
  if (was.messages !== is.messages) return '';
  // A leading run of blocks may be missing: the first may have had any before it.
  if (!isFirst && was.previous !== is.previous)
    return ' The `thinking` block that preceded this one when it was created is missing from this request.';
  return undefined;
};

const WHERE = ' Remove the block, or set `thinking.block_binding.prefix_mismatch_behavior` to "drop_block".';
const SETTING = ` That setting requires the \`${BINDING_BETA}\` value in the \`anthropic-beta\` header.`;

/** Throws a Refusal for a block that does not fit, where the check holds and the request does not say to drop it. */
export const bindHistory = (
  request: ClaudeRequest,
  note: (outcomes: readonly ThinkingOutcome[]) => void,
): BoundHistory => {
  const { body, model } = request;
  const account = `${request.via === 'api' ? 'anthropic' : 'aws'}${request.isNewAccount ? '/new' : ''}`;
  const binds = model.binds !== 'never';
  const said = createHash('sha256');
  const prompt = binds
    ? { system: digestOf(canonical(blocksOf(body.system))), tools: toolsDigest(body) }
    : { system: '', tools: '' };
  let previous = '';
  let isFirst = true;
  /** From the first block on that did not fit. */
  let drops = false;
  const outcomes: ThinkingOutcome[] = [];
  const bindingNow = (): Binding => ({
    account,
    ...prompt,
    messages: short(said.copy()),
    previous,
  });

  const hear = (role: string, block: Fields): void => {
    said.update(`${role}\0${canonical(block)}\0`);
  };

  const sealNext = (make: (binding: Binding | undefined) => string): string => {
    const sealed = make(binds ? bindingNow() : undefined);
    previous = digestOf(sealed);
    return sealed;
  };

  const refuseBlock = (path: string, type: string, difference: string): never => {
    outcomes.push({ path, outcome: 'refused', reason: 'prefix_binding_mismatch' });
    note(outcomes);
    const setting = request.betas.includes(BINDING_BETA) ? '' : SETTING;
    return refuse(
      `${path}: Invalid \`${type === 'thinking' ? 'signature' : 'data'}\` in \`${type}\` block. The block is bound to a different conversation.${WHERE}${setting}${difference}`,
    );
  };

  /** Whether the block reaches the model. */
  const keeps = (block: Fields, path: string): boolean => {
    const sealed = open(block);
    if (sealed === undefined) return true;
    const drop = (reason: Reason): boolean => {
      outcomes.push({ path, outcome: 'dropped', reason });
      return false;
    };
    const { binding } = sealed;
    if (binding !== undefined && isAccountBound(request) && binding.account !== account)
      return drop('organization_binding_mismatch');
    if (!readsBlocksOf(model, sealed.model, request.via)) return drop('model_binding_mismatch');
    if (drops) return drop('prefix_binding_mismatch');
    const difference = binding && binds ? differenceOf(binding, bindingNow(), isFirst) : undefined;
    if (difference !== undefined && isEnforced(request)) {
      if (behaviourOf(request) !== 'drop_block') refuseBlock(path, textOf(block.type), difference);
      drops = true;
      return drop('prefix_binding_mismatch');
    }
    outcomes.push(
      difference === undefined
        ? { path, outcome: 'accepted' }
        : { path, outcome: 'allowed', reason: 'prefix_binding_mismatch' },
    );
    isFirst = false;
    previous = chainDigest(block);
    return true;
  };

  // Without thinking in this request what was thought before is not looked at.
  const isOff = thinkingMode(request) === 'off';
  const messages = listOf(body.messages).map((message, index) => {
    if (!isFields(message)) return message;
    const kept = blocksOf(message.content).filter((block, inner) => {
      if (isThinking(block)) return isOff || keeps(block, at('messages', index, 'content', inner));
      if (binds) hear(textOf(message.role), block);
      return true;
    });
    return typeof message.content === 'string' ? message : { ...message, content: kept };
  });
  note(outcomes);
  return {
    outcomes,
    body: outcomes.some(({ outcome }) => outcome === 'dropped') ? { ...body, messages } : body,
    signNext: (text, seed) => sealNext((binding) => signThinking(model.id, text, seed, binding)),
    noteText: (text) => hear('assistant', { type: 'text', text }),
    redactNext: (seed) => sealNext((binding) => redactThinking(model.id, seed, binding)),
  };
};

/** What the answer tells of it, to who asked by the beta. */
export const transformationsOf = ({ betas }: ClaudeRequest, outcomes: readonly ThinkingOutcome[]): Fields => {
  if (!betas.includes(BINDING_BETA)) return {};
  const types = { dropped: 'thinking_dropped', allowed: 'thinking_mismatch_allowed' } as const;
  return {
    input_transformations: outcomes.flatMap(({ path, outcome, reason }) =>
      outcome === 'dropped' || outcome === 'allowed' ? [{ type: types[outcome], path, reason }] : [],
    ),
  };
};
