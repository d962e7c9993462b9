/** The newest official SDK: plain, stream helper, parse, tool loops with and without state. */

import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { apiKey, baseURL, lookTwice, models } from './setting.mjs';

const client = new OpenAI({ apiKey, baseURL, maxRetries: 0 });
const tools = [
  {
    type: 'function',
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
      additionalProperties: false,
    },
    strict: true,
  },
];
const outputs = (output) =>
  output.flatMap((item) =>
    item.type === 'function_call'
      ? [{ type: 'function_call_output', call_id: item.call_id, output: 'sunny' }]
      : [],
  );

for (const model of models) {
  const common = { model, tools, reasoning: { effort: 'low', summary: 'auto' } };

  const stream = client.responses.stream({ model, input: 'x [[say streamed]]' });
  for await (const event of stream) assert.ok(event.type);
  assert.equal((await stream.finalResponse()).output_text, 'streamed');

  let response = await client.responses.create({ ...common, input: lookTwice });
  for (let turn = 0; turn < 2; turn += 1)
    response = await client.responses.create({
      ...common,
      previous_response_id: response.id,
      input: outputs(response.output),
    });
  assert.equal(response.output_text, 'both sunny');
  assert.equal(response.input_transformations, undefined);

  const input = [{ role: 'user', content: lookTwice }];
  for (let turn = 0; turn < 3; turn += 1) {
    response = await client.responses.create({ ...common, input, store: false });
    input.push(...response.output, ...outputs(response.output));
  }
  assert.equal(response.output_text, 'both sunny');
  assert.equal(response.input_transformations, undefined);

  const format = zodTextFormat(z.object({ name: z.string() }), 'person');
  const parsed = await client.responses.parse({ model, input: 'As JSON. [[json]]', text: { format } });
  assert.equal(typeof parsed.output_parsed.name, 'string');
}
