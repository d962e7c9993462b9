import { isBase64, sniff } from '../claude/media.ts';
import { isLarger, sizeOf } from '../image-size.ts';
import { type Fields, fieldsOf, isBlank, isFields, textOf } from '../json.ts';
import type { Model } from '../models.ts';
import { refuseAws } from '../refusal.ts';
import {
  fieldsAt,
  knownKeys,
  listAt,
  oneOfAt,
  onlyMember,
  refuseExtraneous,
  stringAt,
  violates,
} from './shape.ts';

/** What the blocks of one message add up to. */
export interface Tally {
  images: number;
  documents: number;
  texts: number;
  readonly names: Set<string>;
}

const MEGABYTE = 1024 * 1024;
const IMAGE_BYTES = 3.75 * MEGABYTE;
const IMAGE_SIDE = 8000;
const DOCUMENT_BYTES = 4.5 * MEGABYTE;
const IMAGE_FORMATS = ['png', 'jpeg', 'gif', 'webp'];
const DOCUMENT_FORMATS = ['pdf', 'csv', 'doc', 'docx', 'xls', 'xlsx', 'html', 'txt', 'md'];
const VIDEO_FORMATS = ['mkv', 'mov', 'mp4', 'webm', 'flv', 'mpeg', 'mpg', 'wmv', 'three_gp'];

type Check = (member: unknown, path: string, model: Model, tally: Tally) => void;

const checkText: Check = (member, path, _model, tally) => {
  if (isBlank(stringAt(member, `${path}.text`))) {
    refuseAws(
      `The text field in the ContentBlock object at ${path} is blank. Add text to the text field, and try again.`,
    );
  }
  tally.texts += 1;
};

/** Decoded size and head of inline bytes. */
const bytesAt = (value: unknown, path: string): { size: number; head: Buffer } => {
  const data = stringAt(value, path);
  if (!isBase64(data)) refuseAws(`The value at ${path} is not valid base64.`);
  return { size: Math.floor((data.length * 3) / 4), head: Buffer.from(data.slice(0, 64), 'base64') };
};

const unsupported = (kind: string): never =>
  refuseAws(
    `This model doesn't support the ${kind} content block that you provided. Remove the ${kind} content block and try again.`,
  );

const hasMedia = (model: Model): boolean => model.family === 'claude' || model.media;

const checkImage: Check = (member, path, model, tally) => {
  const image = fieldsAt(member, `${path}.image`);
  knownKeys(image, ['format', 'source', 'error'], `${path}.image`);
  if (!hasMedia(model)) unsupported('image');
  oneOfAt(image.format, IMAGE_FORMATS, `${path}.image.format`);
  const [kind, source] = onlyMember(image.source, ['bytes', 's3Location'], `${path}.image.source`);
  tally.images += 1;
  if (kind !== 'bytes') return;
  const { size, head } = bytesAt(source, `${path}.image.source.bytes`);
  if (size > IMAGE_BYTES) {
    refuseAws(
      `The image at ${path} is too large: ${size} bytes. Provide an image of at most 3.75 MB and try again.`,
    );
  }
  if (sniff(head) !== `image/${textOf(image.format)}`) {
    refuseAws(
      `The image at ${path} could not be read as ${textOf(image.format)}. Make sure the format matches the bytes and try again.`,
    );
  }
  if (isLarger(sizeOf(`image/${textOf(image.format)}`, textOf(source)), IMAGE_SIDE)) {
    refuseAws(
      `The image at ${path} is larger than ${IMAGE_SIDE} pixels. Provide an image of at most ${IMAGE_SIDE} pixels a side and try again.`,
    );
  }
};

const NAME = /^[\p{L}\p{N}\-()[\]]+(?: [\p{L}\p{N}\-()[\]]+)*$/u;

