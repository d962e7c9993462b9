/** Behaviour 10.2, 11.1: what the server says when it starts, and to whom. */

import { spawn } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { entry, failToStart, startProcess, type TestProcess } from '../support/process.ts';
import { until } from '../support/until.ts';

let server: TestProcess | undefined;
afterEach(async () => {
  if (server?.child.exitCode === null) server.child.kill('SIGKILL');
  await server?.exited;
  server = undefined;
});

const start = async (env: Record<string, string>, count = 1): Promise<TestProcess> => {
  server = await startProcess(env, count);
  return server;
};

const warnings = ({ logs }: TestProcess): string[] =>
  logs.filter(({ level }) => level === 'warn').map(({ msg }) => String(msg));

/** A machine without a credential anywhere. */
const nowhere = {
  AWS_REGION: 'us-east-1',
  HOME: '/nonexistent',
  AWS_CONFIG_FILE: '/nonexistent/config',
  AWS_SHARED_CREDENTIALS_FILE: '/nonexistent/credentials',
  AWS_EC2_METADATA_DISABLED: 'true',
};
const noCredentials = /no AWS credentials were found/;

const complete = (url: string, model: string) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer test-key', 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }] }),
  });

describe('a region without AWS credentials', () => {
  it('is one clear warning, keeps the server from being ready, and is what a request is told', async () => {
    const { url, logs } = await start(nowhere);
    await until(
      () => server !== undefined && warnings(server).some((each) => noCredentials.test(each)),
      'the warning',
    );
    const ready = await fetch(`${url}/ready`);
    expect(ready.status).toBe(503);
    expect(await ready.text()).toMatch(noCredentials);
    expect((await fetch(`${url}/health`)).status).toBe(200);

    const response = await complete(url, 'nova-lite');
    const { error } = (await response.json()) as { error: { message: string; code: string } };
    expect({ status: response.status, code: error.code }).toEqual({
      status: 502,
      code: 'upstream_credential_missing',
    });
    expect(error.message).toContain('found no credential');
    expect(error.message).not.toContain('refused');
    expect(response.headers.get('x-should-retry')).toBe('false');
    await until(() => logs.some(({ status }) => status === 502), 'the log line');
    const line = logs.find(({ status }) => status === 502);
    expect(line?.error).toMatchObject({
      code: 'upstream_credential_missing',
      cause: { name: 'CredentialsProviderError' },
    });
    expect(JSON.stringify(line)).not.toContain('stack');
    expect(warnings(server as TestProcess).filter((each) => noCredentials.test(each))).toHaveLength(1);
  });

  it('is one warning of several processes', async () => {
    const started = await start({ ...nowhere, WEB_CONCURRENCY: '2' }, 2);
    await until(() => warnings(started).some((each) => noCredentials.test(each)), 'the warning');
    expect((await fetch(`${started.url}/ready`)).status).toBe(503);
    expect(warnings(started).filter((each) => noCredentials.test(each))).toHaveLength(1);
  });

  it('leaves a server ready that has another upstream', async () => {
    const started = await start({ ...nowhere, ANTHROPIC_API_KEY: 'k' });
    expect((await fetch(`${started.url}/ready`)).status).toBe(200);
    await until(() => warnings(started).some((each) => noCredentials.test(each)), 'the warning');
  });

  it.each([
    { name: 'an access key', env: { AWS_ACCESS_KEY_ID: 'AKIATEST', AWS_SECRET_ACCESS_KEY: 'secret' } },
    { name: 'a Bedrock API key', env: { AWS_BEARER_TOKEN_BEDROCK: 'b' } },
  ])('is none with $name', async ({ env }) => {
    const started = await start({ ...nowhere, ...env });
    expect((await fetch(`${started.url}/ready`)).status).toBe(200);
    expect(warnings(started).filter((each) => noCredentials.test(each))).toEqual([]);
  });
});

