import { type Fields, fieldsOf, isBlank, isFields, listOf, textOf } from '../json.ts';
import { refuse } from '../refusal.ts';
import { blocksOf } from './ask.ts';
import { checkContent } from './blocks.ts';
import { at, needList, needObject, needString, needTag, onlyKnown } from './fields.ts';
import { checkOneOfMany } from './media.ts';
import { type ClaudeRequest, thinkingMode } from './request.ts';

interface Group {
  readonly role: 'user' | 'assistant';
  /** Of its first message. */
  readonly index: number;
  readonly blocks: Fields[];
}

/** Neighbours of one role count as one turn. */
const groupsOf = (messages: unknown[]): Group[] => {
  const groups: Group[] = [];
  for (const [index, message] of messages.filter(isFields).entries()) {
    if (message.role === 'system') continue;
    const role = message.role === 'assistant' ? 'assistant' : 'user';
    const last = groups.at(-1);
    if (last?.role === role) last.blocks.push(...blocksOf(message.content));
    else groups.push({ role, index, blocks: [...blocksOf(message.content)] });
  }
  return groups;
};

const idsOf = (blocks: Fields[], type: string, key: string): string[] =>
  blocks.filter((block) => block.type === type).map((block) => textOf(block[key]));

const checkRole = (role: unknown, index: number, request: ClaudeRequest): void => {
  if (role === 'user' || role === 'assistant') return;
  if (role !== 'system') {
    if (role === undefined) refuse(`messages.${index}.role: Field required`);
    refuse(`messages.${index}.role: Input should be 'user' or 'assistant'`);
  }
  if (!request.model.midSystem || request.via !== 'api' || index === 0) {
    refuse(
      'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an input message role.',
    );
  }
};

const SYSTEM_BLOCKS = ['type', 'text', 'cache_control', 'citations'];

/** github.com/pydantic/pydantic-ai/issues/5706, github.com/0xPlaygrounds/rig/pull/1862 */
const checkSystem = (messages: unknown[], index: number, content: unknown): void => {
  const [before, after] = [messages[index - 1], messages[index + 1]].map((message) => fieldsOf(message).role);
  const problems = [
    ...(before === 'user' ? [] : ['a system message must immediately follow a user turn']),
    ...(after === undefined || after === 'assistant'
      ? []
      : ['a system message must be last or be followed by an assistant turn']),
  ];
  if (problems.length > 0) refuse(problems.map((problem) => `messages.${index}: ${problem}`).join('; '));
  for (const [inner, block] of blocksOf(content).entries()) {
    const path = at('messages', index, 'content', inner);
    needTag(block, ['text'], path);
    onlyKnown(block, SYSTEM_BLOCKS, path);
    if (isBlank(needString(block, 'text', path)))
      refuse('messages: text content blocks must contain non-whitespace text');
  }
};

const checkMessages = (messages: unknown[], request: ClaudeRequest): void => {
  for (const [index, value] of messages.entries()) {
    const message = needObject(value, at('messages', index));
    onlyKnown(message, ['role', 'content'], at('messages', index));
    checkRole(message.role, index, request);
    const { content, role } = message;
    const isEmpty = content === '' || (Array.isArray(content) && content.length === 0);
    if (isEmpty && !(index === messages.length - 1 && role === 'assistant')) {
      refuse(
        `messages.${index}: all messages must have non-empty content except for the optional final assistant message`,
      );
    }
    if (role === 'system') checkSystem(messages, index, content);
    else
      checkContent(
        content,
        at('messages', index, 'content'),
        role === 'assistant' ? 'assistant' : 'user',
        request,
      );
  }
};

