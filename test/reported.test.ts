/**
 * Small inputs from public bug reports, each through the whole server against an upstream that is as strict as the real
 * one. The inputs lie beside the project; where they are absent (a fresh clone, say), the kinds they stand for are
 * still tested by values of our own.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../simulator/index.ts';
import type { Fields } from './support/replay.ts';
import {
  callBlock,
  type ScriptedAnswer,
  type ScriptedUpstream,
  startScriptedUpstream,
  textBlock,
} from './support/scripted-upstream.ts';
import { startServer, testKey } from './support/server.ts';
import { today } from './support/today.ts';

interface Reported {
  readonly name: string;
  readonly kind: string;
  readonly settings?: Readonly<Record<string, string>>;
  readonly requests: readonly {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: Fields;
    readonly bodyBase64?: string;
  }[];
  readonly upstreamAnswers?: {
    readonly blocks?: readonly {
      readonly text?: string;
      /** `input` is under the client's own keys. */
      readonly tool?: { readonly id: string; readonly name: string; readonly input: Fields };
    }[];
    readonly stop?: string;
    readonly stopDetails?: Fields;
    readonly error?: { readonly type: string; readonly message: string };
  };
}

/** What came back, and what went upstream. */
interface Outcome {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: ChatBody;
  readonly sent: Fields | undefined;
  readonly sentHeaders: IncomingHttpHeaders;
}

interface ChatBody {
  readonly choices?: readonly {
    readonly message?: OpenAI.ChatCompletionMessage;
    readonly finish_reason?: string;
  }[];
  readonly error?: { readonly message: string; readonly param: string | null; readonly code: string | null };
}

const folder = new URL('../../shared/reported/', import.meta.url);
const cases = existsSync(folder)
  ? readdirSync(folder)
      .filter((file) => file.endsWith('.json'))
      .map((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Reported)
  : [];

/** Long values are cut in the reports: made whole again, with the trait that mattered. */
const restored = (name: string, body: string): string => {
  const whole: Readonly<Record<string, (cut: string) => string>> = {
    'image.claude.over-5mb': (cut) => {
      const start = cut.slice(0, cut.indexOf('...'));
      return (
        start.slice(0, start.length - ((start.length - start.indexOf(',') - 1) % 4)) + 'A'.repeat(5_600_000)
      );
    },
    'text.surrogate.tool-result.claude': () => `${'log line\\n'.repeat(3000)}\\ud83d`,
    'cache.top-level': () => 'A rule to keep. '.repeat(2000),
  };
  return body.replace(/"([^"]*)\.\.\. \(\d+ characters, cut here\)"/g, (_, cut: string) => {
    const make = whole[name];
    if (make === undefined) throw new Error(`${name}: a cut value that nobody restores`);
    return `"${make(cut)}"`;
  });
};

const choice = ({ body }: Outcome) => body.choices?.[0];
const messageOf = (outcome: Outcome) => choice(outcome)?.message;
const finishOf = (outcome: Outcome): string | undefined =>
  choice(outcome)?.finish_reason ?? /"finish_reason":"([a-z_]+)"/.exec(outcome.text)?.[1];
const adjusted = ({ headers }: Outcome) => headers.get('x-adjusted-params')?.split(', ') ?? [];

