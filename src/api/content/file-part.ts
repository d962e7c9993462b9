/** Files in OpenAI's form, which its APIs share. */

import type { DocumentPart } from '../../core/chat.ts';
import { invalidRequest } from '../../core/errors.ts';
import { readDocument } from '../../media/documents.ts';

interface WireFile {
  readonly file_data?: string | null | undefined;
  readonly file_id?: string | null | undefined;
  readonly filename?: string | null | undefined;
}

/** Throws 400 with `path` for a file that is missing, unreadable or of no known kind. */
export const readFilePart = (file: WireFile, path: string): DocumentPart => {
  if (!file.file_data) {
    throw invalidRequest(
      file.file_id
        ? `${path}.file_id: files cannot be referred to by id here; send the content in file_data as a data URI.`
        : `${path}.file_data: is required, a data URI such as data:application/pdf;base64,...`,
      `${path}.${file.file_id ? 'file_id' : 'file_data'}`,
    );
  }
  return readDocument(file.file_data, file.filename ?? undefined, `${path}.file_data`);
};
