/**
 * Events of a chat, as the items of a response and the events that tell of them. One state machine: an item is open or
 * none is, so that nothing is told of what has not been added, and everything that was opened is closed, in every ending.
 * (openresponses.org, section "Streaming"; behaviour 12.2, 12.5)
 */

import type { ChatEvent, JsonObject, ThinkingBlock, Usage } from '../../core/chat.ts';
import { CustomInput } from './custom-input.ts';
import type { FrameWriter } from './frames.ts';
import type { ToolForm, ToolForms } from './read-tools.ts';

type Finish = Extract<ChatEvent, { type: 'finish' }>;
type ItemStatus = 'completed' | 'incomplete';

const quoted = (text: string): string => JSON.stringify(text);

/** An item that is not over yet: what comes to it, and how it ends. */
interface OpenItem {
  readonly kind: 'message' | 'reasoning' | 'call';
  push(text: string): void;
  /** The item as it is from now on. `block`: of reasoning, where it is signed. */
  close(status: ItemStatus, block?: ThinkingBlock): JsonObject;
}

/** Where an item stands, and what is told of it. */
interface Place {
  readonly index: number;
  readonly id: string;
  /** Absent where only the whole response is wanted. */
  readonly writer: FrameWriter | undefined;
  /** Fields that the events of the item begin with. */
  readonly at: string;
}

const outputText = (text: string) => ({ type: 'output_text', text, annotations: [], logprobs: [] });

class MessageItem implements OpenItem {
  readonly kind = 'message';
  readonly #place: Place;
  readonly #at: string;
  #text = '';

  constructor(place: Place) {
    this.#place = place;
    this.#at = `${place.at},"content_index":0`;
    place.writer?.write(
      'response.output_item.added',
      `"output_index":${place.index},"item":${JSON.stringify(this.#item('in_progress', []))}`,
    );
    place.writer?.write(
      'response.content_part.added',
      `${this.#at},"part":${JSON.stringify(outputText(''))}`,
    );
  }

  #item(status: ItemStatus | 'in_progress', content: readonly JsonObject[]): JsonObject {
    return { type: 'message', id: this.#place.id, status, role: 'assistant', content };
  }

  push(text: string): void {
    this.#text += text;
    this.#place.writer?.write(
      'response.output_text.delta',
      `${this.#at},"delta":${quoted(text)},"logprobs":[]`,
    );
  }

  close(status: ItemStatus): JsonObject {
    const { writer } = this.#place;
    const part = outputText(this.#text);
    writer?.write('response.output_text.done', `${this.#at},"text":${quoted(this.#text)},"logprobs":[]`);
    writer?.write('response.content_part.done', `${this.#at},"part":${JSON.stringify(part)}`);
    return this.#item(status, [part]);
  }
}

class ReasoningItem implements OpenItem {
  readonly kind = 'reasoning';
  readonly #place: Place;
  readonly #at: string;
  readonly #options: Pick<OutputOptions, 'showsReasoning' | 'seal'>;
  /** Undefined: no summary has begun. */
  #summary: string | undefined;

  constructor(place: Place, options: Pick<OutputOptions, 'showsReasoning' | 'seal'>) {
    this.#place = place;
    this.#at = `${place.at},"summary_index":0`;
    this.#options = options;
    place.writer?.write(
      'response.output_item.added',
      `"output_index":${place.index},"item":${JSON.stringify({ type: 'reasoning', id: place.id, summary: [] })}`,
    );
  }

