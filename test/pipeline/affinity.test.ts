import { describe, expect, it } from 'vitest';
import type { AskTurn } from '../../src/core/ask.ts';
import { noLongTexts, textPart } from '../../src/core/message-text.ts';
import { Affinity } from '../../src/pipeline/affinity.ts';
import { createLocalStore } from '../../src/store/local.ts';
import { targetOf } from '../normalize/fit.ts';

const user = (text: string): AskTurn => ({ role: 'user', parts: [textPart(text)] });
const assistant: AskTurn = { role: 'assistant', parts: [textPart('Yes?')] };
const system = (text: string): AskTurn => ({ role: 'system', parts: [textPart(text)] });

const place = async (
  affinity: Affinity,
  turns: readonly AskTurn[],
  model = 'claude-opus-5-5',
  client = 'me',
) => {
  const targets = [targetOf(model, 'anthropic'), targetOf(model, 'bedrock')];
  const { targets: ordered, answered } = await affinity.place(targets, { turns, texts: noLongTexts }, client);
  return { order: ordered.map(({ upstream }) => upstream), answered, targets };
};

describe('the upstream of a conversation', () => {
  it('is the one that gave its first answer, and a failover does not move it', async () => {
    const affinity = new Affinity(createLocalStore());
    const first = await place(affinity, [system('Monday'), user('a')]);
    expect(first.order).toEqual(['anthropic', 'bedrock']);
    first.answered?.(targetOf('claude-opus-5-5', 'bedrock'));
    const later = await place(affinity, [system('Tuesday'), user('a'), assistant, user('b')]);
    expect(later.order).toEqual(['bedrock', 'anthropic']);
    expect(later.answered).toBeUndefined();
  });

  it.each([
    { name: 'another conversation', turns: [user('b')] },
    { name: 'another client', turns: [user('a')], client: 'other' },
    { name: 'another model', turns: [user('a')], model: 'claude-sonnet-5-5' },
  ])('is not that of $name', async ({ turns, model, client }) => {
    const affinity = new Affinity(createLocalStore());
    (await place(affinity, [user('a')])).answered?.(targetOf('claude-opus-5-5', 'bedrock'));
    expect((await place(affinity, turns, model, client)).order).toEqual(['anthropic', 'bedrock']);
  });

  it('is nobody’s business where thinking is not bound, or there is one upstream', async () => {
    const affinity = new Affinity(createLocalStore());
    expect((await place(affinity, [user('a')], 'claude-sonnet-4-6')).answered).toBeUndefined();
    const only = [targetOf('claude-opus-5-5', 'anthropic')];
    expect(
      (await affinity.place(only, { turns: [user('a')], texts: noLongTexts }, 'me')).answered,
    ).toBeUndefined();
  });
});