describe('warnings at start', () => {
  it('are one line about all retired models, for someone with one key', async () => {
    const retired = warnings(await start({ ANTHROPIC_API_KEY: 'k' })).filter((each) => /retire/i.test(each));
    expect(retired).toHaveLength(1);
    expect(retired[0]).toContain('claude-3-7-sonnet (anthropic 2026-02-19)');
    expect(retired[0]).toContain('claude-3-7-sonnet=claude-sonnet-5-5');
    expect(retired[0]).not.toContain('bedrock');
  });

  it('are one line about models whose requests may leave the geography', async () => {
    const env = { AWS_REGION: 'eu-central-1', AWS_BEARER_TOKEN_BEDROCK: 'b' };
    const [line, ...others] = warnings(await start(env)).filter((each) => each.includes('geography'));
    expect(others).toEqual([]);
    expect(line).toContain('claude-fable-5-2');
    expect(line).not.toContain('nova-lite');
  });

  it('name a setting that is nearly one', async () => {
    const started = await start({ ANTHROPIC_API_KEY: 'k', INFERENCE_KEYS: 'a,b' });
    expect(warnings(started)).toContain(
      'INFERENCE_KEYS is no setting and has no effect; did you mean INFERENCE_KEY?',
    );
  });

  it('are part of the refusal where the server cannot start for such a name', async () => {
    const { code, errors } = await failToStart({
      ANTHROPIC_KEY: 'k',
      INFERENCE_KEY: '',
      INFERENCE_KEYS: 'a',
    });
    expect(code).toBe(1);
    expect(errors).toContain('did you mean ANTHROPIC_API_KEY?');
    expect(errors).toContain('did you mean INFERENCE_KEY?');
    expect(errors.trim().split('\n').length).toBeLessThan(7);
  });
});

/** Standard output as a whole, of a server that takes it for a terminal. */
const outputAtTerminal = async (env: Record<string, string>): Promise<string> => {
  const terminal = 'data:text/javascript,process.stdout.isTTY=true';
  const child = spawn(process.execPath, ['--import', terminal, entry], {
    env: { PATH: process.env.PATH, PORT: '0', INFERENCE_KEY: 'secret-key', ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  try {
    await until(() => output.includes('"content": "Hello"'), 'the lines for a person', 20_000);
    return output;
  } finally {
    child.kill('SIGKILL');
  }
};

describe('at a terminal', () => {
  it('the start ends in lines for a person: where, which models, a curl that works', async () => {
    const output = await outputAtTerminal({ ANTHROPIC_API_KEY: 'k', HOST: '0.0.0.0' });
    const [, port] = /Parley listens on http:\/\/localhost:(\d+)/.exec(output) ?? [];
    expect(Number(port)).toBeGreaterThan(0);
    expect(output).toContain(`http://localhost:${port}/v1/chat/completions`);
    expect(output).toContain('"model": "claude-4-5-haiku"');
    expect(output).toMatch(/Models: claude-.* and \d+ more/);
    expect(output).toContain('$INFERENCE_KEY');
    expect(output).not.toContain('secret-key');
    // After the log, not in the middle of it.
    expect(output.indexOf('"msg":"listening"')).toBeLessThan(output.indexOf('Parley listens'));
  });

  it('as well with several processes, once', async () => {
    const output = await outputAtTerminal({
      ANTHROPIC_API_KEY: 'k',
      WEB_CONCURRENCY: '2',
      HOST: '127.0.0.1',
    });
    expect(output.match(/Parley listens on http:\/\/127\.0\.0\.1:[1-9]\d*;/g)).toHaveLength(1);
  });

  it('and elsewhere there are log lines alone', async () => {
    // startProcess reads every line as JSON.
    const { logs } = await start({ ANTHROPIC_API_KEY: 'k' });
    expect(logs.some(({ msg }) => msg === 'listening')).toBe(true);
  });
});
