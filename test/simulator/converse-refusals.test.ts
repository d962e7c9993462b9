import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../simulator/index.ts';
import { pngOf } from '../support/images.ts';
import { NOVA, NOVA_2, PNG, post, SONNET, TODAY } from './clients.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ now: () => TODAY });
});
afterAll(() => simulator.close());

const AUTH = { authorization: 'Bearer bedrock-api-key-test' };
const text = (words = 'hi') => ({ text: words });
const user = (...content: object[]) => ({ role: 'user', content: content.length > 0 ? content : [text()] });
const assistant = (...content: object[]) => ({ role: 'assistant', content });
const use = (id = 't1', name = 'look') => ({ toolUse: { toolUseId: id, name, input: {} } });
const result = (id = 't1', extra: object = {}) => ({
  toolResult: { toolUseId: id, content: [text('ok')], ...extra },
});
const spec = (extra: object = {}, schema: object = {}) => ({
  toolSpec: { name: 'look', inputSchema: { json: { type: 'object', properties: {}, ...schema } }, ...extra },
});
const tools = (...list: object[]) => ({ toolConfig: { tools: list.length > 0 ? list : [spec()] } });
const image = (format = 'png', bytes = PNG) => ({ image: { format, source: { bytes } } });
const file = (name = 'notes', bytes = 'aGVsbG8g') => ({
  document: { name, format: 'txt', source: { bytes } },
});

type Case = [name: string, modelId: string, body: object, message: RegExp | string, status?: number];

