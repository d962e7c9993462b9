/** LangChain with `useResponsesApi`, plain and streamed, through a loop of tools. */

import assert from 'node:assert/strict';
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { z } from 'zod';
import { apiKey, baseURL, lookTwice, models } from './setting.mjs';

const weather = tool(async ({ city }) => `sunny in ${city}`, {
  name: 'get_weather',
  description: 'The weather in a city.',
  schema: z.object({ city: z.string() }),
});

const gathered = async (stream) => {
  let whole;
  for await (const chunk of stream) whole = whole === undefined ? chunk : whole.concat(chunk);
  return whole;
};

for (const name of models) {
  const model = new ChatOpenAI({
    model: name,
    apiKey,
    configuration: { baseURL },
    useResponsesApi: true,
    maxRetries: 0,
    modelKwargs: { reasoning: { effort: 'low', summary: 'auto' } },
  }).bindTools([weather]);
  for (const ask of [
    (messages) => model.invoke(messages),
    async (messages) => gathered(await model.stream(messages)),
  ]) {
    const messages = [new HumanMessage(lookTwice)];
    for (let turn = 0; turn < 3; turn += 1) {
      const answer = await ask(messages);
      messages.push(answer);
      for (const call of answer.tool_calls ?? [])
        messages.push(new ToolMessage({ tool_call_id: call.id, content: await weather.invoke(call.args) }));
    }
    assert.equal(messages.at(-1).text, 'both sunny');
  }
}
