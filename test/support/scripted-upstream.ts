/**
 * An upstream that checks a request as strictly as the simulator, and then gives the answer a test wrote down: blocks
 * and a stop word, in whichever protocol it was asked by. Loopback only.
 */

import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Simulator } from '../../src/simulator/index.ts';
import { type Fields, type RecordedEvent, type Recording, wireBytes } from './replay.ts';

export interface ScriptedTool {
  readonly id: string;
  readonly name: string;
  /** Under the caller's own keys; sent under those that the request declared, in the same order. */
  readonly input: Fields;
}

export interface Script {
  readonly blocks?: readonly { readonly text?: string; readonly tool?: ScriptedTool }[];
  readonly stop?: string;
  readonly stopDetails?: Fields;
  /** Instead of an answer. */
  readonly error?: { readonly type: string; readonly message: string };
}

export interface ScriptedRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Fields;
}

export interface ScriptedUpstream {
  readonly url: string;
  /** Requests so far, oldest first, refused ones too. */
  readonly requests: readonly ScriptedRequest[];
  close(): Promise<void>;
}

type Protocol = Recording['upstream'];

const usage = { input_tokens: 7, output_tokens: 5 };
const converseUsage = { inputTokens: 7, outputTokens: 5, totalTokens: 12 };

const fieldsOf = (value: unknown): Fields =>
  (typeof value === 'object' && value !== null ? value : {}) as Fields;
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The properties a tool was declared with in the request as it was sent. */
const declaredKeys = (body: Fields, name: string): readonly string[] => {
  const claude = listOf(body.tools)
    .map(fieldsOf)
    .find((tool) => tool.name === name);
  const converse = listOf(fieldsOf(body.toolConfig).tools)
    .map((tool) => fieldsOf(fieldsOf(tool).toolSpec))
    .find((tool) => tool.name === name);
  const schema = fieldsOf(claude?.input_schema ?? fieldsOf(converse?.inputSchema).json);
  return Object.keys(fieldsOf(schema.properties));
};

const sentInput = ({ name, input }: ScriptedTool, body: Fields): Fields => {
  const keys = declaredKeys(body, name);
  return Object.fromEntries(Object.entries(input).map(([key, value], index) => [keys[index] ?? key, value]));
};

const claudeBlocks = ({ blocks = [] }: Script, body: Fields): Fields[] =>
  blocks.map(({ text, tool }) =>
    tool === undefined
      ? { type: 'text', text }
      : { type: 'tool_use', id: tool.id, name: tool.name, input: sentInput(tool, body) },
  );

const claudeEvents = (script: Script, body: Fields): RecordedEvent[] => {
  const events: Fields[] = [
    { type: 'message_start', message: { ...claudeMessage({}, body), content: [], stop_reason: null } },
    ...claudeBlocks(script, body).flatMap((block, index): Fields[] => {
      const isTool = block.type === 'tool_use';
      const delta = isTool
        ? { type: 'input_json_delta', partial_json: JSON.stringify(block.input) }
        : { type: 'text_delta', text: block.text };
      const content_block = isTool ? { ...block, input: {} } : { ...block, text: '' };
      return [
        { type: 'content_block_start', index, content_block },
        { type: 'content_block_delta', index, delta },
        { type: 'content_block_stop', index },
      ];
    }),
    {
      type: 'message_delta',
      delta: { stop_reason: script.stop ?? 'end_turn', stop_details: script.stopDetails ?? null },
      usage,
    },
    { type: 'message_stop' },
  ];
  return events.map((data) => ({ event: String(data.type), data, type: 'chunk', payload: data }));
};

const claudeMessage = (script: Script, body: Fields): Fields => ({
  id: 'msg_scripted',
  type: 'message',
  role: 'assistant',
  model: 'scripted',
  content: claudeBlocks(script, body),
  stop_reason: script.stop ?? 'end_turn',
  stop_sequence: null,
  stop_details: script.stopDetails ?? null,
  usage,
});

