import { errorTypes } from './anthropic/errors.ts';
import { awsErrorTypes } from './bedrock/errors.ts';
import { modelPath } from './bedrock/path.ts';
import { withheld } from './bedrock/withheld.ts';
import { type Fault, type FaultQueue, lastUserText } from './faults.ts';
import { fieldsOf, parseJson, textOf } from './json.ts';
import { type AnyRequest, type AnyResponse, cut, wasCut } from './ports.ts';
import { Refusal } from './refusal.ts';
import type { Call, Reply, Upstream } from './reply.ts';
import type { SeenRequest, Sightings } from './sightings.ts';
import { pause, readBody, send } from './transport.ts';

/** What differs between the two ports. */
export interface Front {
  readonly upstreamOf: (path: string) => Upstream;
  readonly answer: (call: Call) => Reply;
  readonly refuse: (refusal: Refusal, call: Call) => Reply;
}

interface Shared {
  readonly faults: FaultQueue;
  readonly sightings: Sightings;
  readonly delayMs: number;
}

const HTML =
  '<html><head><title>Bad Gateway</title></head><body><center>an edge proxy, not the API</center></body></html>';

const MESSAGES: Record<number, string> = {
  429: 'This request would exceed the rate limit. Please wait before trying again.',
  500: 'Internal server error',
  503: 'Service temporarily unavailable',
  529: 'Overloaded',
};

const typeFor = (upstream: Upstream, status: number): string =>
  upstream === 'anthropic'
    ? (errorTypes[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error'))
    : (awsErrorTypes[status] ?? (status >= 500 ? 'InternalServerException' : 'ValidationException'));

/** The status an error event would have had as a plain answer. */
const statusOfType = (type: string): number => {
  const table = [...Object.entries(errorTypes), ...Object.entries(awsErrorTypes)];
  return Number(table.find(([, name]) => name.toLowerCase() === type.toLowerCase())?.[0] ?? 500);
};

/** A bug of the simulator's own should look like one, not like a broken connection. */
const answered = (front: Front, call: Call): Reply => {
  try {
    return front.answer(call);
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return front.refuse(new Refusal(500, 'api_error', `simulator bug: ${reason}`), call);
  }
};

/** An error event without a type, as a directive may leave it. */
const named = (fault: Fault, upstream: Upstream): Fault =>
  fault.kind === 'error-event' && fault.type === ''
    ? { ...fault, type: upstream === 'anthropic' ? 'overloaded_error' : 'throttlingException' }
    : fault;

/** The answer in place of the real one, where a fault asks for that. */
const replaced = (
  faults: readonly Fault[],
  front: Front,
  call: Call,
  upstream: Upstream,
  stream: boolean,
): Reply | undefined => {
  for (const fault of faults) {
    if (fault.kind === 'html') {
      return {
        status: fault.status,
        headers: { 'content-type': 'text/html' },
        content: { kind: 'plain', body: HTML },
      };
    }
    if (fault.kind === 'status') {
      const type = fault.type ?? typeFor(upstream, fault.status);
      const message = fault.message ?? MESSAGES[fault.status] ?? 'Injected by the simulator';
      return front.refuse(new Refusal(fault.status, type, message, { ...fault.headers }), call);
    }
    if (fault.kind === 'withheld' && upstream !== 'anthropic')
      return front.refuse(withheld(fault.reason), call);
    if (fault.kind === 'error-event' && !stream) {
      const status = statusOfType(fault.type);
      return front.refuse(new Refusal(status, typeFor(upstream, status), fault.message), call);
    }
  }
  return undefined;
};

const isStream = (path: string, body: unknown): boolean =>
  path.endsWith('-stream') || fieldsOf(body).stream === true;

const modelOf = (path: string, body: unknown): string =>
  textOf(fieldsOf(body).model) || (modelPath(path)?.modelId ?? '');

export const serve =
  (front: Front, shared: Shared) =>
  (request: AnyRequest, response: AnyResponse): void => {
    const gone = new AbortController();
    const path = request.url ?? '/';
    response.on('error', () => gone.abort());
    request.on('error', () => gone.abort());

    const run = async (): Promise<void> => {
      const bytes = await readBody(request);
      const raw = bytes ?? Buffer.alloc(0);
      const parsed = parseJson(raw.toString('utf8'));
      const upstream = front.upstreamOf(path);
      const called = {
        ...{ method: request.method ?? 'GET', path, headers: request.headers, body: raw },
        noteThinking: (outcomes: SeenRequest['thinking']) => {
          seen.thinking = outcomes;
        },
      };
      const seen: SeenRequest = {
        upstream,
        path,
        headers: request.headers,
        body: parsed ?? raw.toString('utf8'),
        status: 0,
        thinking: [],
        aborted: false,
      };
      shared.sightings.add(seen, raw.length);
      response.once('close', () => {
        if (response.writableEnded && response.writableFinished !== false) return;
        seen.aborted = !wasCut(request);
        gone.abort();
      });
      if (bytes === undefined) {
        const tooLarge = new Refusal(413, 'request_too_large', 'Request exceeds the maximum size');
        seen.status = 413;
        await send(front.refuse(tooLarge, { ...called, unfinishedTool: false }), [], {
          request,
          response,
          signal: gone.signal,
          delayMs: 0,
        });
        return;
      }
      const faults = shared.faults
        .take(upstream, modelOf(path, parsed), lastUserText(parsed))
        .map((fault) => named(fault, upstream));
      const call: Call = {
        ...called,
        unfinishedTool: faults.some((fault) => fault.kind === 'unfinished-tool'),
      };
      for (const fault of faults) if (fault.kind === 'delay' && !(await pause(fault.ms, gone.signal))) return;
      if (faults.some((fault) => fault.kind === 'refuse')) return cut(request);
      if (faults.some((fault) => fault.kind === 'hang')) return;
      const reply = replaced(faults, front, call, upstream, isStream(path, parsed)) ?? answered(front, call);
      seen.status = reply.status;
      const striking = reply.status === 200 ? faults : [];
      await send(reply, striking, { request, response, signal: gone.signal, delayMs: shared.delayMs });
    };
    run().catch(() => cut(request));
  };
