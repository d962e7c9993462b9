import { valueForSchema } from './arguments.ts';
import type { Answer, Ask, Block, Part, Turn } from './ask.ts';
import { wantedCalls } from './calls.ts';
import { directiveText, withoutDirectives } from './directives.ts';
import { claudeId, converseToolId } from './ids.ts';
import { type Fields, fieldsOf, isBlank, isFields, parseJson } from './json.ts';
import { countTokens, cutToTokens } from './tokens.ts';

export const REDACTED_WORD = 'ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING';
export const REFUSAL_WORD = 'ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL';

/** A call costs its JSON and some frame around it. */
const CALL_OVERHEAD = 8;

const textsOf = (turn: Turn | undefined): string =>
  (turn?.parts ?? []).flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');

const shorten = (text: string, words: number): string => {
  const all = text.split(/\s+/u).filter((word) => word !== '');
  return all.length > words ? `${all.slice(0, words).join(' ')} …` : all.join(' ');
};

const mentionMedia = (parts: readonly Part[]): string => {
  const media = parts.flatMap((part) => (part.type === 'media' ? [`${part.kind} (${part.format})`] : []));
  return media.length === 0
    ? ''
    : ` With it came ${media.length === 1 ? 'one' : media.length}: ${media.join(', ')}.`;
};

const mentionResults = (ask: Ask, parts: readonly Part[]): string =>
  parts
    .flatMap((part) => {
      if (part.type !== 'result') return [];
      const call = ask.turns
        .flatMap((turn) => turn.parts)
        .find((other) => other.type === 'call' && other.id === part.id);
      const name = call?.type === 'call' ? call.name : 'tool';
      const said = shorten(part.text, 40) || 'nothing';
      return part.failed ? `The ${name} tool failed: ${said}.` : `The ${name} tool says: ${said}.`;
    })
    .join(' ');

/** The first JSON object of a text that looks like a schema. Bounded: at most twenty openings are tried. */
const schemaIn = (text: string): Fields | undefined => {
  const starts = Array.from(text.matchAll(/\{/g), (match) => match.index).slice(0, 20);
  const ends = Array.from(text.matchAll(/\}/g), (match) => match.index + 1)
    .slice(-20)
    .reverse();
  for (const start of starts) {
    for (const end of ends) {
      const value = end > start ? parseJson(text.slice(start, end)) : undefined;
      if (isFields(value) && (isFields(value.properties) || value.type === 'object')) return value;
    }
  }
  return undefined;
};

const wantsJson = (text: string): boolean =>
  /json/i.test(text) &&
  /\b(?:only|must|solely|nothing (?:else|but)|respond with|reply with|answer with|valid)\b/i.test(text);

const jsonAnswer = (ask: Ask, asked: string): string | undefined => {
  if (ask.schema !== undefined) return JSON.stringify(valueForSchema(ask.schema, asked));
  const instructions = `${ask.system}\n${asked}`;
  if (!wantsJson(instructions)) return undefined;
  const schema = schemaIn(ask.system) ?? schemaIn(asked);
  return JSON.stringify(
    schema === undefined
      ? { answer: shorten(asked, 12) }
      : valueForSchema(schema, asked.replace(/\{.*\}/s, '')),
  );
};

const filler = (tokens: number): string => {
  const sentence = 'The simulator keeps talking, calmly and at some length, because it was asked to. ';
  return sentence.repeat(Math.ceil((tokens * 4) / sentence.length)).slice(0, tokens * 4);
};

const proseAnswer = (ask: Ask, asked: string, last: Turn | undefined): string => {
  const parts = last?.parts ?? [];
  const results = mentionResults(ask, parts);
  if (results !== '') return `${results}${mentionMedia(parts)}`;
  const echo = isBlank(asked) ? 'You sent no words.' : `You wrote: “${shorten(asked, 24)}”.`;
  return `${echo}${mentionMedia(parts)} This is a simulated answer from ${ask.modelName}.`;
};

const textAnswer = (ask: Ask, raw: string, last: Turn | undefined): string => {
  const said = directiveText(raw, 'say');
  if (said !== undefined) return said.replaceAll('\\n', '\n');
  const length = directiveText(raw, 'length');
  if (length !== undefined) return filler(Math.min(Number(length) || 100, ask.maxTokens + 1, 200_000));
  const asked = withoutDirectives(raw);
  if (directiveText(raw, 'bad-json') !== undefined)
    return 'Sure! Here is what you asked for: {"almost": json';
  return jsonAnswer(ask, asked) ?? proseAnswer(ask, asked, last);
};

