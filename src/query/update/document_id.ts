/** How error messages name the document they are about. */
import { fieldName } from '../../bson/bytes.ts';
import { findField } from '../../bson/elements.ts';
import { describeElement } from '../describe.ts';

export const ID_FIELD = fieldName('_id');

/** `_id: value`, or `no id` for a document without one (the seed of an upsert). */
export function describeId(document: Uint8Array): string {
  const id = findField(document, ID_FIELD);
  return id === undefined ? 'no id' : describeElement('_id', id);
}
