import type { CachedInput, PrefixCache, Segment } from '../cache.ts';
import { type Fields, fieldsOf, isFields, listOf, textOf } from '../json.ts';
import { countTokens } from '../tokens.ts';
import { blocksOf } from './ask.ts';
import type { ClaudeRequest } from './request.ts';

const IMAGE_TOKENS = 1200;
/** Base64 of a PDF weighs far more than its text. */
const BASE64_PER_TOKEN = 50;

const blockTokens = (block: Fields): number => {
  const source = fieldsOf(block.source);
  if (block.type === 'image') return IMAGE_TOKENS;
  if (block.type === 'document' && typeof source.data === 'string') {
    return source.type === 'text'
      ? countTokens(source.data)
      : Math.ceil(source.data.length / BASE64_PER_TOKEN);
  }
  if (block.type === 'text') return countTokens(textOf(block.text));
  if (block.type === 'tool_result') {
    return 5 + blocksOf(block.content).reduce((sum, inner) => sum + blockTokens(inner), 0);
  }
  return countTokens(JSON.stringify(block));
};

const markOf = (block: Fields): '5m' | '1h' | undefined =>
  isFields(block.cache_control) ? (block.cache_control.ttl === '1h' ? '1h' : '5m') : undefined;

const segment = (block: Fields, tokens: number, salt = ''): Segment => {
  const { cache_control: _, ...rest } = block;
  const mark = markOf(block);
  return { text: salt + JSON.stringify(rest), tokens, ...(mark === undefined ? {} : { mark }) };
};

const claudeSegments = ({ body }: ClaudeRequest): Segment[] => {
  const tools = listOf(body.tools)
    .filter(isFields)
    .map((tool) => segment(tool, countTokens(JSON.stringify(tool))));
  const system = blocksOf(body.system).map((block) => segment(block, blockTokens(block)));
  // A change of these keeps tools and system cached, not the messages.
  const salt = JSON.stringify([body.tool_choice, body.thinking]);
  const messages = listOf(body.messages)
    .filter(isFields)
    .flatMap((message) =>
      blocksOf(message.content).map((block, index) =>
        segment(block, blockTokens(block) + (index === 0 ? 4 : 0), `${salt}${textOf(message.role)}`),
      ),
    );
  const segments = [...tools, ...system, ...messages];
  const last = segments.at(-1);
  const automatic = markOf(body);
  return automatic === undefined || last === undefined
    ? segments
    : [...segments.slice(0, -1), { ...last, mark: automatic }];
};

export const measureClaude = (request: ClaudeRequest, cache: PrefixCache): CachedInput =>
  cache.measure(request.model.id, claudeSegments(request), request.model.cacheMinimum);

export const inputUsage = (input: CachedInput): Fields => ({
  input_tokens: input.total - input.read - input.written,
  cache_creation_input_tokens: input.written,
  cache_read_input_tokens: input.read,
});

export const cacheCreation = (input: CachedInput): Fields => ({
  cache_creation: {
    ephemeral_5m_input_tokens: input.written - input.written1h,
    ephemeral_1h_input_tokens: input.written1h,
  },
});