/** The arguments of the first call, of a plain answer or put together from a stream's pieces. */
const argumentsOf = (outcome: Outcome): unknown => {
  const call = messageOf(outcome)?.tool_calls?.[0];
  if (call?.type === 'function') return JSON.parse(call.function.arguments);
  const pieces = outcome.text
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: {'))
    .flatMap((frame) => (JSON.parse(frame.slice(6)) as OpenAI.ChatCompletionChunk).choices)
    .map(({ delta }) => delta.tool_calls?.[0]?.function?.arguments ?? '');
  return JSON.parse(pieces.join(''));
};

const sentTools = ({ sent }: Outcome) => (sent?.tools ?? []) as readonly Fields[];
const sentMessages = ({ sent }: Outcome) =>
  (sent?.messages ?? []) as readonly { role: string; content: unknown }[];
const sentSchema = (outcome: Outcome, index: number) =>
  sentTools(outcome)[index]?.input_schema as { readonly properties: Readonly<Record<string, Fields>> };

const validKey = /^[a-zA-Z0-9_.-]{1,64}$/;
const keysAreValid = (outcome: Outcome, declared: number) => {
  const keys = Object.keys(sentSchema(outcome, 0).properties);
  expect(keys).toHaveLength(declared);
  for (const key of keys) expect(key).toMatch(validKey);
  return keys;
};

/** Calls of the history go under the keys that the schema declares. */
const historyFitsSchema = (outcome: Outcome) => {
  const keys = keysAreValid(outcome, 3);
  const blocks = sentMessages(outcome).flatMap(({ content }) =>
    Array.isArray(content) ? (content as Fields[]) : [],
  );
  const call = blocks.find(({ type }) => type === 'tool_use');
  expect(Object.keys(call?.input as object)).toEqual(keys);
};

const isAnswered = (outcome: Outcome) => expect(outcome.text).toContain('"content":"ok"');

const holdsReplacement = (outcome: Outcome) => {
  isAnswered(outcome);
  expect(JSON.stringify(outcome.sent)).toContain('\ufffd');
};

/** Where the late system message ended: the last turn before it is the user's, and nothing but an answer follows. */
const systemIsLegal = (outcome: Outcome) => {
  isAnswered(outcome);
  const roles = sentMessages(outcome).map(({ role }) => role);
  const at = roles.indexOf('system');
  expect(roles[at - 1]).toBe('user');
  expect([undefined, 'assistant']).toContain(roles[at + 1]);
  expect(adjusted(outcome)).toContain('messages');
};

/** One for each input: what is right. Status 200 is checked for all but those that name another. */
const right: Readonly<
  Record<string, { readonly status?: number; readonly check: (outcome: Outcome) => void }>
> = {
  'body.gzip': { check: isAnswered },
  'cache.tool-function': {
    check: (outcome) => expect(sentTools(outcome)[1]?.cache_control).toEqual({ type: 'ephemeral' }),
  },
  'cache.top-level': {
    check: ({ sent, headers }) => {
      expect(sent?.cache_control).toEqual({ type: 'ephemeral', ttl: '1h' });
      expect(headers.get('x-ignored-params')).toBeNull();
    },
  },
  'cors.answer': {
    check: ({ headers }) =>
      expect(['*', 'app://obsidian.md']).toContain(headers.get('access-control-allow-origin')),
  },
  'cors.preflight': {
    status: 204,
    check: ({ headers }) => {
      expect(['*', 'app://obsidian.md']).toContain(headers.get('access-control-allow-origin'));
      expect(headers.get('access-control-allow-headers')).toMatch(/x-stainless-retry-count/);
      expect(headers.get('access-control-allow-methods')).toContain('POST');
    },
  },
  'dialect.tools-anthropic': {
    check: (outcome) => {
      expect(sentTools(outcome)[0]).toMatchObject({ name: 'read_file', description: 'reads' });
      expect(sentSchema(outcome, 0).properties).toHaveProperty('path');
    },
  },
  'error.use-case-form.claude': {
    status: 404,
    check: ({ body }) => {
      expect(body.error?.code).toBe('model_not_found');
      expect(body.error?.message).toContain('The use case form for this provider has not been sent in');
    },
  },
  'finish.calls-with-end_turn.claude.plain': {
    check: (outcome) => {
      expect(finishOf(outcome)).toBe('tool_calls');
      expect(messageOf(outcome)?.content).toBe('Let me look.');
    },
  },
  'finish.calls-with-end_turn.nova.stream': {
    check: (outcome) => expect(finishOf(outcome)).toBe('tool_calls'),
  },
  'finish.tool_use-without-calls.claude.stream': {
    check: (outcome) => expect(finishOf(outcome)).toBe('stop'),
  },
  'finish.tool_use-without-calls.nova.plain': { check: (outcome) => expect(finishOf(outcome)).toBe('stop') },
  'header.anthropic-beta': {
    check: ({ sentHeaders }) => expect(sentHeaders['anthropic-beta']).toBe('interleaved-thinking-2025-05-14'),
  },
  'image.claude.over-5mb': {
    status: 400,
    check: ({ body, sent }) => {
      expect(body.error?.param).toBe('messages[0].content[1].image_url.url');
      expect(sent).toBeUndefined();
    },
  },
  'image.claude.over-8000px': {
    status: 400,
    check: ({ body, sent }) => {
      expect(body.error?.param).toBe('messages[0].content[0].image_url.url');
      expect(body.error?.message).toContain('8000');
      expect(sent).toBeUndefined();
    },
  },
  'model.dotted.told': { check: (outcome) => expect(choice(outcome)).toBeDefined() },
  'model.prefix.anthropic': { check: (outcome) => expect(choice(outcome)).toBeDefined() },
  'model.profile.claude': { check: (outcome) => expect(choice(outcome)).toBeDefined() },
  'reasoning.object.effort': {
    check: ({ sent, headers }) => {
      expect(sent?.thinking).toMatchObject({ type: 'enabled', budget_tokens: 16_384 });
      expect(headers.get('x-ignored-params')).toBeNull();
    },
  },
  'reasoning.object.off': { check: ({ sent }) => expect(sent?.thinking).toEqual({ type: 'disabled' }) },
  'refusal.explanation.claude.plain': {
    check: (outcome) => {
      expect(messageOf(outcome)?.refusal).toBe('Restricted by the usage policy.');
      expect(finishOf(outcome)).toBe('content_filter');
    },
  },
  'schema.draft4.exclusive': {
    check: (outcome) =>
      expect(sentSchema(outcome, 1).properties.ttl).toEqual({
        type: 'integer',
        exclusiveMinimum: 0,
        maximum: 9,
      }),
  },
  'schema.draft7.tuple': {
    check: (outcome) =>
      expect(sentSchema(outcome, 1).properties.range).toEqual({
        type: 'array',
        prefixItems: [{ type: 'number' }, { type: 'number' }],
        items: false,
      }),
  },
  'schema.keys.brackets.history': { check: historyFitsSchema },
  'schema.keys.brackets.plain': {
    check: (outcome) => {
      keysAreValid(outcome, 3);
      expect(argumentsOf(outcome)).toEqual({ 'filter[id]': 1, 'exists[parent]': 2, 'filter.id': 3 });
    },
  },
  'schema.keys.brackets.stream': {
    check: (outcome) => {
      keysAreValid(outcome, 3);
      expect(argumentsOf(outcome)).toEqual({ 'filter[id]': 'v0', 'exists[parent]': 'v1', 'filter.id': 'v2' });
    },
  },
  'schema.keys.dollar.history': { check: historyFitsSchema },
  'schema.keys.dollar.plain': {
    check: (outcome) => {
      keysAreValid(outcome, 3);
      expect(argumentsOf(outcome)).toEqual({ $top: 1, '@microsoft.graph.conflictBehavior': 2, plain: 3 });
    },
  },
  'schema.keys.dollar.stream': {
    check: (outcome) => {
      keysAreValid(outcome, 3);
      expect(argumentsOf(outcome)).toEqual({
        $top: 'v0',
        '@microsoft.graph.conflictBehavior': 'v1',
        plain: 'v2',
      });
    },
  },
  'system.mid.after-tool-result': { check: systemIsLegal },
  'system.mid.before-user': { check: systemIsLegal },
  'system.mid.between-users': { check: systemIsLegal },
  'text.surrogate.arguments.claude': { check: holdsReplacement },
  'text.surrogate.tool-result.claude': { check: holdsReplacement },
  'text.surrogate.user.claude': { check: holdsReplacement },
  'tools.duplicate.same': {
    check: (outcome) => expect(sentTools(outcome).map(({ name }) => name)).toEqual(['get_weather', 'other']),
  },
};

const declaredKeys = (body: Fields, name: string): readonly string[] => {
  const tools = (body.tools ?? []) as readonly { name: string; input_schema: { properties?: Fields } }[];
  return Object.keys(tools.find((tool) => tool.name === name)?.input_schema.properties ?? {});
};

/** Inputs go under the keys that the request declared, in the same order. */
const scriptedAnswer = (answer: Reported['upstreamAnswers'] = {}, body: Fields): ScriptedAnswer => {
  const { blocks = [], error, stop = 'end_turn', ...rest } = answer;
  return {
    ...rest,
    stop,
    blocks: blocks.map(({ text = '', tool }) => {
      if (tool === undefined) return textBlock(text);
      const keys = declaredKeys(body, tool.name);
      const input = Object.entries(tool.input).map(([key, value], index) => [keys[index] ?? key, value]);
      return callBlock(tool.name, Object.fromEntries(input), { id: tool.id });
    }),
    ...(error === undefined ? {} : { error: { status: 404, ...error } }),
  };
};

const parse = (text: string): ChatBody => {
  try {
    return JSON.parse(text) as ChatBody;
  } catch {
    return {};
  }
};

const play = async (reported: Reported, simulator: Simulator): Promise<Outcome> => {
  const upstream: ScriptedUpstream = await startScriptedUpstream(simulator);
  if (reported.upstreamAnswers !== undefined)
    upstream.answer((body) => scriptedAnswer(reported.upstreamAnswers, body));
  const isBedrock = reported.upstreamAnswers?.error !== undefined;
  const server = await startServer({
    ...(isBedrock ? {} : { anthropicUrl: upstream.url }),
    bedrockUrl: upstream.url,
    env: { ...reported.settings },
  });
  try {
    const [request] = reported.requests;
    if (request === undefined) throw new Error('no request');
    const { method, path, headers, body, bodyBase64 } = request;
    const payload =
      bodyBase64 === undefined
        ? body && Buffer.from(restored(reported.name, JSON.stringify(body)))
        : Buffer.from(bodyBase64, 'base64');
    const response = await fetch(server.url + path, {
      method,
      headers: {
        ...(method === 'OPTIONS'
          ? {}
          : { authorization: `Bearer ${testKey}`, 'content-type': 'application/json' }),
        ...headers,
      },
      ...(payload === undefined ? {} : { body: new Uint8Array(payload) }),
    });
    const text = await response.text();
    const sent = upstream.requests.at(-1);
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: parse(text),
      sent: sent?.body,
      sentHeaders: sent?.headers ?? {},
    };
  } finally {
    await server.close();
    await upstream.close();
  }
};

describe.skipIf(cases.length === 0)(
  `publicly reported inputs (${cases.length === 0 ? '../shared/reported is absent' : cases.length})`,
  () => {
    let simulator: Simulator;
    beforeAll(async () => {
      simulator = await startSimulator({ now: () => today });
    });
    afterAll(() => simulator.close());

    it.each(cases.map((reported) => [reported.name, reported] as const))(
      '%s is answered right',
      async (name, reported) => {
        const expected = right[name];
        if (expected === undefined) throw new Error('nothing says what is right for this input');
        const outcome = await play(reported, simulator);
        expect({ status: outcome.status, text: outcome.text.slice(0, 500) }).toMatchObject({
          status: expected.status ?? 200,
        });
        expected.check(outcome);
      },
    );
  },
);
