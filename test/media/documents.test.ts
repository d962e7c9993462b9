import { describe, expect, it } from 'vitest';
import { readFilePart } from '../../src/api/content/file-part.ts';
import { readDocument } from '../../src/media/documents.ts';
import { normalized, refusal } from '../normalize/fit.ts';

const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64');
const pdf = base64('%PDF-1.7\n1 0 obj');
const zip = base64('PK\u0003\u0004 word');
const docx = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';
const xlsx = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';

// Behaviour 3.7
describe('a file becomes a document of its kind', () => {
  it.each([
    {
      name: 'a PDF as a data URI',
      data: `data:application/pdf;base64,${pdf}`,
      filename: 'a.pdf',
      source: { mediaType: 'application/pdf', data: pdf },
    },
    {
      name: 'a PDF as bare base64 with a name',
      data: pdf,
      filename: 'a.pdf',
      source: { mediaType: 'application/pdf', data: pdf },
    },
    {
      name: 'a PDF by its bytes, whatever the label',
      data: `data:application/octet-stream;base64,${pdf}`,
      filename: undefined,
      source: { mediaType: 'application/pdf', data: pdf },
    },
    {
      name: 'plain text',
      data: `data:text/plain;base64,${base64('Grüße')}`,
      filename: 'a.txt',
      source: { mediaType: 'text/plain', text: 'Grüße' },
    },
    {
      name: 'text that is neither escaped nor base64',
      data: 'data:text/plain,Grüße, 你好',
      filename: 'a.txt',
      source: { mediaType: 'text/plain', text: 'Grüße, 你好' },
    },
    {
      name: 'percent-encoded text',
      data: 'data:text/plain;charset=utf-8,Gr%C3%BC%C3%9Fe',
      filename: undefined,
      source: { mediaType: 'text/plain', text: 'Grüße' },
    },
    {
      name: 'markdown by extension',
      data: `data:text/plain;base64,${base64('# x')}`,
      filename: 'a.MD',
      source: { mediaType: 'text/markdown', text: '# x' },
    },
    {
      name: 'csv',
      data: `data:text/csv;base64,${base64('a,b')}`,
      filename: undefined,
      source: { mediaType: 'text/csv', text: 'a,b' },
    },
    {
      name: 'html',
      data: `data:text/html;base64,${base64('<p>')}`,
      filename: undefined,
      source: { mediaType: 'text/html', text: '<p>' },
    },
    {
      name: 'docx by type',
      data: `data:${docx};base64,${zip}`,
      filename: 'a.docx',
      source: { mediaType: docx, data: zip },
    },
    { name: 'xlsx by extension', data: zip, filename: 'a.xlsx', source: { mediaType: xlsx, data: zip } },
  ])('$name', ({ data, filename, source }) => {
    expect(readDocument(data, filename, 'p')).toMatchObject({
      type: 'document',
      source,
      name: filename ?? 'document',
    });
  });
});

describe('a file that cannot be sent is a 400 with its path', () => {
  it.each([
    {
      name: 'a file by id, which lives at another provider',
      file: { file_id: 'file-1' },
      param: 'p.file_id',
      says: /by id/,
    },
    { name: 'no data', file: { filename: 'a.pdf' }, param: 'p.file_data', says: /required/ },
    { name: 'no base64', file: { file_data: '@@@' }, param: 'p.file_data', says: /base64/ },
    {
      name: 'an unknown kind',
      file: { file_data: `data:application/zip;base64,${zip}`, filename: 'a.zip' },
      param: 'p.file_data',
      says: /known kind/,
    },
    {
      name: 'a PDF that is none',
      file: { file_data: `data:application/pdf;base64,${zip}` },
      param: 'p.file_data',
      says: /known kind/,
    },
    {
      name: 'an empty text',
      file: { file_data: `data:text/plain;base64,${base64(' ')}` },
      param: 'p.file_data',
      says: /empty/,
    },
  ])('$name', ({ file, param, says }) => {
    const error = refusal(() => readFilePart(file, 'p'));
    expect(error).toMatchObject({ status: 400, param });
    expect(error.message).toMatch(says);
  });
});

describe('where documents may stand', () => {
  it('a PDF through the image part, as some clients send it', () => {
    const url = `data:application/pdf;base64,${pdf}`;
    const { prompt } = normalized({
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
    });
    expect(prompt.turns[0]?.parts).toMatchObject([
      { type: 'document', path: 'messages[0].content[0].image_url.url' },
    ]);
  });

  it('a file part in a user message, with its path for later refusals', () => {
    const file = { file_data: `data:application/pdf;base64,${pdf}`, filename: 'a.pdf' };
    const { prompt } = normalized({ messages: [{ role: 'user', content: [{ type: 'file', file }] }] });
    expect(prompt.turns[0]?.parts).toMatchObject([
      { type: 'document', name: 'a.pdf', path: 'messages[0].content[0].file.file_data' },
    ]);
  });
});
