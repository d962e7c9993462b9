/** A streamed response: its opening, its items' events, its end. Behaviour 12.2, 12.5, 12.7. */

import type { ChatEvent, DroppedThinking } from '../../core/chat.ts';
import type { ApiError } from '../../core/errors.ts';
import type { AnswerEncoder, AnswerFacts, FailedEnding } from '../chat-api.ts';
import { errorCode, messageInBand } from './errors.ts';
import { FrameWriter } from './frames.ts';
import { Output } from './output.ts';
import type { ResponsesContext } from './parse.ts';
import { type InputTransformation, type SealedBlock, unusedReasoning } from './reasoning.ts';
import { type ResponseProgress, toResponse, toResponseJson } from './response-object.ts';

export interface AnswerPorts {
  seal(block: SealedBlock): string;
}

const now = () => Math.floor(Date.now() / 1000);

export const createOutput = (
  context: ResponsesContext,
  facts: AnswerFacts,
  ports: AnswerPorts,
  writer: FrameWriter | undefined,
): Output =>
  new Output({
    idBase: context.idBase,
    forms: context.forms,
    showsReasoning: facts.includeReasoning,
    reasoningIsSigned: facts.reasoningIsSigned,
    seal: (block) => ports.seal({ model: facts.model, block }),
    writer,
  });

/** Reasoning of the input that was not used, as far as it is known when an answer begins. */
export const removedFrom = (
  { removed, reasoningIds }: ResponsesContext,
  { sentBlocks }: AnswerFacts,
  dropped: readonly DroppedThinking[],
): readonly InputTransformation[] => [...removed, ...unusedReasoning({ reasoningIds, sentBlocks }, dropped)];

/** Of an answer that has come to its end. */
export const finalProgress = (
  { items, usage, incomplete }: Output,
  removed: readonly InputTransformation[],
) =>
  ({
    status: incomplete === null ? 'completed' : 'incomplete',
    completedAt: now(),
    output: items,
    usage,
    error: null,
    incomplete,
    removed,
  }) satisfies ResponseProgress;

/** Before its client knows of the end: the next request may come at once. */
export const keep = async (context: ResponsesContext, progress: ResponseProgress): Promise<void> => {
  await context.keep?.(toResponse(context, progress));
};

export class ResponseEncoder implements AnswerEncoder {
  readonly #context: ResponsesContext;
  readonly #ports: AnswerPorts;
  readonly #writer = new FrameWriter();
  readonly #echoJson: string;
  #removed: readonly InputTransformation[];
  #facts: AnswerFacts | undefined;
  #output: Output | undefined;
  #isOpened = false;

  constructor(context: ResponsesContext, ports: AnswerPorts) {
    this.#context = context;
    this.#ports = ports;
    this.#echoJson = JSON.stringify(context.echo);
    this.#removed = context.removed;
  }

  begin(facts: AnswerFacts): void {
    this.#facts = facts;
    this.#noteRemoved([]);
    this.#output = createOutput(this.#context, facts, this.#ports, this.#writer);
  }

  push(events: readonly ChatEvent[]): string {
    const [first] = events;
    if (first?.type === 'start') this.#noteRemoved(first.droppedThinking ?? []);
    this.#open();
    const output = this.#output;
    if (output !== undefined) for (const event of events) output.push(event);
    return this.#writer.take();
  }

  async end(): Promise<string> {
    this.#open();
    const output = this.#output;
    if (output === undefined) throw new Error('an answer ended that has not begun');
    const progress = finalProgress(output, this.#removed);
    await keep(this.#context, progress);
    this.#writeResponse(`response.${progress.status}`, progress);
    this.#writer.done();
    return this.#writer.take();
  }

  /** In band, with a clean end: clients act on the code. */
  fail(error: ApiError): FailedEnding {
    this.#open();
    const code = errorCode(error);
    const { type } = error;
    const message = messageInBand(error);
    const said = { code, message, param: null };
    // OpenAI's form and the one of openresponses.org: each has clients that read it alone.
    const both = JSON.stringify({ ...said, error: { type, ...said } });
    this.#writer.write('error', both.slice(1, -1));
    this.#writeResponse('response.failed', {
      status: 'failed',
      completedAt: null,
      output: this.#output?.items ?? [],
      usage: this.#output?.usage,
      error: { code, message },
      incomplete: null,
      removed: this.#removed,
    });
    this.#writer.done();
    return { frames: this.#writer.take(), ending: 'complete' };
  }

  /** An event, whatever would do for others: some clients count events alone. */
  keepAlive(): string {
    if (this.#isOpened) this.#writer.write('keepalive', '');
    else this.#open();
    return this.#writer.take();
  }

  summary(): ReturnType<AnswerEncoder['summary']> {
    return { usage: this.#output?.usage, finish: this.#output?.finish?.upstreamReason };
  }

  #open(): void {
    if (this.#isOpened) return;
    this.#isOpened = true;
    const progress: ResponseProgress = {
      status: 'in_progress',
      completedAt: null,
      output: [],
      usage: undefined,
      error: null,
      incomplete: null,
      removed: this.#removed,
    };
    const response = `"response":${toResponseJson(this.#context, progress, this.#echoJson)}`;
    this.#writer.write('response.created', response);
    this.#writer.write('response.in_progress', response);
  }

  #noteRemoved(dropped: readonly DroppedThinking[]): void {
    if (this.#facts === undefined) return;
    this.#removed = removedFrom(this.#context, this.#facts, dropped);
  }

  #writeResponse(type: string, progress: ResponseProgress): void {
    this.#writer.write(type, `"response":${toResponseJson(this.#context, progress, this.#echoJson)}`);
  }
}
