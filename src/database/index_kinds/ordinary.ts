/** The ordinary kind: values in MongoDB's order, ascending or descending, one field or several. */
import { KeyExtractor, type ValueEncoder } from '../index/index_key.ts';
import { listedBounds } from './collated_bounds.ts';
import type { IndexKind, IndexSpec } from './index_kind.ts';

export const ordinaryKind: IndexKind = {
  name: 'btree',
  options: new Set(['prepareUnique']),
  check: (draft) => draft,
  generator: (spec) => new KeyExtractor(spec.fields, spec.isSparse, encoderOf(spec)),
  bounds(field, predicate, spec) {
    // Of several fields any one brings a document into a sparse index.
    const leavesOutMissing = spec.isSparse && spec.fields.length === 1 && field.segments.length === 1;
    return listedBounds(predicate, spec, { leavesOutMissing });
  },
};

function encoderOf({ equality, fields }: IndexSpec): ValueEncoder | undefined {
  if (equality === undefined) return undefined;
  return (writer, i, value) => void writer.append(equality.of(value), fields[i].descending);
}