/** A prefill is already said: the answer goes on from there. */
const continueFrom = (prefill: string, text: string): string => {
  if (prefill === '') return text;
  if (text.startsWith(prefill)) return text.slice(prefill.length);
  if (/[{[]$/.test(prefill) && text.startsWith(prefill.slice(-1))) return text.slice(1);
  return ` … and so on. ${text}`;
};

const thinkingText = (asked: string, depth: number): string =>
  [
    `The user wrote “${shorten(asked, 8)}”.`,
    'I should work out what is wanted.',
    'One step after another, then.',
    'Let me check that once more before answering.',
    'There is another way to see it, which agrees.',
  ]
    .slice(0, depth)
    .join(' ');

const thinkingBlocks = (ask: Ask, asked: string): { blocks: Block[]; cost: number } => {
  const { thinking } = ask;
  if (thinking === undefined) return { blocks: [], cost: 0 };
  const text = thinkingText(asked, thinking.depth);
  if (asked.includes(REDACTED_WORD) && thinking.redact !== undefined) {
    const blocks = [`${text} one`, `${text} two`].map(
      (part): Block => ({ type: 'redacted', data: thinking.redact?.(part) ?? '' }),
    );
    return { blocks, cost: countTokens(text) * 2 };
  }
  const kept = cutToTokens(text, ask.maxTokens);
  const shown = thinking.sign === undefined ? '[REDACTED]' : thinking.shown ? kept : '';
  return {
    blocks: [{ type: 'thinking', text: shown, signature: thinking.sign?.(shown) }],
    cost: countTokens(kept),
  };
};

const spoken = (ask: Ask, raw: string, last: Turn | undefined): Block[] => {
  const asked = withoutDirectives(raw);
  const answered = last?.parts.some((part) => part.type === 'result') === true;
  const forced = ask.choice.type === 'any' || ask.choice.type === 'tool';
  const wanted = answered && !forced ? [] : wantedCalls(ask, asked);
  const calls = wanted.map(({ tool, about }, index): Block => {
    const input = fieldsOf(valueForSchema({ type: 'object', ...tool.schema }, about));
    const seed = `${ask.seed}/${index}`;
    const id = ask.callPrefix === 'tooluse_' ? converseToolId(seed) : claudeId(ask.callPrefix, seed);
    return { type: 'call', id, name: tool.name, input, json: JSON.stringify(input), cut: false };
  });
  const names = [...new Set(wanted.map(({ tool }) => tool.name))].join(' and ');
  const aloud = ask.thinkingTags && ask.tools.length > 0 && ask.choice.type === 'auto';
  if (calls.length > 0) {
    if (aloud)
      return [
        { type: 'text', text: `<thinking> The User asked about this. I will use ${names}.</thinking>\n` },
        ...calls,
      ];
    return forced || ask.family === 'nova'
      ? calls
      : [{ type: 'text', text: `I'll use ${names} for that.` }, ...calls];
  }
  const text = textAnswer(ask, raw, last);
  return [
    { type: 'text', text: aloud ? `<thinking> I can answer the User now.</thinking>\n\n${text}` : text },
  ];
};

/** Cuts at the first stop sequence and at the token limit, whichever comes first. */
const limit = (ask: Ask, blocks: Block[], budget: number): Omit<Answer, 'thinkingTokens'> => {
  const kept: Block[] = [];
  let left = budget;
  const done = (
    stop: Answer['stop'],
    stopSequence: string | null = null,
  ): Omit<Answer, 'thinkingTokens'> => ({
    blocks: kept,
    stop,
    stopSequence,
    outputTokens: Math.max(1, budget - left),
  });
  for (const block of blocks) {
    if (left <= 0) return done('max_tokens');
    if (block.type === 'text') {
      const stops = ask.stops
        .map((word) => ({ word, at: block.text.indexOf(word) }))
        .filter(({ at }) => at >= 0)
        .sort((a, b) => a.at - b.at);
      const stop = stops[0];
      const text = stop === undefined ? block.text : block.text.slice(0, stop.at);
      const fitting = cutToTokens(text, left);
      if (fitting !== '' || text === '') kept.push({ type: 'text', text: fitting });
      left -= countTokens(fitting);
      if (fitting.length < text.length) return done('max_tokens');
      if (stop !== undefined) return done('stop_sequence', stop.word);
    } else if (block.type === 'call') {
      const cost = countTokens(block.json) + CALL_OVERHEAD;
      const fits = cost <= left;
      kept.push(fits ? block : { ...block, json: cutToTokens(block.json, left - CALL_OVERHEAD), cut: true });
      left -= Math.min(cost, left);
      if (!fits) return done('max_tokens');
    } else {
      kept.push(block);
    }
  }
  return done(blocks.some((block) => block.type === 'call') ? 'tool_use' : 'end_turn');
};

export const compose = (ask: Ask): Answer => {
  const lastUser = ask.turns.findLast((turn) => turn.role === 'user');
  const raw = textsOf(lastUser);
  const asked = withoutDirectives(raw);
  if (asked.includes(REFUSAL_WORD)) {
    return { blocks: [], stop: 'refusal', stopSequence: null, outputTokens: 1, thinkingTokens: 0 };
  }
  if (ask.maxTokens === 0) {
    return { blocks: [], stop: 'max_tokens', stopSequence: null, outputTokens: 0, thinkingTokens: 0 };
  }
  const thinking = thinkingBlocks(ask, asked);
  const cost = Math.min(thinking.cost, ask.maxTokens);
  const prefill = ask.turns.at(-1)?.role === 'assistant' ? textsOf(ask.turns.at(-1)) : '';
  const said = spoken(ask, raw, lastUser).map((block) =>
    block.type === 'text' ? { ...block, text: continueFrom(prefill, block.text) } : block,
  );
  const rest = limit(ask, said, ask.maxTokens - cost);
  return {
    ...rest,
    blocks: [...thinking.blocks, ...rest.blocks],
    outputTokens: cost + (ask.maxTokens > cost ? rest.outputTokens : 0),
    thinkingTokens: cost,
  };
};

/** The `unfinished-tool` fault: the last call stops in the middle of its arguments. */
export const unfinish = (answer: Answer): Answer => {
  const at = answer.blocks.findLastIndex((block) => block.type === 'call');
  if (at < 0) return answer;
  const blocks = answer.blocks
    .slice(0, at + 1)
    .map((block, index) =>
      index === at && block.type === 'call'
        ? { ...block, json: block.json.slice(0, Math.ceil(block.json.length / 2)), cut: true }
        : block,
    );
  return { ...answer, blocks, stop: 'max_tokens' };
};
