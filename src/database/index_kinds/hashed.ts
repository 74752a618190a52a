/**
 * Hashed indexes: one field of the key is written as a 64-bit hash of its value, which spreads keys evenly and answers
 * nothing but equality. Numbers that are equal once cut to whole ones share a hash, so documents are looked at again.
 */
import { CommandError } from '../../base/command_error.ts';
import { KeyWriter } from '../../bson/key.ts';
import type { ValueSpan } from '../../bson/types.ts';
import { rawInt64, type RawValue } from '../../bson/value.ts';
import { IRREGULAR_FROM, type EqualityKeys } from '../../query/collation/equality_keys.ts';
import { isCollatable } from '../../query/value_order.ts';
import { describeDocument } from '../../query/describe.ts';
import {
  KeyExtractor,
  type Extraction,
  type KeyGenerator,
  type SingleKey,
  type ValueEncoder,
} from '../index/index_key.ts';
import { EVERYTHING, isPoint, union, type Interval } from '../planner/interval.ts';
import type { IndexKind, IndexSpec } from './index_kind.ts';
import { IRREGULAR, listedBounds } from './collated_bounds.ts';
import { valueHash } from '../../bson/value_hash.ts';

export const hashedKind: IndexKind = {
  name: 'hashed',
  options: new Set(),
  check: (draft) => draft,
  checkBuild(spec) {
    const hashed = spec.fields.filter((field) => field.plugin === 'hashed').length;
    if (hashed > 1) {
      const text = `A maximum of one index field is allowed to be hashed but found ${hashed} for 'key' ${describeDocument(spec.key)}`;
      throw new CommandError(31_303, text);
    }
    if (spec.isUnique) {
      throw new CommandError(16_764, 'Currently hashed indexes cannot guarantee uniqueness. Use a regular index.');
    }
  },
  generator: (spec) => new HashedKeyGenerator(spec),
  bounds(field, predicate, spec) {
    const leavesOutMissing = spec.isSparse && spec.fields.length === 1;
    if (field.plugin !== 'hashed') return listedBounds(predicate, spec, { leavesOutMissing: false });
    if (predicate.kind === 'exists')
      return { intervals: [EVERYTHING], tightness: leavesOutMissing ? 'exact' : 'fetch' };
    if (predicate.kind !== 'eq' && predicate.kind !== 'in') return undefined;
    const bounds = listedBounds(predicate, spec, { leavesOutMissing: false });
    const points = bounds?.intervals.filter((one) => one !== IRREGULAR);
    if (bounds === undefined || points === undefined || !points.every(isPoint)) return undefined;
    const hashes = points.map((one) => hashedPoint(one.start));
    // All irregular values have one hash.
    if (points.length < bounds.intervals.length) hashes.push(hashedPoint(IRREGULAR_FROM));
    return { intervals: union(hashes), tightness: 'fetch' };
  },
};

function hashedPoint(value: ValueSpan): Interval {
  const hash = rawInt64(valueHash(value));
  const key = new KeyWriter().append(hash).finish();
  return { start: hash, end: hash, startInclusive: true, endInclusive: true, startKey: key, endKey: key };
}

/** Arrays are refused, wherever they are. */
class HashedKeyGenerator implements KeyGenerator {
  readonly #spec: IndexSpec;
  readonly #extractor: KeyExtractor;

  constructor(spec: IndexSpec) {
    this.#spec = spec;
    this.#extractor = new KeyExtractor(spec.fields, spec.isSparse, encoderOf(spec));
  }

  extract(document: Uint8Array, suffix: Uint8Array): Extraction {
    const extraction = this.#extractor.extract(document, suffix);
    if (extraction.multikey) throw this.#arrayFound(extraction.arrays ?? []);
    return extraction;
  }

  singleKey(bytes: Uint8Array, at: number): SingleKey | undefined {
    return this.#extractor.singleKey(bytes, at);
  }

  valuesOf(document: Uint8Array, suffix: Uint8Array, key: Uint8Array): ReturnType<KeyGenerator['valuesOf']> {
    const values = this.#extractor.valuesOf(document, suffix, key);
    const { fields, equality } = this.#spec;
    return values.map((value, i) => (fields[i].plugin === 'hashed' ? hashOf(value, equality) : value));
  }

  #arrayFound(arrays: readonly number[]): CommandError {
    const i = Math.max(
      arrays.findIndex((bits) => bits !== 0),
      0,
    );
    const depth = 32 - Math.clz32(arrays[i] & -arrays[i]);
    const path = this.#spec.fields[i].path.split('.').slice(0, Math.max(depth, 1)).join('.');
    const text = `Error: hashed indexes do not currently support array values. Found array at path: ${path}`;
    return new CommandError(16_766, text);
  }
}

function encoderOf({ fields, equality }: IndexSpec): ValueEncoder {
  return (writer: KeyWriter, i: number, value: ValueSpan): void => {
    const field = fields[i];
    if (field.plugin === 'hashed') writer.append(hashOf(value, equality));
    else writer.append(equality?.of(value) ?? value, field.descending);
  };
}

/** Values that are equal have the same hash; those of which a collation does not tell that by their keys have one for all. */
function hashOf(value: ValueSpan, equality: EqualityKeys | undefined): RawValue {
  if (equality === undefined || !isCollatable(value)) return rawInt64(valueHash(value));
  return rawInt64(valueHash(equality.regular(value) ?? IRREGULAR_FROM));
}
