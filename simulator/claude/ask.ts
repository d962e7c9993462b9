import type { Ask, Choice, Part, Thinking, Tool, Turn } from '../ask.ts';
import { type Fields, fieldsOf, isFields, listOf, textOf } from '../json.ts';
import { choiceAsTold } from '../obedience.ts';
import type { BoundHistory } from './binding.ts';
import type { ClaudeRequest } from './request.ts';

export const blocksOf = (content: unknown): Fields[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : listOf(content).filter(isFields);

const plainText = (content: unknown): string =>
  blocksOf(content)
    .map((block) => (block.type === 'text' ? textOf(block.text) : `(${textOf(block.type)})`))
    .join(' ');

const mediaFormat = (source: Fields): string => textOf(source.media_type) || textOf(source.type);

const partsOf = (block: Fields): Part[] => {
  switch (block.type) {
    case 'text':
      return [{ type: 'text', text: textOf(block.text) }];
    case 'image':
      return [{ type: 'media', kind: 'image', format: mediaFormat(fieldsOf(block.source)) }];
    case 'document':
      return [{ type: 'media', kind: 'document', format: mediaFormat(fieldsOf(block.source)) }];
    case 'tool_use':
      return [{ type: 'call', id: textOf(block.id), name: textOf(block.name) }];
    case 'tool_result':
      return [
        {
          type: 'result',
          id: textOf(block.tool_use_id),
          text: plainText(block.content),
          failed: block.is_error === true,
        },
      ];
    default:
      return [];
  }
};

/** Neighbouring turns of one role are one turn, as the API has it; a system turn speaks with the user's voice. */
export const mergeTurns = (turns: Turn[]): Turn[] => {
  const merged: Turn[] = [];
  for (const turn of turns) {
    const last = merged.at(-1);
    if (last?.role === turn.role)
      merged[merged.length - 1] = { ...last, parts: [...last.parts, ...turn.parts] };
    else merged.push(turn);
  }
  return merged;
};

const DEPTH: Record<string, number> = { low: 1, medium: 2, high: 3, xhigh: 4, max: 5 };

const thinkingOf = (request: ClaudeRequest, seed: string, history: BoundHistory): Thinking => {
  const { model, body } = request;
  const display = textOf(fieldsOf(body.thinking).display) || model.display;
  return {
    shown: display !== 'omitted',
    depth: DEPTH[textOf(fieldsOf(body.output_config).effort)] ?? 3,
    sign: (text) => history.signNext(text, seed),
    redact: (text) => history.redactNext(`${seed}/${text}`),
    note: history.noteText,
  };
};

const choiceOf = (body: Fields): Choice => {
  const given = fieldsOf(body.tool_choice);
  const type = given.type === 'any' || given.type === 'tool' || given.type === 'none' ? given.type : 'auto';
  return {
    type,
    single: given.disable_parallel_tool_use === true,
    ...(type === 'tool' ? { name: textOf(given.name) } : {}),
  };
};

/** System messages in the middle of a conversation instruct like those at its head. */
const systemTexts = (body: Fields): string[] =>
  [
    body.system,
    ...listOf(body.messages)
      .filter(isFields)
      .flatMap(({ role, content }) => (role === 'system' ? [content] : [])),
  ]
    .flatMap(blocksOf)
    .map((block) => textOf(block.text));

const lastWords = ({ messages }: Fields): string => {
  const { role, content } = fieldsOf(listOf(messages).findLast((each) => fieldsOf(each).role !== 'system'));
  return role === 'user' ? plainText(content) : '';
};

const CALL_PREFIX = { api: 'toolu_', invoke: 'toolu_bdrk_', converse: 'tooluse_' } as const;

export const claudeAsk = (
  request: ClaudeRequest,
  seed: string,
  thinks: boolean,
  history: BoundHistory,
): Ask => {
  const { body, model } = request;
  const format = fieldsOf(fieldsOf(body.output_config).format);
  const system = systemTexts(body).join('\n');
  return {
    modelName: model.id,
    family: 'claude',
    callPrefix: CALL_PREFIX[request.via],
    seed,
    system,
    turns: mergeTurns(
      listOf(body.messages)
        .filter(isFields)
        .map((message) => ({
          role: message.role === 'assistant' ? 'assistant' : 'user',
          parts: message.role === 'system' ? [] : blocksOf(message.content).flatMap(partsOf),
        })),
    ),
    tools: listOf(body.tools)
      .filter(isFields)
      .map(
        (tool): Tool => ({
          name: textOf(tool.name),
          description: textOf(tool.description),
          schema: fieldsOf(tool.input_schema),
        }),
      ),
    choice: choiceAsTold(choiceOf(body), plainText(body.system), lastWords(body)),
    thinking: thinks ? thinkingOf(request, seed, history) : undefined,
    thinkingTags: false,
    schema: format.type === 'json_schema' ? fieldsOf(format.schema) : undefined,
    maxTokens: Number(body.max_tokens),
    stops: listOf(body.stop_sequences).map(textOf),
  };
};
