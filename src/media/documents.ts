/** `file` parts: PDFs and office files as bytes, text kinds as text. Behaviour 3.7. */

import type { DocumentPart } from '../core/chat.ts';
import { invalidRequest } from '../core/errors.ts';
import { parseDataUri, standardBase64 } from './data-uri.ts';

const byExtension: Readonly<Record<string, string>> = {
  pdf: 'application/pdf',
  txt: 'text/plain',
  md: 'text/markdown',
  csv: 'text/csv',
  html: 'text/html',
  doc: 'application/msword',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xls: 'application/vnd.ms-excel',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
};
const aliases: Readonly<Record<string, string>> = {
  'text/x-markdown': 'text/markdown',
  'application/csv': 'text/csv',
  'application/xhtml+xml': 'text/html',
  'application/x-pdf': 'application/pdf',
};
const known = new Set(Object.values(byExtension));

export const readDocument = (content: string, filename: string | undefined, path: string): DocumentPart => {
  const uri = /^data:/i.test(content)
    ? parseDataUri(content, path)
    : { mediaType: '', data: standardBase64(content) };
  if (!uri.data) throw invalidRequest(`${path}: must be a data URI or base64, and not empty.`, path);
  const extension = /\.([A-Za-z0-9]+)$/.exec(filename ?? '')?.[1]?.toLowerCase() ?? '';
  // A name that says PDF does not make one of plain text.
  const named = extension === 'pdf' ? undefined : byExtension[extension];
  const start = Buffer.from(uri.data.slice(0, 1368), 'base64').toString('latin1');
  const declared = aliases[uri.mediaType] ?? uri.mediaType;
  // As with images the bytes come first; a PDF's marker may stand anywhere in the first kilobyte.
  const mediaType = start.includes('%PDF-')
    ? 'application/pdf'
    : known.has(declared) && declared !== 'application/pdf'
      ? declared === 'text/plain'
        ? (named ?? declared)
        : declared
      : byExtension[extension];
  if (mediaType === undefined || (mediaType === 'application/pdf' && !start.includes('%PDF-'))) {
    throw invalidRequest(
      `${path}: is no document of a known kind (${Object.keys(byExtension).join(', ')}). Give the media type in the data URI or an extension in filename.`,
      path,
    );
  }
  const name = filename?.trim() || 'document';
  if (!mediaType.startsWith('text/')) {
    return { type: 'document', source: { mediaType, data: uri.data }, name, path };
  }
  const text = Buffer.from(uri.data, 'base64').toString('utf8');
  if (text.trim() === '') throw invalidRequest(`${path}: the document is empty.`, path);
  return { type: 'document', source: { mediaType, text }, name, path };
};