const cases: Case[] = [
  ['unknown model', 'us.amazon.nova-9-v1:0', {}, 'The provided model identifier is invalid.'],
  [
    'profile that does not exist',
    'jp.amazon.nova-lite-v1:0',
    {},
    'The provided model identifier is invalid.',
  ],
  [
    'bare id of a profile-only model',
    'anthropic.claude-sonnet-4-6',
    {},
    /^Invocation of model ID anthropic.claude-sonnet-4-6 with on-demand throughput isn't supported/,
  ],
  ['model at its end', 'us.amazon.nova-premier-v1:0', {}, /reached the end of its life/, 404],
  ['unknown field', NOVA, { model: 'x' }, /extraneous key \[model\] is not permitted/],
  [
    'assistant first',
    NOVA,
    { messages: [assistant(text()), user()] },
    /^A conversation must start with a user message/,
  ],
  ['two user turns', NOVA, { messages: [user(), user()] }, /^A conversation must alternate/],
  [
    'empty content',
    NOVA,
    { messages: [{ role: 'user', content: [] }] },
    'The content field in the Message object at messages.0 is empty. Add a ContentBlock object to the content field and try again.',
  ],
  [
    'blank text',
    NOVA,
    { messages: [user(text(' '))] },
    'The text field in the ContentBlock object at messages.0.content.0 is blank. Add text to the text field, and try again.',
  ],
  [
    'two members in a union',
    NOVA,
    { messages: [user({ text: 'x', image: {} })] },
    /exactly one member must be set, found 2/,
  ],
  [
    'blank system',
    NOVA,
    { system: [text('')] },
    /^The text field in the SystemContentBlock object at system.0 is blank/,
  ],
  [
    'document name with a dot',
    NOVA,
    { messages: [user(text(), file('notes.txt'))] },
    /^The document file name can only contain/,
  ],
  [
    'document name with two spaces',
    NOVA,
    { messages: [user(text(), file('my  notes'))] },
    /^The document file name can only contain/,
  ],
  [
    'two documents of one name',
    NOVA,
    { messages: [user(text(), file(), file())] },
    /^Document names must be unique/,
  ],
  [
    'document without text',
    NOVA,
    { messages: [user(file())] },
    /^A text block is required when using documents/,
  ],
  [
    'six documents',
    NOVA,
    { messages: [user(text(), ...['a', 'b', 'c', 'd', 'e', 'f'].map((name) => file(name)))] },
    /at most 5 documents/,
  ],
  [
    'document over 4.5 MB',
    NOVA,
    { messages: [user(text(), file('big', 'a'.repeat(6_400_000)))] },
    /at most 4.5 MB/,
  ],
  [
    '21 images',
    NOVA,
    { messages: [user(...Array.from({ length: 21 }, () => image()))] },
    /at most 20 images/,
  ],
  [
    'image over 3.75 MB',
    NOVA,
    { messages: [user(image('png', PNG.slice(0, 40) + 'a'.repeat(5_300_000)))] },
    /at most 3.75 MB/,
  ],
  [
    'image over 8,000 pixels',
    NOVA,
    { messages: [user(image('png', pngOf(8001, 1)))] },
    /larger than 8000 pixels/,
  ],
  ['image/jpg', NOVA, { messages: [user(image('jpg'))] }, /enum value set/],
  ['image of another format', NOVA, { messages: [user(image('jpeg'))] }, /could not be read as jpeg/],
  [
    'image for Nova Micro',
    'us.amazon.nova-micro-v1:0',
    { messages: [user(text(), image())] },
    /^This model doesn't support the image content block/,
  ],
  [
    'document for Nova Micro',
    'us.amazon.nova-micro-v1:0',
    { messages: [user(text(), file())] },
    /^This model doesn't support the document content block/,
  ],
  [
    'tool history without tools',
    NOVA,
    { messages: [user(), assistant(use()), user(result())] },
    'The toolConfig field must be defined when using toolUse and toolResult content blocks.',
  ],
  [
    'missing result',
    NOVA,
    { ...tools(), messages: [user(), assistant(use()), user()] },
    'Expected toolResult blocks at messages.2.content for the following Ids: t1',
  ],
  [
    'too many results',
    NOVA,
    { ...tools(), messages: [user(), assistant(use()), user(result(), result('t2'))] },
    /^The number of toolResult blocks at messages.2.content exceeds/,
  ],
  [
    'json result that is a list',
    NOVA,
    { ...tools(), messages: [user(), assistant(use()), user(result('t1', { content: [{ json: [1] }] }))] },
    /Provide a json object for the field/,
  ],
  [
    'id with a slash',
    NOVA,
    { ...tools(), messages: [user(), assistant(use('a/b')), user(result('a/b'))] },
    /regular expression pattern/,
  ],
  [
    'tool name with a dot',
    NOVA,
    tools(spec({ name: 'a.b' })),
    /regular expression pattern: \[a-zA-Z0-9_-\]\+/,
  ],
  ['tool name of 65', NOVA, tools(spec({ name: 'a'.repeat(65) })), /length less than or equal to 64/],
  ['hyphen in a tool name', NOVA, tools(spec({ name: 'a-b' })), /\[a-b\] does not match pattern/],
  ['blank description', NOVA, tools(spec({ description: '' })), /^The description field at/],
  ['no tools in the list', NOVA, { toolConfig: { tools: [] } }, /^The tools field at toolConfig is empty/],
  [
    'additionalProperties on top',
    NOVA,
    tools(spec({}, { additionalProperties: false })),
    /extraneous key \[additionalProperties\]/,
  ],
  ['$ref below', NOVA, tools(spec({}, { properties: { a: { $ref: '#/x' } } })), /extraneous key \[\$ref\]/],
  [
    'choice none',
    NOVA,
    { toolConfig: { tools: [spec()], toolChoice: { none: {} } } },
    /^Unknown union member at toolConfig.toolChoice: none/,
  ],
  [
    'choice of an unknown tool',
    NOVA,
    { toolConfig: { tools: [spec()], toolChoice: { tool: { name: 'y' } } } },
    /^The tool y/,
  ],
  [
    'signature',
    NOVA,
    {
      messages: [
        user(),
        assistant({ reasoningContent: { reasoningText: { text: 'x', signature: 'y' } } }, text()),
        user(),
      ],
    },
    /^This model doesn't support the reasoningContent.reasoningText.signature field/,
  ],
  [
    'a cache point among the tools',
    NOVA,
    {
      toolConfig: {
        tools: [
          { toolSpec: { name: 'a', inputSchema: { json: { type: 'object' } } } },
          { cachePoint: { type: 'default' } },
        ],
      },
    },
    /#\/toolConfig\/tools\/1: extraneous key \[cachePoint\] is not permitted/,
  ],
  [
    'a cache point after anything but text',
    NOVA,
    {
      messages: [
        user(
          { image: { format: 'png', source: { bytes: PNG } } },
          { cachePoint: { type: 'default' } },
          text(),
        ),
      ],
    },
    /#\/messages\/0\/content\/1: extraneous key \[cachePoint\] is not permitted/,
  ],
  ['topK in the wrong place', NOVA, { inferenceConfig: { topK: 5 } }, /extraneous key \[topK\]/],
  [
    'temperature above 1',
    NOVA,
    { inferenceConfig: { temperature: 1.5 } },
    /'1.5' at 'inferenceConfig.temperature' failed to satisfy constraint: Member must have value less than or equal to 1/,
  ],
  [
    'maxTokens above the model',
    NOVA,
    { inferenceConfig: { maxTokens: 10_001 } },
    /^The maximum tokens you requested exceeds the model limit of 10000/,
  ],
  ['blank stop', NOVA, { inferenceConfig: { stopSequences: [' '] } }, /is blank/],
  [
    'five stops',
    NOVA,
    { inferenceConfig: { stopSequences: ['a', 'b', 'c', 'd', 'e'] } },
    /length less than or equal to 4/,
  ],
  [
    'unknown additional field',
    NOVA,
    { additionalModelRequestFields: { top_k: 5 } },
    /extraneous key \[top_k\]/,
  ],
  [
    'reasoning on Nova 1',
    NOVA,
    { additionalModelRequestFields: { reasoningConfig: { type: 'enabled' } } },
    /extraneous key \[reasoningConfig\]/,
  ],
  [
    'high effort with maxTokens',
    NOVA_2,
    {
      inferenceConfig: { maxTokens: 100 },
      additionalModelRequestFields: { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'high' } },
    },
    /inferenceConfig.maxTokens must not be set/,
  ],
  [
    '17 metadata pairs',
    NOVA,
    { requestMetadata: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`k${n}`, 'v'])) },
    /less than or equal to 16/,
  ],
  [
    'metadata outside its characters',
    NOVA,
    { requestMetadata: { user: 'a|b' } },
    /regular expression pattern/,
  ],
  [
    'Nova prompt too long',
    NOVA,
    { messages: [user(text('word '.repeat(250_000)))] },
    /^Input Tokens Exceeded/,
  ],
  [
    'Claude rule reached through Converse',
    SONNET,
    { additionalModelRequestFields: { thinking: { type: 'adaptive' } } },
    'The model returned the following errors: adaptive thinking is not supported on this model',
  ],
  [
    'Claude with a feature it does not know',
    SONNET,
    { additionalModelRequestFields: { anthropic_beta: ['made-up'] } },
    'invalid beta flag',
  ],
  [
    'Claude with unknown additional field',
    SONNET,
    { additionalModelRequestFields: { reasoning: {} } },
    'The model returned the following errors: reasoning: Extra inputs are not permitted',
  ],
  [
    'Claude prompt too long',
    SONNET,
    { messages: [user(text('word '.repeat(170_000)))] },
    /^The model returned the following errors: prompt is too long/,
  ],
];

