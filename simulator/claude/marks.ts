import { isFields, listOf } from '../json.ts';
import { refuse } from '../refusal.ts';
import { blocksOf } from './ask.ts';
import { at, needObject, needOneOf, onlyKnown } from './fields.ts';
import type { ClaudeRequest } from './request.ts';

const MOST = 4;

/** Cache marks: their form, at most four, long-lived ones first. */
export const checkMarks = ({ body }: ClaudeRequest): void => {
  const places: [path: string, mark: unknown][] = [];
  for (const [index, tool] of listOf(body.tools).entries()) {
    if (isFields(tool)) places.push([at('tools', index, 'custom'), tool.cache_control]);
  }
  for (const [index, block] of blocksOf(body.system).entries())
    places.push([at('system', index), block.cache_control]);
  for (const [index, message] of listOf(body.messages).entries()) {
    if (!isFields(message)) continue;
    for (const [inner, block] of blocksOf(message.content).entries()) {
      places.push([at('messages', index, 'content', inner), block.cache_control]);
      for (const [deep, part] of listOf(block.content).entries()) {
        if (isFields(part))
          places.push([at('messages', index, 'content', inner, 'content', deep), part.cache_control]);
      }
    }
  }
  places.push(['', body.cache_control]);
  let found = 0;
  let short = false;
  for (const [place, mark] of places) {
    if (mark === undefined || mark === null) continue;
    found += 1;
    const path = at(place, 'cache_control');
    const fields = needObject(mark, path);
    onlyKnown(fields, ['type', 'ttl'], path);
    needOneOf(fields.type, ['ephemeral'], at(path, 'type'));
    if (fields.ttl !== undefined) needOneOf(fields.ttl, ['5m', '1h'], at(path, 'ttl'));
    if (fields.ttl === '1h' && short) {
      refuse(
        `${at(path, 'ttl')}: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks are processed in the following order: \`tools\`, \`system\`, \`messages\`.`,
      );
    }
    short ||= fields.ttl !== '1h';
  }
  if (found > MOST) refuse(`A maximum of ${MOST} blocks with cache_control may be provided. Found ${found}.`);
};
