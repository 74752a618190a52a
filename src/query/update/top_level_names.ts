/** Names at the top level of a stored document may begin with a dollar sign only in a document that is inserted. */
import { CommandError } from '../../base/command_error.ts';
import { textOf } from '../../bson/bytes.ts';
import type { DocumentEdits } from './edits.ts';

const DOLLAR = 0x24;

/** The parts of a DBRef. */
const DB_REF_FIELDS = new Set(['$ref', '$id', '$db']);

export function refuseDollarNames(edits: DocumentEdits): void {
  for (const { name } of [...edits.replaces, ...edits.inserts, ...edits.nested]) {
    if (name[0] !== DOLLAR) continue;
    const text = textOf(name, 0, name.length);
    if (DB_REF_FIELDS.has(text)) continue;
    throw new CommandError(
      'DollarPrefixedFieldName',
      `The dollar ($) prefixed field '${text}' in '${text}' is not valid for storage.`,
    );
  }
}