describe('Converse refuses', () => {
  it.each(cases)('%s', async (_name, modelId, change, message, status = 400) => {
    const seen = await post(
      `${simulator.bedrockUrl}/model/${encodeURIComponent(modelId)}/converse`,
      { messages: [user()], ...change },
      AUTH,
    );
    expect(seen.message).toMatch(message);
    if (typeof message === 'string') expect(seen.message).toBe(message);
    expect(seen.status).toBe(status);
    expect(seen.headers.get('x-amzn-errortype')).toMatch(/^[A-Z]\w+Exception:http/);
    expect(Object.keys(seen.body)).toEqual(['message']);
  });
});

const signed = (service: string, headers: string, key = 'AKIATEST') =>
  `AWS4-HMAC-SHA256 Credential=${key}/20261122/us-east-1/${service}/aws4_request, SignedHeaders=${headers}, Signature=${'0'.repeat(64)}`;

describe('Bedrock authentication refuses', () => {
  const DATE = { 'x-amz-date': '20261122T120000Z' };
  it.each([
    ['nothing', {}, 'MissingAuthenticationTokenException'],
    ['half a header', { authorization: 'AWS4-HMAC-SHA256 Credential=x' }, 'IncompleteSignatureException'],
    [
      'another service',
      { ...DATE, authorization: signed('s3', 'host;x-amz-date') },
      'InvalidSignatureException',
    ],
    ['an unsigned date', { ...DATE, authorization: signed('bedrock', 'host') }, 'InvalidSignatureException'],
    ['no date', { authorization: signed('bedrock', 'host;x-amz-date') }, 'IncompleteSignatureException'],
    [
      'a bad key',
      { ...DATE, authorization: signed('bedrock', 'host;x-amz-date', 'AKIAINVALID') },
      'UnrecognizedClientException',
    ],
    ['a bad token', { authorization: 'Bearer invalid' }, 'AccessDeniedException'],
  ])('%s', async (_name, headers, type) => {
    const seen = await post(
      `${simulator.bedrockUrl}/model/${encodeURIComponent(NOVA)}/converse`,
      { messages: [user()] },
      headers as Record<string, string>,
    );
    expect([seen.status, seen.headers.get('x-amzn-errortype')?.split(':')[0]]).toEqual([403, type]);
  });
});

