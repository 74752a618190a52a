/** `$text` as the planner and the matcher share it. */
import { CommandError } from '../../base/command_error.ts';
import type { DocumentMetadata } from '../metadata.ts';
import type { TextFields } from '../text/text_fields.ts';
import { TextSearch, type TextQuery } from '../text/text_search.ts';

/**
 * The condition of one query. It means something once the planner has said which index it is about: that decides on the
 * fields and their languages.
 */
export class TextCondition {
  readonly query: TextQuery;
  readonly metadata: DocumentMetadata;
  #search: TextSearch | undefined;

  constructor(query: TextQuery, metadata: DocumentMetadata) {
    this.query = query;
    this.metadata = metadata;
  }

  bind(fields: TextFields): TextSearch {
    this.#search = new TextSearch(this.query, fields);
    return this.#search;
  }

  /** Throws IndexNotFound for documents that no index is about. */
  matches(document: Uint8Array): boolean {
    if (this.#search === undefined) throw noTextIndex();
    return this.#search.matches(document);
  }
}

/** `detail` is put behind MongoDB's words. */
export function noTextIndex(detail = ''): CommandError {
  return new CommandError('IndexNotFound', `text index required for $text query${detail}`);
}