const converseMessage = (script: Script, body: Fields): Fields => ({
  output: {
    message: {
      role: 'assistant',
      content: (script.blocks ?? []).map(({ text, tool }) =>
        tool === undefined
          ? { text }
          : { toolUse: { toolUseId: tool.id, name: tool.name, input: sentInput(tool, body) } },
      ),
    },
  },
  stopReason: script.stop ?? 'end_turn',
  usage: converseUsage,
  metrics: { latencyMs: 1 },
});

const converseEvents = (script: Script, body: Fields): RecordedEvent[] => [
  { type: 'messageStart', payload: { role: 'assistant' } },
  ...(script.blocks ?? []).flatMap(({ text, tool }, contentBlockIndex): RecordedEvent[] => {
    const start = tool && { toolUse: { toolUseId: tool.id, name: tool.name } };
    const delta =
      tool === undefined ? { text } : { toolUse: { input: JSON.stringify(sentInput(tool, body)) } };
    return [
      ...(start === undefined ? [] : [{ type: 'contentBlockStart', payload: { contentBlockIndex, start } }]),
      { type: 'contentBlockDelta', payload: { contentBlockIndex, delta } },
      { type: 'contentBlockStop', payload: { contentBlockIndex } },
    ];
  }),
  { type: 'messageStop', payload: { stopReason: script.stop ?? 'end_turn' } },
  { type: 'metadata', payload: { usage: converseUsage, metrics: { latencyMs: 1 } } },
];

const protocolOf = (path: string): Protocol => {
  if (!path.startsWith('/model/')) return 'anthropic';
  return /\/converse/.test(path) ? 'bedrock-converse' : 'bedrock-invoke';
};

const contentTypes: Readonly<Record<Protocol, string>> = {
  anthropic: 'text/event-stream; charset=utf-8',
  'bedrock-invoke': 'application/vnd.amazon.eventstream',
  'bedrock-converse': 'application/vnd.amazon.eventstream',
};

const answer = (response: ServerResponse, script: Script, { path, body }: ScriptedRequest): void => {
  const upstream = protocolOf(path);
  if (script.error !== undefined) {
    const { type, message } = script.error;
    const refusal = upstream === 'anthropic' ? { type: 'error', error: { type, message } } : { message };
    response.writeHead(404, { 'content-type': 'application/json', 'x-amzn-errortype': type });
    response.end(JSON.stringify(refusal));
    return;
  }
  const stream = upstream === 'anthropic' ? body.stream === true : path.endsWith('-stream');
  const isConverse = upstream === 'bedrock-converse';
  const recording: Recording = {
    id: 'scripted',
    upstream,
    operation: '',
    model: '',
    stream,
    tags: [],
    status: 200,
    ...(stream
      ? { events: isConverse ? converseEvents(script, body) : claudeEvents(script, body) }
      : { body: isConverse ? converseMessage(script, body) : claudeMessage(script, body) }),
  };
  response.writeHead(200, { 'content-type': stream ? contentTypes[upstream] : 'application/json' });
  response.end(wireBytes(recording));
};

/** Every request that the simulator takes is answered by the script; what it refuses, it refuses in its own words. */
export const startScriptedUpstream = async (
  simulator: Simulator,
  script: Script,
): Promise<ScriptedUpstream> => {
  const requests: ScriptedRequest[] = [];

  const handle = async (request: ScriptedRequest, bytes: Buffer, response: ServerResponse): Promise<void> => {
    const base = protocolOf(request.path) === 'anthropic' ? simulator.anthropicUrl : simulator.bedrockUrl;
    const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers;
    const checked = await fetch(base + request.path, {
      method: 'POST',
      headers,
      body: new Uint8Array(bytes),
    });
    const refusal = Buffer.from(await checked.arrayBuffer());
    if (checked.status === 200) return answer(response, script, request);
    const type = checked.headers.get('x-amzn-errortype');
    response.writeHead(checked.status, {
      'content-type': 'application/json',
      ...(type === null ? {} : { 'x-amzn-errortype': type }),
    });
    response.end(refusal);
  };

  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const bytes = Buffer.concat(chunks);
      const request: ScriptedRequest = {
        path: incoming.url ?? '',
        headers: incoming.headers as Record<string, string>,
        body: fieldsOf(JSON.parse(bytes.toString('utf8'))),
      };
      requests.push(request);
      handle(request, bytes, response).catch(() => response.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