  push(text: string): void {
    if (!this.#options.showsReasoning || text === '') return;
    const { writer } = this.#place;
    if (this.#summary === undefined) {
      this.#summary = '';
      writer?.write(
        'response.reasoning_summary_part.added',
        `${this.#at},"part":{"type":"summary_text","text":""}`,
      );
    }
    this.#summary += text;
    writer?.write('response.reasoning_summary_text.delta', `${this.#at},"delta":${quoted(text)}`);
  }

  /** Items of reasoning have no status of their own here: clients send back what they were given. */
  close(_status: ItemStatus, block?: ThinkingBlock): JsonObject {
    const { writer, id } = this.#place;
    const parts = this.#summary === undefined ? [] : [{ type: 'summary_text', text: this.#summary }];
    if (this.#summary !== undefined) {
      writer?.write('response.reasoning_summary_text.done', `${this.#at},"text":${quoted(this.#summary)}`);
      writer?.write('response.reasoning_summary_part.done', `${this.#at},"part":${JSON.stringify(parts[0])}`);
    }
    return { type: 'reasoning', id, summary: parts, encrypted_content: this.#options.seal(block ?? null) };
  }
}

class FunctionCallItem implements OpenItem {
  readonly kind = 'call';
  readonly #place: Place;
  readonly #callId: string;
  readonly #form: ToolForm;
  #arguments = '';

  constructor(place: Place, callId: string, form: ToolForm) {
    this.#place = place;
    this.#callId = callId;
    this.#form = form;
    place.writer?.write(
      'response.output_item.added',
      `"output_index":${place.index},"item":${JSON.stringify(this.#item('in_progress', ''))}`,
    );
  }

  #item(status: ItemStatus | 'in_progress', written: string): JsonObject {
    const { name, namespace } = this.#form;
    return {
      type: 'function_call',
      id: this.#place.id,
      call_id: this.#callId,
      name,
      ...(namespace === undefined ? {} : { namespace }),
      arguments: written,
      status,
    };
  }

  push(text: string): void {
    if (text === '') return;
    this.#arguments += text;
    this.#place.writer?.write(
      'response.function_call_arguments.delta',
      `${this.#place.at},"delta":${quoted(text)}`,
    );
  }

  close(status: ItemStatus): JsonObject {
    const written = this.#arguments === '' && status === 'completed' ? '{}' : this.#arguments;
    this.#place.writer?.write(
      'response.function_call_arguments.done',
      `${this.#place.at},"name":${quoted(this.#form.name)},"arguments":${quoted(written)}`,
    );
    return this.#item(status, written);
  }
}

class CustomCallItem implements OpenItem {
  readonly kind = 'call';
  readonly #place: Place;
  readonly #callId: string;
  readonly #form: ToolForm;
  readonly #input = new CustomInput();

  constructor(place: Place, callId: string, form: ToolForm) {
    this.#place = place;
    this.#callId = callId;
    this.#form = form;
    place.writer?.write(
      'response.output_item.added',
      `"output_index":${place.index},"item":${JSON.stringify(this.#item('in_progress', ''))}`,
    );
  }

  #item(status: ItemStatus | 'in_progress', input: string): JsonObject {
    const { name, namespace } = this.#form;
    return {
      type: 'custom_tool_call',
      id: this.#place.id,
      call_id: this.#callId,
      name,
      ...(namespace === undefined ? {} : { namespace }),
      input,
      status,
    };
  }

  #delta(text: string): void {
    if (text === '') return;
    this.#place.writer?.write(
      'response.custom_tool_call_input.delta',
      `${this.#place.at},"delta":${quoted(text)}`,
    );
  }

  push(text: string): void {
    this.#delta(this.#input.push(text));
  }

  close(status: ItemStatus): JsonObject {
    const { text, rest } = this.#input.end();
    this.#delta(rest);
    this.#place.writer?.write(
      'response.custom_tool_call_input.done',
      `${this.#place.at},"input":${quoted(text)}`,
    );
    return this.#item(status, text);
  }
}

const parsedObject = (json: string): unknown => {
  try {
    return JSON.parse(json);
  } catch {
    // Cut off by the token limit: as it came, so that it can be seen.
    return json;
  }
};

/** A search that the client executes: its arguments are an object, and come whole. */
class ToolSearchItem implements OpenItem {
  readonly kind = 'call';
  readonly #place: Place;
  readonly #callId: string;
  #arguments = '';

  constructor(place: Place, callId: string) {
    this.#place = place;
    this.#callId = callId;
    place.writer?.write(
      'response.output_item.added',
      `"output_index":${place.index},"item":${JSON.stringify(this.#item('in_progress', {}))}`,
    );
  }

  #item(status: ItemStatus | 'in_progress', read: unknown): JsonObject {
    const { id } = this.#place;
    const call = { type: 'tool_search_call', id, call_id: this.#callId, execution: 'client' };
    return { ...call, arguments: read, status };
  }

  push(text: string): void {
    this.#arguments += text;
  }

  close(status: ItemStatus): JsonObject {
    return this.#item(status, parsedObject(this.#arguments || '{}'));
  }
}

