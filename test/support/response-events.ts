/** The grammar of a streamed response, held against what came: the numbers, the order, the ids, the sums of the deltas. */

import { expect } from 'vitest';

type Fields = Record<string, unknown>;

export interface ResponseEvent extends Fields {
  readonly type: string;
  readonly sequence_number: number;
}

export interface Item extends Fields {
  readonly type: string;
  readonly id: string;
}

/** Server-sent events as they came, `[DONE]` included and checked to be last. */
export const readEvents = (stream: string): readonly ResponseEvent[] => {
  const frames = stream.split('\n\n').filter((frame) => frame !== '' && !frame.startsWith(':'));
  expect(frames.at(-1)).toBe('data: [DONE]');
  return frames.slice(0, -1).map((frame) => {
    const [, name, data] = /^event: (.*?)\ndata: (.*)$/s.exec(frame) ?? [];
    const event = JSON.parse(data ?? 'null') as ResponseEvent;
    expect(event.type).toBe(name);
    return event;
  });
};

interface Open {
  readonly item: Item;
  /** Texts by the field that ends them. */
  text: string;
  part: 'none' | 'open' | 'closed';
  isDone: boolean;
}

const deltas: Readonly<Record<string, { readonly item: string; readonly field: string }>> = {
  'response.output_text': { item: 'message', field: 'text' },
  'response.reasoning_summary_text': { item: 'reasoning', field: 'text' },
  'response.function_call_arguments': { item: 'function_call', field: 'arguments' },
  'response.custom_tool_call_input': { item: 'custom_tool_call', field: 'input' },
};

const partKinds: Readonly<Record<string, string>> = {
  'response.content_part': 'message',
  'response.reasoning_summary_part': 'reasoning',
};

export interface CheckedResponse {
  readonly response: Fields & {
    readonly id: string;
    readonly status: string;
    readonly output: readonly Item[];
  };
  readonly events: readonly ResponseEvent[];
}

/** Expects what the grammar demands. Returns the response as its last event has it. */
export const checkEvents = (events: readonly ResponseEvent[]): CheckedResponse => {
  expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, index) => index));
  const named = events.filter(({ type }) => type !== 'keepalive');
  expect(named.slice(0, 2).map(({ type }) => type)).toEqual(['response.created', 'response.in_progress']);
  const opening = named[0]?.response as CheckedResponse['response'];
  expect(opening).toMatchObject({ status: 'in_progress', output: [], usage: null, error: null });

  const items: Item[] = [];
  let open: Open | undefined;
  let final: CheckedResponse['response'] | undefined;
  for (const [at, event] of named.slice(2).entries()) {
    const { type } = event;
    expect(final, `${type} after the end`).toBeUndefined();
    if (type === 'response.completed' || type === 'response.incomplete' || type === 'response.failed') {
      final = event.response as CheckedResponse['response'];
      expect(final.status).toBe(type.slice('response.'.length));
      expect(final.id).toBe(opening.id);
      if (type !== 'response.failed') expect(open).toBeUndefined();
      continue;
    }
    if (type === 'error') {
      expect(named[at + 3]?.type).toBe('response.failed');
      expect(event).toMatchObject({ code: expect.any(String), message: expect.any(String), param: null });
      expect(event.error).toMatchObject({ code: event.code, message: event.message });
      continue;
    }
    if (type === 'response.output_item.added') {
      expect(open, 'one item at a time').toBeUndefined();
      expect(event.output_index).toBe(items.length);
      open = { item: event.item as Item, text: '', part: 'none', isDone: false };
      expect(open.item.id).toMatch(/^[a-z]+_[0-9a-f]{44}$/);
      continue;
    }
    expect(open, `${type} without an item`).toBeDefined();
    if (open === undefined) continue;
    expect(event.output_index).toBe(items.length);
    if (type === 'response.output_item.done') {
      const item = event.item as Item;
      expect(item.id).toBe(open.item.id);
      expect(item.type).toBe(open.item.type);
      expect(open.part).not.toBe('open');
      if (item.type !== 'reasoning' && item.type !== 'tool_search_call') expect(open.isDone).toBe(true);
      items.push(item);
      open = undefined;
      continue;
    }
    expect(event.item_id).toBe(open.item.id);
    const [, stem = '', verb = ''] = /^(.*)\.(added|delta|done)$/.exec(type) ?? [];
    const kind = partKinds[stem];
    if (kind !== undefined) {
      expect(open.item.type).toBe(kind);
      expect(open.part).toBe(verb === 'added' ? 'none' : 'open');
      expect((event.part as Fields).text).toBe(verb === 'added' ? '' : open.text);
      open.part = verb === 'added' ? 'open' : 'closed';
      continue;
    }
    const delta = deltas[stem];
    expect(delta, `an event of an unknown type: ${type}`).toBeDefined();
    if (delta === undefined) continue;
    expect(open.item.type).toBe(delta.item);
    if (partKinds['response.content_part'] === delta.item || delta.item === 'reasoning')
      expect(open.part).toBe('open');
    expect(open.isDone).toBe(false);
    if (verb === 'delta') open.text += event.delta as string;
    else {
      // A call without arguments has an empty object.
      if (!(delta.field === 'arguments' && open.text === '' && event[delta.field] === '{}'))
        expect(event[delta.field]).toBe(open.text);
      open.isDone = true;
    }
  }
  if (final === undefined) throw new Error('The stream has no terminal event.');
  expect(final.output).toEqual(items);
  const ids = items.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  return { response: final, events };
};
