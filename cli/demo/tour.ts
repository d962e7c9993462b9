/** One answer of each kind, shown to a person and checked for a machine. Plain fetch: the demo needs no SDK. */

import { DemoError } from './demo-error.ts';

type Json = Record<string, unknown>;

interface Guide {
  readonly url: string;
  readonly key: string;
  readonly write: (text: string) => void;
}

interface Call {
  readonly id: string;
  readonly function: { readonly name: string; readonly arguments: string };
}

interface Message {
  readonly content: string | null;
  readonly tool_calls?: readonly Call[];
  readonly reasoning_content?: string;
}

interface Reply {
  readonly message: Message;
  readonly headers: Headers;
}

const post = async ({ url, key }: Guide, body: Json): Promise<Response> => {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok)
    throw new DemoError(`The server answered with status ${response.status}: ${await response.text()}`);
  return response;
};

const ask = async (guide: Guide, body: Json): Promise<Reply> => {
  const response = await post(guide, body);
  const { choices } = (await response.json()) as { choices: [{ message: Message }] };
  return { message: choices[0].message, headers: response.headers };
};

/** The pieces of a streamed answer, as they come. */
async function* stream(guide: Guide, body: Json): AsyncGenerator<string> {
  const response = await post(guide, { ...body, stream: true });
  let rest = '';
  for await (const bytes of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const lines = (rest + bytes).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.startsWith('data: {')) continue;
      const { choices } = JSON.parse(line.slice('data: '.length)) as {
        choices: readonly { delta: { content?: string | null } }[];
      };
      yield choices[0]?.delta.content ?? '';
    }
  }
}

/** The tour fails where an answer is not what the demo says it shows. */
const expectText = (what: string, text: string, wanted: string): void => {
  if (!text.includes(wanted))
    throw new DemoError(`${what}: the answer should hold “${wanted}”, but it is “${text}”.`);
};

const says = (content: string): Json => ({ role: 'user', content });

const plain = async (guide: Guide): Promise<void> => {
  const question = 'Explain quantum computing in simple terms.';
  guide.write(`> ${question}\n`);
  const { message } = await ask(guide, { model: 'claude-4-5-sonnet', messages: [says(question)] });
  guide.write(`${message.content}\n`);
  expectText('A plain answer', message.content ?? '', question);
};

const streamed = async (guide: Guide): Promise<void> => {
  const story =
    'Once there was a server that spoke two languages. Nobody noticed, and that was the point of it.';
  guide.write('> Tell me a short story, and let me watch.\n');
  let text = '';
  let pieces = 0;
  const messages = [says(`Tell me a short story. [[say ${story}]]`)];
  for await (const piece of stream(guide, { model: 'nova-lite', messages })) {
    guide.write(piece);
    text += piece;
    if (piece !== '') pieces += 1;
  }
  guide.write(`\n  (in ${pieces} pieces)\n`);
  expectText('A streamed answer', text, story);
  if (pieces < 2) throw new DemoError('A streamed answer came in one piece.');
};

const weatherTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Get current weather for a location',
    parameters: { type: 'object', properties: { location: { type: 'string' } }, required: ['location'] },
  },
};

const toolLoop = async (guide: Guide): Promise<void> => {
  const question = "What's the weather in San Francisco?";
  guide.write(`> ${question}\n`);
  const body = { model: 'claude-4-5-haiku', tools: [weatherTool] };
  const messages: Json[] = [says(question)];
  const { message } = await ask(guide, { ...body, messages });
  const [call] = message.tool_calls ?? [];
  if (call === undefined) throw new DemoError('A tool call: the model called no tool.');
  guide.write(`  the model calls  ${call.function.name}(${call.function.arguments})\n`);
  expectText('A tool call', call.function.arguments, 'San Francisco');
  const result = '18 degrees, and fog until noon';
  guide.write(`  your code says   ${result}\n`);
  messages.push({ ...message, role: 'assistant' }, { role: 'tool', tool_call_id: call.id, content: result });
  const last = await ask(guide, { ...body, messages });
  guide.write(`${last.message.content}\n`);
  expectText('The answer after a tool call', last.message.content ?? '', result);
};

/** A picture of one pixel. */
const picture =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const image = async (guide: Guide): Promise<void> => {
  const question = 'What is in this picture?';
  guide.write(`> ${question} (with a PNG)\n`);
  const content = [
    { type: 'text', text: question },
    { type: 'image_url', image_url: { url: picture } },
  ];
  const { message } = await ask(guide, { model: 'nova-pro', messages: [{ role: 'user', content }] });
  guide.write(`${message.content}\n`);
  expectText('An answer to an image', message.content ?? '', 'image (png)');
};

const thinking = async (guide: Guide): Promise<void> => {
  const question = 'Which is larger, 9.11 or 9.9?';
  guide.write(`> ${question}\n`);
  const { message } = await ask(guide, {
    model: 'claude-opus-5-5',
    messages: [says(`${question} [[say 9.9 is larger.]]`)],
    reasoning_effort: 'medium',
    extended_thinking: { include_reasoning: true },
  });
  guide.write(`  it thinks  ${message.reasoning_content}\n${message.content}\n`);
  expectText('Thinking', message.reasoning_content ?? '', question.slice(0, 16));
  expectText('The answer after thinking', message.content ?? '', '9.9 is larger.');
};

const structured = async (guide: Guide): Promise<void> => {
  const text = 'Ada Lovelace was 36 years old.';
  guide.write(`> ${text} (with a JSON schema)\n`);
  const schema = {
    type: 'object',
    properties: { name: { type: 'string' }, age: { type: 'integer' } },
    required: ['name', 'age'],
    additionalProperties: false,
  };
  const { message } = await ask(guide, {
    model: 'nova-2-lite',
    messages: [says(text)],
    response_format: { type: 'json_schema', json_schema: { name: 'person', schema } },
  });
  guide.write(`${message.content}\n`);
  expectText('Structured output', message.content ?? '', '{"name":"Ada Lovelace","age":36}');
};

const reported = async (guide: Guide): Promise<void> => {
  guide.write('> Hello (with a seed, which no model here has)\n');
  const { headers } = await ask(guide, { model: 'nova-micro', messages: [says('Hello')], seed: 7 });
  const ignored = headers.get('x-ignored-params') ?? 'nothing';
  guide.write(`  x-ignored-params: ${ignored}\n`);
  expectText('The report of what was ignored', ignored, 'seed');
};

const stops: readonly { readonly title: string; readonly show: (guide: Guide) => Promise<void> }[] = [
  { title: 'A plain answer, claude-4-5-sonnet', show: plain },
  { title: 'A streamed one, nova-lite', show: streamed },
  { title: 'A tool call and its result, claude-4-5-haiku', show: toolLoop },
  { title: 'An image, nova-pro', show: image },
  { title: 'Thinking, claude-opus-5-5', show: thinking },
  { title: 'Structured output, nova-2-lite', show: structured },
  { title: 'Nothing is ignored in silence, nova-micro', show: reported },
];

export const showTour = async (guide: Guide): Promise<void> => {
  for (const [index, { title, show }] of stops.entries()) {
    guide.write(`\n${index + 1}. ${title}\n`);
    await show(guide);
  }
};
