/** The Agents SDK in its default mode: tools, streams, histories, state at the server, handoffs, sessions, typed results. */

import assert from 'node:assert/strict';
import { apiKey, baseURL, lookTwice, models } from './setting.mjs';

Object.assign(process.env, {
  OPENAI_API_KEY: apiKey,
  OPENAI_BASE_URL: baseURL,
  OPENAI_AGENTS_DISABLE_TRACING: '1',
});
const { Agent, MemorySession, run, tool } = await import('@openai/agents');
const { z } = await import('zod');

const weather = tool({
  name: 'get_weather',
  description: 'The weather in a city.',
  parameters: z.object({ city: z.string() }),
  execute: async ({ city }) => `sunny in ${city}`,
});

for (const model of models) {
  const modelSettings = { reasoning: { effort: 'low', summary: 'auto' } };
  const agent = new Agent({
    name: 'looker',
    instructions: 'Be brief.',
    model,
    tools: [weather],
    modelSettings,
  });

  const plain = await run(agent, lookTwice);
  assert.equal(plain.finalOutput, 'both sunny');

  const streamed = await run(agent, lookTwice, { stream: true });
  for await (const event of streamed) assert.ok(event.type);
  await streamed.completed;
  assert.equal(streamed.finalOutput, 'both sunny');

  const again = [...streamed.history, { role: 'user', content: 'Again. [[say done]]' }];
  assert.equal((await run(agent, again)).finalOutput, 'done');

  const first = await run(agent, 'One. [[say one]]');
  const next = await run(agent, 'Two. [[say two]]', { previousResponseId: first.lastResponseId });
  assert.equal(next.finalOutput, 'two');

  const other = new Agent({ name: 'other', instructions: 'Be kind.', model });
  const triage = Agent.create({ name: 'triage', instructions: 'Hand over.', model, handoffs: [other] });
  const handed = await run(triage, 'Go. [[call transfer_to_other {}]] [[then]] [[say from the other]]');
  assert.equal(handed.finalOutput, 'from the other');
  assert.equal(handed.lastAgent?.name, 'other');

  const session = new MemorySession();
  await run(agent, lookTwice, { session });
  assert.equal((await run(agent, 'And? [[say still here]]', { session })).finalOutput, 'still here');

  const typed = new Agent({ name: 'typed', model, outputType: z.object({ a: z.string() }) });
  assert.equal(typeof (await run(typed, 'As JSON. [[json]]')).finalOutput.a, 'string');
}