const checkDocument: Check = (member, path, model, tally) => {
  const document = fieldsAt(member, `${path}.document`);
  knownKeys(document, ['format', 'name', 'source', 'context', 'citations'], `${path}.document`);
  if (!hasMedia(model)) unsupported('document');
  if (document.format !== undefined) oneOfAt(document.format, DOCUMENT_FORMATS, `${path}.document.format`);
  const name = stringAt(document.name, `${path}.document.name`);
  if (name.length > 200) violates(name, `${path}.document.name`, 'have length less than or equal to 200');
  if (!NAME.test(name)) {
    refuseAws(
      "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square brackets. The name can't contain more than one consecutive whitespace character.",
    );
  }
  if (tally.names.has(name))
    refuseAws(`Document names must be unique: '${name}' occurs more than once. Rename one and try again.`);
  tally.names.add(name);
  tally.documents += 1;
  const [kind, source] = onlyMember(
    document.source,
    ['bytes', 's3Location', 'text', 'content'],
    `${path}.document.source`,
  );
  if (kind !== 'bytes') return;
  const { size } = bytesAt(source, `${path}.document.source.bytes`);
  const isMedia = document.format === 'pdf' || document.format === 'docx';
  if (size > DOCUMENT_BYTES && !(model.family === 'nova' && isMedia)) {
    refuseAws(
      `The document at ${path} is too large: ${size} bytes. Provide a document of at most 4.5 MB and try again.`,
    );
  }
};

const checkVideo: Check = (member, path, model) => {
  if (model.family === 'claude' || !model.media) unsupported('video');
  oneOfAt(fieldsAt(member, `${path}.video`).format, VIDEO_FORMATS, `${path}.video.format`);
};

const checkId = (value: unknown, path: string): void => {
  const id = stringAt(value, path);
  if (id.length < 1 || id.length > 64) violates(id, path, 'have length less than or equal to 64');
  // Dots and colons since some family's calls are named functions.lookup:0; Claude refuses them behind this.
  if (!/^[a-zA-Z0-9_.:-]+$/.test(id))
    violates(id, path, 'satisfy regular expression pattern: [a-zA-Z0-9_.:-]+');
};

const hasEmptyKey = (value: unknown, depth = 0): boolean =>
  isFields(value)
    ? Object.entries(value).some(
        ([key, inner]) => key === '' || (depth < 20 && hasEmptyKey(inner, depth + 1)),
      )
    : Array.isArray(value) && depth < 20 && value.some((inner) => hasEmptyKey(inner, depth + 1));

export const toolName = (value: unknown, path: string, model: Model): void => {
  const name = stringAt(value, path);
  if (name.length < 1 || name.length > 64) violates(name, path, 'have length less than or equal to 64');
  if (!/^[a-zA-Z0-9_-]+$/.test(name))
    violates(name, path, 'satisfy regular expression pattern: [a-zA-Z0-9_-]+');
  if (model.family === 'nova' && name.includes('-')) {
    refuseAws(
      `The model returned the following errors: Malformed input request: string [${name}] does not match pattern ^[a-zA-Z0-9_]+$, please reformat your input and try again.`,
    );
  }
};

const checkToolUse: Check = (member, path, model) => {
  const use = fieldsAt(member, `${path}.toolUse`);
  knownKeys(use, ['toolUseId', 'name', 'input', 'type'], `${path}.toolUse`);
  checkId(use.toolUseId, `${path}.toolUse.toolUseId`);
  toolName(use.name, `${path}.toolUse.name`, model);
  fieldsAt(use.input, `${path}.toolUse.input`);
  if (hasEmptyKey(use.input))
    refuseAws(`The value at ${path}.toolUse.input has an empty key. Remove it and try again.`);
};

const RESULT_MEMBERS = ['text', 'json', 'image', 'document', 'video', 'searchResult'];

const checkToolResult: Check = (member, path, model, tally) => {
  const result = fieldsAt(member, `${path}.toolResult`);
  knownKeys(result, ['toolUseId', 'content', 'status', 'type'], `${path}.toolResult`);
  checkId(result.toolUseId, `${path}.toolResult.toolUseId`);
  if (result.status !== undefined) oneOfAt(result.status, ['success', 'error'], `${path}.toolResult.status`);
  if (result.content === undefined) violates(null, `${path}.toolResult.content`, 'not be null');
  for (const [index, part] of listAt(result.content, `${path}.toolResult.content`).entries()) {
    const where = `${path}.toolResult.content.${index}`;
    const [kind, inner] = onlyMember(part, RESULT_MEMBERS, where);
    if (kind === 'text') stringAt(inner, `${where}.text`);
    if (kind === 'json') fieldsAt(inner, `${where}.json`);
    if (kind === 'image') checkImage(inner, where, model, tally);
    // The text beside a document is asked of messages, not of results.
    if (kind === 'document') checkDocument(inner, where, model, { ...tally, documents: 0 });
  }
};

