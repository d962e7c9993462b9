/**
 * Nova 1 thinks aloud: `<thinking>...</thinking>` inside its text when it has tools. This takes the
 * passage out of the text wherever it stands, with the white space after it, however the tags are cut
 * across deltas. Anything that is not exactly the tag stays text. Where a tag is never closed, what followed it
 * may be the answer, and is also given as text at the end (behaviour 5.9).
 */

import type { ChatEvent } from '../../core/chat.ts';

/** How many characters at the end of `text` could be the beginning of `tag`. */
const partialTag = (text: string, tag: string): number => {
  for (let length = Math.min(text.length, tag.length - 1); length > 0; length--) {
    if (tag.startsWith(text.slice(-length))) return length;
  }
  return 0;
};

export interface TagFilter {
  push(text: string, out: ChatEvent[]): void;
  /** The block has ended: what was held back as a possible tag was none. */
  flush(out: ChatEvent[]): void;
  /** The answer has ended. */
  end(out: ChatEvent[]): void;
}

/** For tags of that name. */
export const createTagFilter = (name: string): TagFilter => {
  const opening = `<${name}>`;
  const closing = `</${name}>`;
  let held = '';
  let inside = false;
  /** What the open tag has let through as reasoning so far. */
  let passage = '';
  let skipsSpace = false;

  const emit = (text: string, out: ChatEvent[]): void => {
    if (inside) {
      passage += text;
      if (text !== '') out.push({ type: 'reasoning', text });
      return;
    }
    const rest = skipsSpace ? text.trimStart() : text;
    if (rest === '') return;
    skipsSpace = false;
    out.push({ type: 'text', text: rest });
  };

  const flush = (out: ChatEvent[]): void => {
    emit(held, out);
    held = '';
  };

  return {
    push: (text, out) => {
      let rest = held + text;
      held = '';
      for (;;) {
        const tag = inside ? closing : opening;
        const at = rest.indexOf(tag);
        if (at < 0) break;
        emit(rest.slice(0, at), out);
        inside = !inside;
        passage = '';
        skipsSpace = !inside;
        rest = rest.slice(at + tag.length);
      }
      const kept = partialTag(rest, inside ? closing : opening);
      held = rest.slice(rest.length - kept);
      emit(rest.slice(0, rest.length - kept), out);
    },
    flush,
    end: (out) => {
      flush(out);
      const text = passage.trimStart();
      if (inside && text !== '') out.push({ type: 'text', text });
    },
  };
};
