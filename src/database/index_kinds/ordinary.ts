/** The ordinary kind: values in MongoDB's order, ascending or descending, one field or several. */
import { KeyExtractor } from '../index_key.ts';
import type { IndexKind } from './index_kind.ts';
import { valueBounds } from './value_bounds.ts';

export const ordinaryKind: IndexKind = {
  name: 'btree',
  options: new Set(['prepareUnique']),
  check: (draft) => draft,
  generator: (spec) => new KeyExtractor(spec.fields, spec.isSparse),
  bounds(field, predicate, spec) {
    // Of several fields any one brings a document into a sparse index.
    const leavesOutMissing = spec.isSparse && spec.fields.length === 1 && field.segments.length === 1;
    return valueBounds(predicate, { leavesOutMissing });
  },
};
