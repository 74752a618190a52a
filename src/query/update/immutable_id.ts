/** `_id` never changes: found in the edits before they are carried out. */
import { CommandError } from '../../base/command_error.ts';
import { equalBytes, textOf } from '../../bson/bytes.ts';
import { equalValues } from '../../bson/compare.ts';
import { findField } from '../../bson/elements.ts';
import { describeElement } from '../describe.ts';
import { ID_FIELD } from './document_id.ts';
import type { DocumentEdits, Edits } from './edits.ts';
import { checkIdType } from './upsert.ts';

/** `isInsert`: the seed of an upsert may be given an `_id`. */
export function refuseIdEdits(edits: DocumentEdits, isInsert: boolean): void {
  for (const name of edits.removes) if (isId(name)) throw immutable('_id');
  for (const { name } of edits.replaces) if (isId(name)) throw immutable('_id');
  for (const { name, edits: inner } of edits.nested) if (isId(name)) throw immutable(`_id${pathInside(inner)}`);
  for (const { name } of edits.inserts) if (isId(name) && !isInsert) throw immutable('_id');
}

/** For whole new documents: `_id` must be absent or equal, though it may be another type of number. */
export function refuseOtherId(document: Uint8Array, replacement: Uint8Array): void {
  const before = findField(document, ID_FIELD);
  const after = findField(replacement, ID_FIELD);
  if (after !== undefined) checkIdType(after);
  if (before === undefined || after === undefined || equalValues(before, after)) return;
  throw new CommandError(
    'ImmutableField',
    "After applying the update, the (immutable) field '_id' was found to have been altered to " +
      describeElement('_id', after),
  );
}

function isId(name: Uint8Array): boolean {
  return equalBytes(name, ID_FIELD);
}

/** The way to the first change, as '.a.0'. */
function pathInside(edits: Edits): string {
  if (edits.kind === 'array') {
    const [item] = edits.items;
    if (item === undefined) return '';
    return `.${item.index}${item.kind === 'edits' ? pathInside(item.edits) : ''}`;
  }
  const [first] = [...edits.removes, ...[...edits.replaces, ...edits.inserts, ...edits.nested].map(({ name }) => name)];
  if (first === undefined) return '';
  const [nested] = edits.nested;
  const rest = nested !== undefined && nested.name === first ? pathInside(nested.edits) : '';
  return `.${textOf(first, 0, first.length)}${rest}`;
}

function immutable(path: string): CommandError {
  return new CommandError(
    'ImmutableField',
    `Performing an update on the path '${path}' would modify the immutable field '_id'`,
  );
}
