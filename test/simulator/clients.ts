import Anthropic from '@anthropic-ai/sdk';
import { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Simulator } from '../../simulator/index.ts';

/** A day on which `claude-sonnet-4-5` still answers. */
export { pixel as PNG } from '../support/images.ts';
export { today as TODAY } from '../support/today.ts';

export const HAIKU = 'claude-haiku-4-5';
export const SONNET = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
export const NOVA = 'us.amazon.nova-lite-v1:0';
export const NOVA_2 = 'us.amazon.nova-2-lite-v1:0';

export const OLD_VERSION = { headers: { 'anthropic-version': '2023-06-01' } };

export const anthropicClient = (simulator: Simulator): Anthropic =>
  new Anthropic({ apiKey: 'sk-test', baseURL: simulator.anthropicUrl, maxRetries: 0, logLevel: 'off' });

export const bedrockClient = (simulator: Simulator, http: 1 | 2 = 2): BedrockRuntimeClient =>
  new BedrockRuntimeClient({
    region: 'us-east-1',
    endpoint: simulator.bedrockUrl,
    credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' },
    maxAttempts: 1,
    ...(http === 1 ? { requestHandler: new NodeHttpHandler() } : {}),
  });

export const post = async (
  url: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; message: string; body: Record<string, unknown> }> => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const parsed = (await response.json()) as Record<string, unknown> & { error?: { message: string } };
  return {
    status: response.status,
    headers: response.headers,
    message: parsed.error?.message ?? String(parsed.message ?? ''),
    body: parsed,
  };
};

export const WEATHER = {
  name: 'get_weather',
  description: 'Get the current weather in a city.',
  schema: {
    type: 'object' as const,
    properties: {
      city: { type: 'string', description: 'City name' },
      unit: { type: 'string', enum: ['celsius', 'fahrenheit'] },
    },
    required: ['city', 'unit'],
  },
};
