import { type Fields, fieldsOf, isFields, listOf, textOf } from '../json.ts';
import type { ClaudeModel } from '../models.ts';

const IMAGE_TYPES: Record<string, string> = {
  png: 'image/png',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
};

const imageOf = (image: Fields): Fields => ({
  type: 'image',
  source: {
    type: 'base64',
    media_type: IMAGE_TYPES[textOf(image.format)] ?? 'image/png',
    data: fieldsOf(image.source).bytes,
  },
});

const decode = (bytes: unknown): string => Buffer.from(textOf(bytes), 'base64').toString('utf8');

/** Whatever the file was, the service hands its text on, except for PDF. */
const documentOf = (document: Fields): Fields => {
  const source = fieldsOf(document.source);
  const isPdf = document.format === 'pdf' && typeof source.bytes === 'string';
  const text =
    textOf(source.text) ||
    listOf(source.content)
      .map((part) => textOf(fieldsOf(part).text))
      .join('\n') ||
    decode(source.bytes) ||
    ' ';
  return {
    type: 'document',
    title: document.name,
    source: isPdf
      ? { type: 'base64', media_type: 'application/pdf', data: source.bytes }
      : { type: 'text', media_type: 'text/plain', data: text },
    ...(isFields(document.citations) ? { citations: document.citations } : {}),
  };
};

const resultPart = (part: Fields): Fields => {
  if (isFields(part.image)) return imageOf(part.image);
  if (isFields(part.document)) return documentOf(part.document);
  return { type: 'text', text: typeof part.text === 'string' ? part.text : JSON.stringify(part.json ?? {}) };
};

const reasoningOf = (reasoning: Fields): Fields =>
  typeof reasoning.redactedContent === 'string'
    ? { type: 'redacted_thinking', data: decode(reasoning.redactedContent) }
    : {
        type: 'thinking',
        thinking: textOf(fieldsOf(reasoning.reasoningText).text),
        signature: textOf(fieldsOf(reasoning.reasoningText).signature),
      };

const blockOf = (block: Fields): Fields[] => {
  if (typeof block.text === 'string') return [{ type: 'text', text: block.text }];
  if (isFields(block.image)) return [imageOf(block.image)];
  if (isFields(block.document)) return [documentOf(block.document)];
  if (isFields(block.reasoningContent)) return [reasoningOf(block.reasoningContent)];
  if (isFields(block.toolUse)) {
    const { toolUseId, name, input } = block.toolUse;
    return [{ type: 'tool_use', id: toolUseId, name, input }];
  }
  if (isFields(block.toolResult)) {
    const { toolUseId, content, status } = block.toolResult;
    return [
      {
        type: 'tool_result',
        tool_use_id: toolUseId,
        content: listOf(content).filter(isFields).map(resultPart),
        ...(status === 'error' ? { is_error: true } : {}),
      },
    ];
  }
  return [];
};

/** A cache point marks the block before it. */
const withMarks = (blocks: Fields[], turn: (block: Fields) => Fields[]): Fields[] => {
  const turned: Fields[] = [];
  for (const block of blocks) {
    const last = turned.at(-1);
    if (!isFields(block.cachePoint)) turned.push(...turn(block));
    else if (last !== undefined) {
      const { ttl } = block.cachePoint;
      turned[turned.length - 1] = {
        ...last,
        cache_control: { type: 'ephemeral', ...(ttl === undefined ? {} : { ttl }) },
      };
    }
  }
  return turned;
};

const toolOf = (tool: Fields): Fields[] => {
  if (!isFields(tool.toolSpec)) return [];
  const { name, description, inputSchema, strict } = tool.toolSpec;
  return [
    {
      name,
      ...(description === undefined ? {} : { description }),
      input_schema: fieldsOf(inputSchema).json,
      ...(strict === undefined ? {} : { strict }),
    },
  ];
};

const choiceOf = (choice: Fields): Fields | undefined => {
  if (isFields(choice.tool)) return { type: 'tool', name: choice.tool.name };
  if (isFields(choice.any)) return { type: 'any' };
  return isFields(choice.auto) ? { type: 'auto' } : undefined;
};

const outputConfig = (config: Fields): Fields => {
  const structure = fieldsOf(fieldsOf(config.textFormat).structure);
  const schema = textOf(fieldsOf(structure.jsonSchema).schema);
  return {
    ...(schema === '' ? {} : { format: { type: 'json_schema', schema: JSON.parse(schema) as unknown } }),
    ...(config.effort === undefined ? {} : { effort: config.effort }),
  };
};

const present = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** The Messages body the service makes of a Converse request; the additional fields go in as they are. */
export const toClaudeBody = (body: Fields, model: ClaudeModel): Fields => {
  const inference = fieldsOf(body.inferenceConfig);
  const tools = fieldsOf(body.toolConfig);
  const extra = fieldsOf(body.additionalModelRequestFields);
  const config = { ...outputConfig(fieldsOf(body.outputConfig)), ...fieldsOf(extra.output_config) };
  const stops = listOf(inference.stopSequences);
  const choice = choiceOf(fieldsOf(tools.toolChoice));
  return present({
    max_tokens: inference.maxTokens ?? model.maxOutput,
    temperature: inference.temperature,
    top_p: inference.topP,
    stop_sequences: stops.length > 0 ? stops : undefined,
    system: body.system === undefined ? undefined : withMarks(listOf(body.system).filter(isFields), blockOf),
    messages: listOf(body.messages)
      .filter(isFields)
      .map((message) => ({
        role: message.role,
        content: withMarks(listOf(message.content).filter(isFields), blockOf),
      })),
    tools: tools.tools === undefined ? undefined : withMarks(listOf(tools.tools).filter(isFields), toolOf),
    tool_choice: choice,
    ...Object.fromEntries(Object.entries(extra).filter(([name]) => name !== 'anthropic_beta')),
    ...(isFields(extra.tool_choice) && choice !== undefined
      ? { tool_choice: { ...choice, ...extra.tool_choice } }
      : {}),
    output_config: Object.keys(config).length > 0 ? config : undefined,
  });
};