const checkResults = (group: Group, before: Group | undefined): void => {
  const known = before === undefined ? [] : idsOf(before.blocks, 'tool_use', 'id');
  const seen = new Set<string>();
  for (const [index, block] of group.blocks.entries()) {
    if (block.type !== 'tool_result') continue;
    const id = textOf(block.tool_use_id);
    if (!known.includes(id)) {
      refuse(
        `messages.${group.index}.content.${index}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${id}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
      );
    }
    if (seen.has(id)) {
      refuse(
        `messages.${group.index}.content.${index}: each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ${id}`,
      );
    }
    seen.add(id);
  }
};

const checkCalls = (group: Group, after: Group | undefined): void => {
  const ids = idsOf(group.blocks, 'tool_use', 'id');
  if (ids.length === 0) return;
  const results = idsOf(after?.blocks ?? [], 'tool_result', 'tool_use_id');
  const missing = ids.filter((id) => !results.includes(id));
  if (missing.length > 0) {
    refuse(
      `messages.${group.index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${missing.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
    );
  }
  const leading = (after?.blocks ?? []).findIndex((block) => block.type !== 'tool_result');
  if (leading >= 0 && leading < ids.length) {
    refuse(
      `messages.${after?.index}: Did not find ${ids.length} \`tool_result\` block(s) at the beginning of this message. Messages following \`tool_use\` blocks must begin with a matching number of \`tool_result\` blocks.`,
    );
  }
};

const HEAD = new Set(['thinking', 'redacted_thinking']);

/** A user turn with more in it than results of tools. */
const isSpoken = ({ role, blocks }: Group): boolean =>
  role === 'user' && blocks.some((block) => block.type !== 'tool_result');

/**
 * Thinking by budget wants its block back at the head of the first assistant turn after the user's last words,
 * and of a last one that is to be continued. Later turns of the loop need none, and adaptive thinking never does.
 */
const checkHead = (groups: Group[], request: ClaudeRequest): void => {
  if (thinkingMode(request) !== 'enabled') return;
  const last = groups.at(-1);
  const turn = last?.role === 'assistant' ? last : groups[groups.findLastIndex(isSpoken) + 1];
  const head = textOf(turn?.blocks[0]?.type);
  if (turn?.role !== 'assistant' || HEAD.has(head)) return;
  refuse(
    `messages.${turn.index}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${head}\`. When \`thinking\` is enabled, a final \`assistant\` message must start with a thinking block (preceeding the lastmost set of \`tool_use\` and \`tool_result\` blocks). We recommend you include thinking blocks from previous turns. To avoid this requirement, disable \`thinking\`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking`,
  );
};

const checkPrefill = (groups: Group[], request: ClaudeRequest): void => {
  const last = groups.at(-1);
  if (last?.role !== 'assistant') return;
  if (!request.model.prefill) {
    refuse(
      'This model does not support assistant message prefill. The conversation must end with a user message.',
    );
  }
  const { format } = isFields(request.body.output_config) ? request.body.output_config : {};
  if (isFields(format))
    refuse('output_config.format: prefilling the assistant message is not supported with structured outputs');
  const text = last.blocks.at(-1)?.text;
  if (typeof text === 'string' && text !== text.trimEnd()) {
    refuse('messages: final assistant content cannot end with trailing whitespace');
  }
};

const MANY_IMAGES = 20;

const imagesOf = (messages: unknown[]): [path: string, image: Fields][] => {
  const images: [path: string, image: Fields][] = [];
  const collect = (content: unknown, path: string): void => {
    for (const [index, block] of listOf(content).filter(isFields).entries()) {
      if (block.type === 'image') images.push([at(path, index, 'image'), block]);
      if (block.type === 'tool_result') collect(block.content, at(path, index, 'tool_result', 'content'));
    }
  };
  for (const [index, message] of messages.entries())
    collect(fieldsOf(message).content, at('messages', index, 'content'));
  return images;
};

const checkImages = (messages: unknown[], request: ClaudeRequest): void => {
  const images = imagesOf(messages);
  if (images.length > request.model.images) {
    refuse(
      `messages: too many images: ${images.length} > ${request.model.images}, which is the maximum allowed for this model`,
    );
  }
  if (images.length > MANY_IMAGES) for (const [path, image] of images) checkOneOfMany(image, path);
};

export const checkHistory = (request: ClaudeRequest): void => {
  const messages = needList(request.body.messages, 'messages');
  if (messages.length === 0) refuse('messages: at least one message is required');
  checkMessages(messages, request);
  const groups = groupsOf(messages);
  if (groups[0]?.role !== 'user') refuse('messages: first message must use the "user" role');
  const ids = groups.flatMap((group) => idsOf(group.blocks, 'tool_use', 'id'));
  if (new Set(ids).size < ids.length) refuse('messages: `tool_use` ids must be unique');
  for (const [index, group] of groups.entries()) {
    if (group.role === 'user') checkResults(group, groups[index - 1]);
    else checkCalls(group, groups[index + 1]);
  }
  checkPrefill(groups, request);
  checkHead(groups, request);
  checkImages(messages, request);
};
