import type { Answer, Ask, Block, Part } from './ask.ts';
import { directiveText, withoutDirectives } from './directives.ts';
import { claudeId, converseToolId } from './ids.ts';
import { isBlank } from './json.ts';
import { jsonAnswer } from './json-answer.ts';
import { nextStep, type PlannedCall } from './plan.ts';
import { findQuestion, type MadeCall, type Question, shorten, textsOf } from './question.ts';
import { countTokens, cutToTokens } from './tokens.ts';

const REDACTED_WORD = 'ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING';
const REFUSAL_WORD = 'ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL';

/** A call costs its JSON and some frame around it. */
const CALL_OVERHEAD = 8;

const mentionMedia = (parts: readonly Part[]): string => {
  const media = parts.flatMap((part) => (part.type === 'media' ? [`${part.kind} (${part.format})`] : []));
  return media.length === 0
    ? ''
    : ` With it came ${media.length === 1 ? 'one' : media.length}: ${media.join(', ')}.`;
};

const mentionResult = ({ name, result }: MadeCall): string => {
  const said = shorten(result?.text ?? '', 40) || 'nothing';
  return result?.failed === true ? `The ${name} tool failed: ${said}.` : `The ${name} tool says: ${said}.`;
};

const filler = (tokens: number): string => {
  const sentence = 'The simulator keeps talking, calmly and at some length, because it was asked to. ';
  return sentence.repeat(Math.ceil((tokens * 4) / sentence.length)).slice(0, tokens * 4);
};

const proseAnswer = (ask: Ask, { words, results, last }: Question): string => {
  const media = mentionMedia(last?.parts ?? []);
  if (results.length > 0) return `${results.map(mentionResult).join(' ')}${media}`;
  const echo = isBlank(words) ? 'You sent no words.' : `You wrote: “${shorten(words, 24)}”.`;
  return `${echo}${media} This is a simulated answer from ${ask.modelName}.`;
};

const textAnswer = (ask: Ask, question: Question): string => {
  const length = directiveText(question.raw, 'length');
  if (length !== undefined) return filler(Math.min(Number(length) || 100, ask.maxTokens + 1, 200_000));
  if (directiveText(question.raw, 'bad-json') !== undefined)
    return 'Sure! Here is what you asked for: {"almost": json';
  return jsonAnswer(ask, question) ?? proseAnswer(ask, question);
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

const toBlock = (ask: Ask, { tool, input }: PlannedCall, index: number): Block => {
  const seed = `${ask.seed}/${index}`;
  const id = ask.callPrefix === 'tooluse_' ? converseToolId(seed) : claudeId(ask.callPrefix, seed);
  return { type: 'call', id, name: tool.name, input, json: JSON.stringify(input), cut: false };
};

const spoken = (ask: Ask, question: Question): Block[] => {
  const step = nextStep(ask, question);
  const calls = (step?.calls ?? []).map((call, index) => toBlock(ask, call, index));
  const names = [...new Set(step?.calls.map(({ tool }) => tool.name))].join(' and ');
  const forced = ask.choice.type === 'any' || ask.choice.type === 'tool';
  const aloud = ask.thinkingTags && ask.tools.length > 0 && ask.choice.type === 'auto';
  if (calls.length === 0) {
    const text = step?.says ?? textAnswer(ask, question);
    const thought = aloud ? '<thinking> I can answer the User now.</thinking>\n\n' : '';
    return [{ type: 'text', text: `${thought}${text}` }];
  }
  if (forced) return calls;
  const thought = aloud ? `<thinking> The User asked about this. I will use ${names}.</thinking>\n` : '';
  const said = step?.says ?? (ask.family === 'nova' ? '' : `I'll use ${names} for that.`);
  return thought + said === '' ? calls : [{ type: 'text', text: `${thought}${said}` }, ...calls];
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

/** `[[think between]]`: once more behind the words and before the calls. */
const thinkBetween = ({ thinking }: Ask, blocks: readonly Block[], raw: string): readonly Block[] => {
  const at = blocks.findIndex(({ type }) => type === 'call');
  const words = blocks[at - 1];
  if (directiveText(raw, 'think') !== 'between' || words?.type !== 'text' || thinking?.sign === undefined)
    return blocks;
  thinking.note?.(words.text);
  const text = thinking.shown ? 'That said, the calls come next.' : '';
  const block: Block = { type: 'thinking', text, signature: thinking.sign(text) };
  return [...blocks.slice(0, at), block, ...blocks.slice(at)];
};

export const compose = (ask: Ask): Answer => {
  const question = findQuestion(ask.turns);
  const asked = withoutDirectives(textsOf(question.last));
  if (asked.includes(REFUSAL_WORD)) {
    return { blocks: [], stop: 'refusal', stopSequence: null, outputTokens: 1, thinkingTokens: 0 };
  }
  if (ask.maxTokens === 0) {
    return { blocks: [], stop: 'max_tokens', stopSequence: null, outputTokens: 0, thinkingTokens: 0 };
  }
  const thinking = thinkingBlocks(ask, asked);
  const cost = Math.min(thinking.cost, ask.maxTokens);
  const prefill = ask.turns.at(-1)?.role === 'assistant' ? textsOf(ask.turns.at(-1)) : '';
  const said = spoken(ask, question).map((block) =>
    block.type === 'text' ? { ...block, text: continueFrom(prefill, block.text) } : block,
  );
  const rest = limit(ask, said, ask.maxTokens - cost);
  return {
    ...rest,
    blocks: [...thinking.blocks, ...thinkBetween(ask, rest.blocks, question.raw)],
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
