/** The `min` and `max` of find: keys of an index between which to look, whatever the filter says. */
import { compareBytes } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { KeyWriter } from '../../bson/key.ts';
import { isSameCollation, type Collation } from '../../query/collation.ts';
import { isCollatable } from '../../query/value_order.ts';
import { compareInIndex, valuesIn } from './index_order.ts';
import type { Candidate } from './candidate.ts';

/** Documents with a value for every field of the index, in its order. `min` belongs to the range, `max` does not. */
export interface KeyLimits {
  readonly min: Uint8Array | undefined;
  readonly max: Uint8Array | undefined;
  /** What the query compares strings by; undefined: their bytes. */
  readonly collation: Collation | undefined;
}

export type LimitedRange =
  | { readonly kind: 'range'; readonly from: Uint8Array | undefined; readonly to: Uint8Array | undefined }
  | { readonly kind: 'mismatch' | 'reversed'; readonly text: string };

export function rangeBetween(limits: KeyLimits, candidate: Candidate): LimitedRange {
  const { min, max } = limits;
  if (!hasTheirOrder(candidate, limits)) {
    return { kind: 'mismatch', text: 'The index chosen is not compatible with min/max' };
  }
  const from = min && keyFrom(min, candidate);
  const to = max && keyFrom(max, candidate);
  if ((min !== undefined && from === undefined) || (max !== undefined && to === undefined)) {
    const name = min !== undefined && from === undefined ? 'min' : 'max';
    return { kind: 'mismatch', text: `The index chosen is not compatible with ${name}()` };
  }
  if (isReversed(limits, candidate, from, to)) {
    const text = 'The value provided for min() does not come before the value provided for max() in the hinted index';
    return { kind: 'reversed', text };
  }
  return { kind: 'range', from, to };
}

/** The keys of an index with a collation have another order than its values. */
function isReversed({ min, max }: KeyLimits, { index }: Candidate, from?: Uint8Array, to?: Uint8Array): boolean {
  if (from === undefined || to === undefined || min === undefined || max === undefined) return false;
  if (index?.spec.equality === undefined) return compareBytes(from, to) >= 0;
  return compareInIndex(index, valuesIn(min), valuesIn(max)) >= 0;
}

/** Whether the limits mean the same in the order of the query and in that of the index. */
function hasTheirOrder(candidate: Candidate, { min, max, collation }: KeyLimits): boolean {
  if (!hasStrings(min) && !hasStrings(max)) return true;
  const own = candidate.index?.spec.equality?.collation;
  return isSameCollation(own, collation);
}

function hasStrings(limit: Uint8Array | undefined): boolean {
  if (limit === undefined) return false;
  const reader = new ElementReader(limit);
  while (reader.next()) if (isCollatable(reader)) return true;
  return false;
}

/** Undefined when the fields are not those of the index. */
function keyFrom(limit: Uint8Array, { fields }: Candidate): Uint8Array | undefined {
  const writer = new KeyWriter();
  const reader = new ElementReader(limit);
  let i = 0;
  for (; reader.next(); i++) {
    const field = fields[i];
    if (field === undefined || field.plugin !== undefined || reader.name() !== field.path) return undefined;
    writer.append(reader, field.descending);
  }
  return i === fields.length ? writer.finish() : undefined;
}
