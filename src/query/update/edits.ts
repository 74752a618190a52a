/**
 * What an update changes, as lists of edits. The same lists make the new document (`apply_edits.ts`) and the entry of the
 * oplog (`diff.ts`), and a secondary reads them back from the entry: that is why both ends come to the same bytes.
 */
import type { RawValue } from '../../bson/value.ts';

export type Edits = DocumentEdits | ArrayEdits;

/** Names are as `fieldName` makes them; each occurs in one list at most. */
export interface DocumentEdits {
  readonly kind: 'document';
  readonly removes: readonly Uint8Array[];
  /** In place; appended, before the inserts, when the field is missing. */
  readonly replaces: readonly FieldValue[];
  /** At the end in this order; a field that is already there moves. */
  readonly inserts: readonly FieldValue[];
  /** Changes inside a field; nothing when it is missing, null in its place when it is of another kind. */
  readonly nested: readonly NestedEdits[];
}

export interface FieldValue {
  readonly name: Uint8Array;
  readonly value: RawValue;
}

export interface NestedEdits {
  readonly name: Uint8Array;
  readonly edits: Edits;
}

export interface ArrayEdits {
  readonly kind: 'array';
  /** Cut to this length first. */
  readonly length: number | undefined;
  /** Ascending by index; beyond the end the array is filled up with null. */
  readonly items: readonly ItemEdit[];
}

export type ItemEdit =
  | { readonly kind: 'value'; readonly index: number; readonly value: RawValue }
  | { readonly kind: 'edits'; readonly index: number; readonly edits: Edits };

export function isEmptyEdits(edits: DocumentEdits): boolean {
  return (
    edits.removes.length === 0 && edits.replaces.length === 0 && edits.inserts.length === 0 && edits.nested.length === 0
  );
}
