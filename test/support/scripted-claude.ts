/** An Anthropic API on loopback that answers what a test tells it to, plain or as a stream, and keeps what it was asked. */

import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ScriptedBlock {
  readonly type: 'text' | 'thinking' | 'redacted_thinking' | 'tool_use';
  readonly [field: string]: unknown;
}

export interface AskedBody {
  readonly model: string;
  readonly stream?: boolean;
  readonly system?: unknown;
  readonly thinking?: { readonly type: string; readonly [field: string]: unknown };
  readonly output_config?: { readonly effort?: string };
  readonly tools?: readonly { readonly name: string }[];
  readonly tool_choice?: unknown;
  readonly messages: readonly {
    readonly role: string;
    readonly content: string | readonly { readonly type: string; readonly [field: string]: unknown }[];
  }[];
  readonly [field: string]: unknown;
}

export interface Asked {
  readonly body: AskedBody;
  readonly headers: IncomingHttpHeaders;
}

/** The blocks of an answer, or the text of a 400. */
export type Script = (body: AskedBody, count: number) => readonly ScriptedBlock[] | string;

export interface ScriptedClaude {
  readonly url: string;
  readonly asked: Asked[];
  /** Says what is answered from now on. */
  answer(script: Script): void;
  close(): Promise<void>;
}

const usage = { input_tokens: 5, output_tokens: 3 };

const messageOf = (body: AskedBody, content: readonly ScriptedBlock[]) => ({
  id: 'msg_01scripted',
  type: 'message',
  role: 'assistant',
  model: body.model,
  content,
  stop_reason: content.some(({ type }) => type === 'tool_use') ? 'tool_use' : 'end_turn',
  stop_sequence: null,
  usage,
});

const halves = (text: string): string[] => {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)].filter((half) => half !== '');
};

const partsOf = (block: ScriptedBlock): { start: object; deltas: object[] } => {
  switch (block.type) {
    case 'text':
      return {
        start: { type: 'text', text: '' },
        deltas: halves(String(block.text)).map((text) => ({ type: 'text_delta', text })),
      };
    case 'thinking':
      return {
        start: { type: 'thinking', thinking: '', signature: '' },
        deltas: [
          ...halves(String(block.thinking)).map((thinking) => ({ type: 'thinking_delta', thinking })),
          { type: 'signature_delta', signature: block.signature },
        ],
      };
    case 'redacted_thinking':
      return { start: block, deltas: [] };
    case 'tool_use':
      return {
        start: { ...block, input: {} },
        deltas: [{ type: 'input_json_delta', partial_json: JSON.stringify(block.input) }],
      };
    default:
      return block.type satisfies never;
  }
};

const stream = (response: ServerResponse, body: AskedBody, content: readonly ScriptedBlock[]): void => {
  const message = messageOf(body, content);
  const tell = (event: { type: string }) =>
    response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  tell({ type: 'message_start', message: { ...message, content: [], stop_reason: null } } as {
    type: string;
  });
  for (const [index, block] of content.entries()) {
    const { start, deltas } = partsOf(block);
    tell({ type: 'content_block_start', index, content_block: start } as { type: string });
    for (const delta of deltas) tell({ type: 'content_block_delta', index, delta } as { type: string });
    tell({ type: 'content_block_stop', index } as { type: string });
  }
  tell({ type: 'message_delta', delta: { stop_reason: message.stop_reason }, usage } as { type: string });
  tell({ type: 'message_stop' });
  response.end();
};

export const startScriptedClaude = async (): Promise<ScriptedClaude> => {
  const asked: Asked[] = [];
  let script: Script = () => [{ type: 'text', text: 'ok' }];

  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(pieces).toString('utf8')) as AskedBody;
      asked.push({ body, headers: request.headers });
      const said = script(body, asked.length);
      if (typeof said === 'string') {
        response.writeHead(400, { 'content-type': 'application/json' });
        const error = { type: 'invalid_request_error', message: said };
        response.end(JSON.stringify({ type: 'error', error, request_id: 'req_1' }));
      } else if (body.stream === true) stream(response, body, said);
      else {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(messageOf(body, said)));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer: (next) => {
      script = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