const idPrefixes = { function: 'fc', custom: 'ctc', 'tool-search': 'tsc' } as const satisfies Record<
  ToolForm['type'],
  string
>;

const createCall = (place: Place, callId: string, form: ToolForm): OpenItem => {
  switch (form.type) {
    case 'function':
      return new FunctionCallItem(place, callId, form);
    case 'custom':
      return new CustomCallItem(place, callId, form);
    case 'tool-search':
      return new ToolSearchItem(place, callId);
    default:
      return form.type satisfies never;
  }
};

export interface OutputOptions {
  /** What the ids of the items end with, before their numbers. */
  readonly idBase: string;
  readonly forms: ToolForms;
  /** Whether reasoning is shown as a summary. */
  readonly showsReasoning: boolean;
  /** Whether reasoning is signed, so that there is something to carry although it is not shown. */
  readonly reasoningIsSigned: boolean;
  /** Null: of reasoning that is not signed. */
  readonly seal: (block: ThinkingBlock | null) => string;
  /** Absent where only the whole response is wanted. */
  readonly writer: FrameWriter | undefined;
}

/** Kinds of ending at which the answer is not all there could be. */
const incompleteReasons: Partial<Record<Finish['kind'], string>> = {
  length: 'max_output_tokens',
  'context-window': 'max_output_tokens',
  refusal: 'content_filter',
};

export class Output {
  readonly #options: OutputOptions;
  /** Those that are over. */
  readonly items: JsonObject[] = [];
  #open: OpenItem | undefined;
  usage: Usage | undefined;
  finish: Finish | undefined;

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  push(event: ChatEvent): void {
    switch (event.type) {
      case 'text':
        if (event.text !== '')
          this.#opened('message', 'msg', (place) => new MessageItem(place)).push(event.text);
        break;
      case 'reasoning':
        if (this.#options.showsReasoning || this.#options.reasoningIsSigned)
          this.#reasoning().push(event.text);
        break;
      case 'thinking-block':
        this.#reasoning();
        this.#close('completed', event.block);
        break;
      case 'tool-call':
        this.#openCall(event.id, event.name);
        break;
      case 'tool-arguments':
        if (this.#open?.kind === 'call') this.#open.push(event.text);
        break;
      case 'usage':
        this.usage = event.usage;
        break;
      case 'finish':
        this.#end(event);
        break;
      case 'start':
        break;
      default:
        event satisfies never;
    }
  }

  /** Why it is incomplete, as the response object says it; null where it is not. */
  get incomplete(): JsonObject | null {
    const reason = this.finish && incompleteReasons[this.finish.kind];
    if (reason === undefined) return null;
    const explanation = this.finish?.explanation;
    return explanation === undefined ? { reason } : { reason, explanation };
  }

  #reasoning(): OpenItem {
    return this.#opened('reasoning', 'rs', (place) => new ReasoningItem(place, this.#options));
  }

  #openCall(id: string, name: string): void {
    const form = this.#options.forms.get(name) ?? { type: 'function', name, namespace: undefined };
    this.#close('completed');
    this.#open = createCall(this.#place(idPrefixes[form.type]), id, form);
  }

  #opened(kind: OpenItem['kind'], prefix: string, create: (place: Place) => OpenItem): OpenItem {
    if (this.#open?.kind === kind) return this.#open;
    this.#close('completed');
    this.#open = create(this.#place(prefix));
    return this.#open;
  }

  #place(prefix: string): Place {
    const index = this.items.length;
    const id = `${prefix}_${this.#options.idBase}${index.toString(16).padStart(4, '0')}`;
    return { index, id, writer: this.#options.writer, at: `"item_id":"${id}","output_index":${index}` };
  }

  #close(status: ItemStatus, block?: ThinkingBlock): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    const item = open.close(status, block);
    this.#options.writer?.write(
      'response.output_item.done',
      `"output_index":${this.items.length},"item":${JSON.stringify(item)}`,
    );
    this.items.push(item);
  }

  #end(finish: Finish): void {
    this.finish = finish;
    const isIncomplete = incompleteReasons[finish.kind] !== undefined;
    this.#close(isIncomplete ? 'incomplete' : 'completed');
    // Clients have something to show then.
    if (this.items.length > 0 || isIncomplete) return;
    this.#opened('message', 'msg', (place) => new MessageItem(place));
    this.#close('completed');
  }
}
