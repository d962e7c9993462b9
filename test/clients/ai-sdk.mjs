/** The AI SDK's default provider, which stores and refers to items, and the same without a store. */

import assert from 'node:assert/strict';
import { createOpenAI } from '@ai-sdk/openai';
import { generateObject, generateText, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';
import { apiKey, baseURL, lookTwice, models } from './setting.mjs';

const openai = createOpenAI({ apiKey, baseURL });
const tools = {
  get_weather: tool({
    description: 'The weather in a city.',
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `sunny in ${city}`,
  }),
};
const prompt = { role: 'user', content: lookTwice };

for (const name of models) {
  for (const store of [true, false]) {
    const asked = {
      model: openai(name),
      tools,
      stopWhen: stepCountIs(6),
      providerOptions: {
        openai: { store, forceReasoning: true, reasoningEffort: 'low', reasoningSummary: 'auto' },
      },
    };
    const first = await generateText({ ...asked, messages: [prompt] });
    assert.equal(first.text, 'both sunny');
    assert.equal(first.steps.length, 3);
    assert.deepEqual(first.warnings ?? [], []);

    const streamed = streamText({ ...asked, messages: [prompt, ...first.response.messages, prompt] });
    for await (const part of streamed.fullStream) assert.notEqual(part.type, 'error', String(part.error));
    assert.equal(await streamed.text, 'both sunny');
  }
  const { object } = await generateObject({
    model: openai(name),
    schema: z.object({ a: z.string() }),
    prompt: 'As JSON. [[json]]',
  });
  assert.equal(typeof object.a, 'string');
}