describe('Invoke refuses', () => {
  const body = {
    anthropic_version: 'bedrock-2023-05-31',
    max_tokens: 10,
    messages: [{ role: 'user', content: 'hi' }],
  };
  it.each<[string, string, object, RegExp | string]>([
    ['no anthropic_version', SONNET, { anthropic_version: undefined }, 'anthropic_version: Field required'],
    [
      'the new version on 4.5',
      SONNET,
      { anthropic_version: '2026-10-21' },
      /is not supported for this model/,
    ],
    [
      'a feature it does not know',
      SONNET,
      { anthropic_beta: ['effort-2025-11-24', 'extended-cache-ttl-2025-04-11'] },
      'invalid beta flag',
    ],
    ['model in the body', SONNET, { model: 'x' }, 'model: Extra inputs are not permitted'],
    ['stream in the body', SONNET, { stream: true }, 'stream: Extra inputs are not permitted'],
    [
      'URL image',
      SONNET,
      {
        messages: [
          { role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'https://x/y.png' } }] },
        ],
      },
      /Input tag 'url' found/,
    ],
    [
      'format where Bedrock lacks it',
      'us.anthropic.claude-opus-4-7',
      { output_config: { format: { type: 'json_schema', schema: {} } } },
      'output_config.format: Extra inputs are not permitted',
    ],
    [
      'sampling under the new version',
      'us.anthropic.claude-opus-4-7',
      { anthropic_version: '2026-10-21', temperature: 1 },
      'temperature: Extra inputs are not permitted',
    ],
  ])('%s', async (_name, modelId, change, message) => {
    const seen = await post(`${simulator.bedrockUrl}/model/${modelId}/invoke`, { ...body, ...change }, AUTH);
    expect(seen.message).toMatch(message);
    expect([seen.status, seen.headers.get('x-amzn-errortype')?.split(':')[0]]).toEqual([
      400,
      'ValidationException',
    ]);
  });
});

describe('a bare id', () => {
  const ask = (region: string, modelId: string) =>
    post(
      `${simulator.bedrockUrl}/model/${encodeURIComponent(modelId)}/converse`,
      { messages: [user()] },
      {
        'x-amz-date': '20261122T120000Z',
        authorization: `AWS4-HMAC-SHA256 Credential=AKIATEST/20261122/${region}/bedrock/aws4_request, SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`,
      },
    );

  it.each([
    { modelId: 'amazon.nova-lite-v1:0', region: 'us-west-2', status: 200 },
    { modelId: 'amazon.nova-lite-v1:0', region: 'us-west-1', status: 400 },
    { modelId: 'amazon.nova-pro-v1:0', region: 'us-west-2', status: 400 },
    { modelId: 'amazon.nova-2-lite-v1:0', region: 'us-east-1', status: 400 },
    {
      modelId: 'arn:aws:bedrock:us-west-1::foundation-model/amazon.nova-lite-v1:0',
      region: 'us-west-1',
      status: 400,
    },
    { modelId: 'us.amazon.nova-lite-v1:0', region: 'us-west-1', status: 200 },
  ])('$modelId is $status in $region', async ({ modelId, region, status }) => {
    const seen = await ask(region, modelId);
    expect(seen.status).toBe(status);
    if (status !== 200) expect(seen.message).toMatch(/with on-demand throughput isn't supported/);
  });
});

describe('a model that AWS withholds from the account', () => {
  it.each([
    ['use-case-form', 404, /^Model use case details have not been submitted/],
    ['legacy', 404, /marked by provider as Legacy/],
    ['end-of-life', 404, /reached the end of its life/],
    ['data-retention', 400, /^data retention mode 'default' is not available/],
    ['operation', 400, /^This action doesn't support the model/],
  ] as const)('is refused in its words: %s', async (reason, status, message) => {
    const content = [text(`[[fault withheld reason=${reason}]] hi`)];
    const seen = await post(
      `${simulator.bedrockUrl}/model/${NOVA}/converse`,
      { messages: [{ role: 'user', content }] },
      AUTH,
    );
    expect(seen.status).toBe(status);
    expect(seen.message).toMatch(message);
  });
});
