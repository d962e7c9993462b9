import { directiveText } from '../directives.ts';
import { digest } from '../ids.ts';
import { type Fields, isFields, listOf, textOf } from '../json.ts';
import { blocksOf } from './ask.ts';
import { type ClaudeRequest, thinkingMode } from './request.ts';

const isResult = (block: Fields): boolean => block.type === 'tool_result';

const userBlocks = (body: Fields): Fields[][] =>
  listOf(body.messages)
    .filter(isFields)
    .filter(({ role }) => role === 'user')
    .map(({ content }) => blocksOf(content));

/** `[[think always]]` or `[[think never]]` in the user's latest words. */
const wishOf = (turns: Fields[][]): string | undefined => {
  const words = turns.findLast((blocks) => !blocks.every(isResult)) ?? [];
  const text = words.map((block) => textOf(block.text)).join('\n');
  return directiveText(text, 'think');
};

/** What was said, whatever was thought: signatures are no reason to think again. */
const words = (_key: string, value: unknown): unknown =>
  isFields(value) && (value.type === 'thinking' || value.type === 'redacted_thinking') ? undefined : value;

/** One conversation is always thought about alike. */
const byChance = ({ body, model }: ClaudeRequest): boolean =>
  ((digest(model.id, JSON.stringify(body.messages, words))[0] ?? 0) & 1) === 1;

/**
 * Whether the model thinks before this answer. It does before the first one to a user's words. Between the tools
 * that follow, thinking by budget goes on only with interleaving; the other kinds think now and then.
 */
export const thinksNow = (request: ClaudeRequest): boolean => {
  const mode = thinkingMode(request);
  if (mode === 'off') return false;
  const turns = userBlocks(request.body);
  const wish = wishOf(turns);
  if (wish !== undefined) return wish !== 'never';
  const isFirst = turns.at(-1)?.every(isResult) !== true;
  if (isFirst) return mode !== 'between_tools';
  if (mode === 'enabled' && !request.betas.includes('interleaved-thinking-2025-05-14')) return false;
  return byChance(request);
};
