import { type Fields, isBlank, isFields, listOf } from '../json.ts';
import { refuse } from '../refusal.ts';
import { openRedacted, openThinking } from '../thinking.ts';
import { at, needBoolean, needList, needObject, needString, needTag, onlyKnown } from './fields.ts';
import { checkDocument, checkImage } from './media.ts';
import type { ClaudeRequest } from './request.ts';

type Check = (block: Fields, path: string, request: ClaudeRequest) => void;

/** In `messages` an empty text is refused without its path, as the API does. */
const checkText: Check = (block, path) => {
  onlyKnown(block, ['type', 'text', 'cache_control', 'citations'], path);
  const text = needString(block, 'text', path);
  if (text === '') refuse('messages: text content blocks must be non-empty');
  if (isBlank(text)) refuse('messages: text content blocks must contain non-whitespace text');
};

const TOOL_ID = /^[a-zA-Z0-9_-]+$/;
const TOOL_NAME = /^[a-zA-Z0-9_-]{1,64}$/;

const checkId = (block: Fields, key: string, path: string): void => {
  if (!TOOL_ID.test(needString(block, key, path))) {
    refuse(`${at(path, key)}: String should match pattern '^[a-zA-Z0-9_-]+$'`);
  }
};

const checkToolUse: Check = (block, path) => {
  onlyKnown(block, ['type', 'id', 'name', 'input', 'cache_control', 'caller', 'toolset_name'], path);
  checkId(block, 'id', path);
  if (!TOOL_NAME.test(needString(block, 'name', path))) {
    refuse(`${at(path, 'name')}: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'`);
  }
  if (block.input === undefined) refuse(`${at(path, 'input')}: Field required`);
  if (!isFields(block.input)) refuse(`${at(path, 'input')}: Input should be a valid dictionary`);
};

const RESULT_TAGS = ['document', 'image', 'search_result', 'text', 'tool_reference', 'browser_state'];

const checkToolResult: Check = (block, path, request) => {
  onlyKnown(block, ['type', 'tool_use_id', 'content', 'is_error', 'cache_control'], path);
  checkId(block, 'tool_use_id', path);
  needBoolean(block.is_error, at(path, 'is_error'));
  const { content } = block;
  const isEmpty = content === undefined || content === '' || (Array.isArray(content) && content.length === 0);
  if (block.is_error === true && isEmpty) refuse(`${path}: content cannot be empty if \`is_error\` is true`);
  if (content === undefined || typeof content === 'string') return;
  for (const [index, part] of needList(content, at(path, 'content')).entries()) {
    const inner = needObject(part, at(path, 'content', index));
    const type = needTag(inner, RESULT_TAGS, at(path, 'content', index));
    const where = at(path, 'content', index, type);
    if (block.is_error === true && type !== 'text')
      refuse(`${path}: when \`is_error\` is true, all content must be type \`text\``);
    if (type === 'image') checkImage(inner, where, request);
    if (type === 'document') checkDocument(inner, where, request);
    if (type === 'text') {
      onlyKnown(inner, ['type', 'text', 'cache_control', 'citations'], where);
      if (needString(inner, 'text', where) === '') refuse('messages: text content blocks must be non-empty');
    }
  }
};

const checkThinking: Check = (block, path) => {
  onlyKnown(block, ['type', 'thinking', 'signature'], path);
  const text = needString(block, 'thinking', path);
  const signature = needString(block, 'signature', path);
  // Whose block it is, and what it is bound to, is looked at last (binding.ts).
  if (openThinking(text, signature) === undefined) {
    refuse(`${path.replace(/\.thinking$/, '')}: Invalid \`signature\` in \`thinking\` block`);
  }
};

const checkRedacted: Check = (block, path) => {
  onlyKnown(block, ['type', 'data'], path);
  if (openRedacted(needString(block, 'data', path)) === undefined) {
    refuse(`${path.replace(/\.redacted_thinking$/, '')}: Invalid \`data\` in \`redacted_thinking\` block`);
  }
};

const checkSearchResult: Check = (block, path) => {
  onlyKnown(block, ['type', 'content', 'source', 'title', 'citations', 'cache_control'], path);
  needString(block, 'source', path);
  needString(block, 'title', path);
  needList(block.content, at(path, 'content'));
};

const anything: Check = () => {};

const checks: Record<string, { readonly role: 'user' | 'assistant' | 'both'; readonly check: Check }> = {
  document: { role: 'user', check: checkDocument },
  image: { role: 'user', check: checkImage },
  redacted_thinking: { role: 'assistant', check: checkRedacted },
  search_result: { role: 'user', check: checkSearchResult },
  server_tool_use: { role: 'assistant', check: anything },
  text: { role: 'both', check: checkText },
  thinking: { role: 'assistant', check: checkThinking },
  tool_result: { role: 'user', check: checkToolResult },
  tool_use: { role: 'assistant', check: checkToolUse },
  web_search_tool_result: { role: 'assistant', check: anything },
};

const checkBlock = (
  value: unknown,
  path: string,
  role: 'user' | 'assistant',
  request: ClaudeRequest,
): void => {
  const block = needObject(value, path);
  const type = needTag(block, Object.keys(checks), path);
  const row = checks[type];
  if (row === undefined) return;
  if (row.role !== 'both' && row.role !== role) {
    refuse(
      `${path.split('.').slice(0, 2).join('.')}: \`${type}\` blocks can only be in \`${row.role}\` messages`,
    );
  }
  row.check(block, at(path, type), request);
  if (
    type === 'text' &&
    role === 'user' &&
    request.version === '2026-10-21' &&
    listOf(block.citations).length > 0
  ) {
    refuse(`${at(path, type, 'citations')}: citations are not permitted in user messages`);
  }
};

export const checkContent = (
  content: unknown,
  path: string,
  role: 'user' | 'assistant',
  request: ClaudeRequest,
): void => {
  if (content === undefined) refuse(`${path}: Field required`);
  if (typeof content === 'string') {
    if (content !== '' && isBlank(content))
      refuse('messages: text content blocks must contain non-whitespace text');
    return;
  }
  for (const [index, block] of needList(content, path).entries())
    checkBlock(block, at(path, index), role, request);
};