const checkReasoning: Check = (member, path, model) => {
  const [kind, inner] = onlyMember(member, ['reasoningText', 'redactedContent'], `${path}.reasoningContent`);
  if (kind === 'redactedContent') {
    bytesAt(inner, `${path}.reasoningContent.redactedContent`);
    return;
  }
  const text = fieldsAt(inner, `${path}.reasoningContent.reasoningText`);
  knownKeys(text, ['text', 'signature'], `${path}.reasoningContent.reasoningText`);
  stringAt(text.text, `${path}.reasoningContent.reasoningText.text`);
  if (model.family === 'nova' && text.signature !== undefined && text.signature !== null) {
    refuseAws(
      "This model doesn't support the reasoningContent.reasoningText.signature field. Remove reasoningContent.reasoningText.signature and try again.",
    );
  }
};

export const checkCachePoint = (member: unknown, path: string): void => {
  const point = fieldsAt(member, `${path}.cachePoint`);
  knownKeys(point, ['type', 'ttl'], `${path}.cachePoint`);
  oneOfAt(point.type, ['default'], `${path}.cachePoint.type`);
  if (point.ttl !== undefined) oneOfAt(point.ttl, ['5m', '1h'], `${path}.cachePoint.ttl`);
};

const anything: Check = () => {};

const checks: Record<string, { readonly roles: 'user' | 'assistant' | 'both'; readonly check: Check }> = {
  text: { roles: 'both', check: checkText },
  image: { roles: 'user', check: checkImage },
  document: { roles: 'user', check: checkDocument },
  video: { roles: 'user', check: checkVideo },
  audio: { roles: 'user', check: () => unsupported('audio') },
  toolUse: { roles: 'assistant', check: checkToolUse },
  toolResult: { roles: 'user', check: checkToolResult },
  reasoningContent: { roles: 'assistant', check: checkReasoning },
  cachePoint: { roles: 'both', check: (member, path) => checkCachePoint(member, path) },
  guardContent: { roles: 'both', check: anything },
  citationsContent: { roles: 'assistant', check: anything },
  searchResult: { roles: 'user', check: anything },
};

/** A call the service made itself comes back with its result, both inside the assistant's turn. */
const isServerSide = (member: unknown): boolean => {
  const { type } = fieldsOf(member);
  return typeof type === 'string' && type !== 'tool_use';
};

const checkBlock = (value: unknown, path: string, role: string, model: Model, tally: Tally): void => {
  const [kind, member] = onlyMember(value, Object.keys(checks), path);
  const row = checks[kind];
  if (row === undefined || isServerSide(member)) return;
  if (row.roles !== 'both' && row.roles !== role) {
    refuseAws(`The ${kind} content block at ${path} is only allowed in messages of the ${row.roles} role.`);
  }
  row.check(member, path, model, tally);
};

export const checkContent = (message: Fields, path: string, model: Model, names: Set<string>): void => {
  const content = listAt(message.content, `${path}.content`);
  if (content.length === 0) {
    refuseAws(
      `The content field in the Message object at ${path} is empty. Add a ContentBlock object to the content field and try again.`,
    );
  }
  const tally: Tally = { images: 0, documents: 0, texts: 0, names };
  for (const [index, block] of content.entries()) {
    checkBlock(block, `${path}.content.${index}`, textOf(message.role), model, tally);
    // github.com/aws-samples/generative-ai-use-cases/pull/1077, github.com/aws-samples/bedrock-engineer/pull/71
    const isMisplaced = fieldsOf(block).cachePoint !== undefined && !('text' in fieldsOf(content[index - 1]));
    if (model.family === 'nova' && isMisplaced) refuseExtraneous(`${path}.content.${index}`, 'cachePoint');
  }
  if (tally.images > 20)
    refuseAws(`The message at ${path} has ${tally.images} images. A message can hold at most 20 images.`);
  if (tally.documents > 5)
    refuseAws(
      `The message at ${path} has ${tally.documents} documents. A message can hold at most 5 documents.`,
    );
  if (tally.documents > 0 && tally.texts === 0) {
    refuseAws(
      `A text block is required when using documents. Add a text block to the message at ${path} and try again.`,
    );
  }
};
