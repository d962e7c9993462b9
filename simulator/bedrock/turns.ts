import { type Fields, fieldsOf, isFields, listOf, textOf } from '../json.ts';
import type { Model } from '../models.ts';
import { refuseAws } from '../refusal.ts';
import { checkContent } from './content.ts';
import { fieldsAt, knownKeys, oneOfAt } from './shape.ts';

const idsOf = (message: unknown, member: 'toolUse' | 'toolResult'): string[] =>
  listOf(fieldsOf(message).content)
    .map((block) => fieldsOf(block)[member])
    .filter((inner) => isFields(inner) && (inner.type === undefined || inner.type === 'tool_use'))
    .map((inner) => textOf(fieldsOf(inner).toolUseId));

const checkPair = (before: unknown, message: Fields, index: number): void => {
  const path = `messages.${index}.content`;
  const wanted = fieldsOf(before).role === 'assistant' ? idsOf(before, 'toolUse') : [];
  if (message.role !== 'user') return;
  const given = idsOf(message, 'toolResult');
  if (given.length > wanted.length) {
    refuseAws(
      `The number of toolResult blocks at ${path} exceeds the number of toolUse blocks of previous turn.`,
    );
  }
  if (new Set(given).size < given.length)
    refuseAws(`The toolResult blocks at ${path} contain duplicate Ids.`);
  const missing = wanted.filter((id) => !given.includes(id));
  if (missing.length > 0)
    refuseAws(`Expected toolResult blocks at ${path} for the following Ids: ${missing.join(', ')}`);
};

/** Order and content of the turns. A last turn that calls a tool stays without a result. */
export const checkTurns = (body: Fields, model: Model): void => {
  const messages = listOf(body.messages);
  if (messages.length === 0) {
    refuseAws(
      'A conversation must start with a user message. Try again with a conversation that starts with a user message.',
    );
  }
  const names = new Set<string>();
  for (const [index, value] of messages.entries()) {
    const path = `messages.${index}`;
    const message = fieldsAt(value, path);
    knownKeys(message, ['role', 'content'], path);
    oneOfAt(message.role, ['user', 'assistant'], `${path}.role`);
    if (index === 0 && message.role !== 'user') {
      refuseAws(
        'A conversation must start with a user message. Try again with a conversation that starts with a user message.',
      );
    }
    if (index > 0 && fieldsOf(messages[index - 1]).role === message.role) {
      refuseAws(
        'A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.',
      );
    }
    checkContent(message, path, model, names);
    checkPair(messages[index - 1], message, index);
  }
  const open = idsOf(messages.at(-1), 'toolUse');
  if (open.length > 0)
    refuseAws(
      `Expected toolResult blocks at messages.${messages.length}.content for the following Ids: ${open.join(', ')}`,
    );
};
