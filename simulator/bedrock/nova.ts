import { compose } from '../answer.ts';
import type { Answer, Ask, Choice, Part, Tool } from '../ask.ts';
import type { CachedInput, PrefixCache, Segment } from '../cache.ts';
import { mergeTurns } from '../claude/ask.ts';
import { digest } from '../ids.ts';
import { type Fields, fieldsOf, isFields, listOf, textOf } from '../json.ts';
import type { NovaModel } from '../models.ts';
import { choiceAsTold } from '../obedience.ts';
import { Refusal, refuseAws } from '../refusal.ts';
import type { Call } from '../reply.ts';
import { countTokens } from '../tokens.ts';

const resultText = (content: unknown): string =>
  listOf(content)
    .filter(isFields)
    .map((part) =>
      typeof part.text === 'string'
        ? part.text
        : part.json === undefined
          ? `(${Object.keys(part)[0]})`
          : JSON.stringify(part.json),
    )
    .join(' ');

const partsOf = (block: Fields): Part[] => {
  if (typeof block.text === 'string') return [{ type: 'text', text: block.text }];
  for (const kind of ['image', 'document', 'video'] as const) {
    const media = block[kind];
    if (isFields(media)) return [{ type: 'media', kind, format: textOf(media.format) }];
  }
  if (isFields(block.toolUse)) {
    return [{ type: 'call', id: textOf(block.toolUse.toolUseId), name: textOf(block.toolUse.name) }];
  }
  if (!isFields(block.toolResult)) return [];
  const { toolUseId, content, status } = block.toolResult;
  return [{ type: 'result', id: textOf(toolUseId), text: resultText(content), failed: status === 'error' }];
};

const choiceOf = (given: Fields): Choice => {
  if (isFields(given.tool)) return { type: 'tool', name: textOf(given.tool.name), single: false };
  return { type: isFields(given.any) ? 'any' : 'auto', single: false };
};

const DEPTH: Record<string, number> = { low: 1, medium: 3, high: 5 };

const novaAsk = (body: Fields, model: NovaModel, seed: string): Ask => {
  const inference = fieldsOf(body.inferenceConfig);
  const tools = fieldsOf(body.toolConfig);
  const reasoning = fieldsOf(fieldsOf(body.additionalModelRequestFields).reasoningConfig);
  const system = listOf(body.system)
    .map((block) => textOf(fieldsOf(block).text))
    .join('\n');
  return {
    modelName: model.id,
    family: 'nova',
    callPrefix: 'tooluse_',
    seed,
    system,
    turns: mergeTurns(
      listOf(body.messages)
        .filter(isFields)
        .map((message) => ({
          role: message.role === 'assistant' ? 'assistant' : 'user',
          parts: listOf(message.content).filter(isFields).flatMap(partsOf),
        })),
    ),
    tools: listOf(tools.tools)
      .map((tool) => fieldsOf(fieldsOf(tool).toolSpec))
      .filter((spec) => spec.name !== undefined)
      .map(
        (spec): Tool => ({
          name: textOf(spec.name),
          description: textOf(spec.description),
          schema: fieldsOf(fieldsOf(spec.inputSchema).json),
        }),
      ),
    choice: choiceAsTold(choiceOf(fieldsOf(tools.toolChoice)), system, ''),
    thinking:
      reasoning.type === 'enabled'
        ? {
            shown: true,
            depth: DEPTH[textOf(reasoning.maxReasoningEffort)] ?? 3,
            sign: undefined,
            note: undefined,
            redact: undefined,
          }
        : undefined,
    thinkingTags: model.thinkingTags,
    schema: undefined,
    maxTokens: typeof inference.maxTokens === 'number' ? inference.maxTokens : model.maxOutput,
    stops: listOf(inference.stopSequences).map(textOf),
  };
};

const IMAGE_TOKENS = 1200;

const blockTokens = (block: Fields): number => {
  if (typeof block.text === 'string') return countTokens(block.text);
  if (isFields(block.image) || isFields(block.video)) return IMAGE_TOKENS;
  if (isFields(block.document)) return Math.ceil(textOf(fieldsOf(block.document.source).bytes).length / 20);
  return countTokens(JSON.stringify(block));
};

/** Pieces in prefix order; a cache point marks what stands before it. */
const segmentsOf = (body: Fields): Segment[] => {
  const lists = [
    listOf(fieldsOf(body.toolConfig).tools),
    listOf(body.system),
    ...listOf(body.messages).map((message) => listOf(fieldsOf(message).content)),
  ];
  const segments: Segment[] = [];
  for (const block of lists.flat().filter(isFields)) {
    const last = segments.at(-1);
    if (!isFields(block.cachePoint))
      segments.push({ text: JSON.stringify(block), tokens: blockTokens(block) });
    else if (last !== undefined) segments[segments.length - 1] = { ...last, mark: '5m' };
  }
  return segments;
};

export const answerNova = (
  call: Call,
  body: Fields,
  model: NovaModel,
  stream: boolean,
  cache: PrefixCache,
): { answer: Answer; input: CachedInput; seed: string } => {
  const seed = digest(model.id, call.body.toString('utf8')).toString('hex');
  const input = cache.measure(model.id, segmentsOf(body), model.cacheMinimum);
  if (input.total > model.context) {
    refuseAws(
      `Input Tokens Exceeded: Number of input tokens exceeds maximum length. Please update the input to try again.`,
    );
  }
  const answer = compose(novaAsk(body, model, seed));
  if (call.unfinishedTool || answer.blocks.some((block) => block.type === 'call' && block.cut)) {
    // Nova has no half a call: it fails, by status where there is still one to send.
    throw new Refusal(
      424,
      stream ? 'ModelStreamErrorException' : 'ModelErrorException',
      'The model produced an invalid sequence as part of ToolUse. Please refer to the model tool use troubleshooting guide.',
    );
  }
  return { answer, input, seed };
};
