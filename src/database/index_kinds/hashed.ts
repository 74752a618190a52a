/**
 * Hashed indexes: one field of the key is written as a 64-bit hash of its value, which spreads keys evenly and answers
 * nothing but equality. Numbers that are equal once cut to whole ones share a hash, so documents are looked at again.
 */
import { CommandError } from '../../base/command_error.ts';
import { KeyWriter } from '../../bson/key.ts';
import type { ValueSpan } from '../../bson/types.ts';
import { rawInt64 } from '../../bson/value.ts';
import { describeDocument } from '../../query/describe.ts';
import { KeyExtractor, type Extraction, type IndexField, type KeyGenerator, type ValueEncoder } from '../index_key.ts';
import { EVERYTHING, isPoint, union, type Interval } from '../interval.ts';
import type { IndexKind } from './index_kind.ts';
import { valueBounds } from './value_bounds.ts';
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
  generator: (spec) => new HashedKeyGenerator(spec.fields, spec.isSparse),
  bounds(field, predicate, spec) {
    const leavesOutMissing = spec.isSparse && spec.fields.length === 1;
    if (field.plugin !== 'hashed') return valueBounds(predicate, { leavesOutMissing: false });
    if (predicate.kind === 'exists')
      return { intervals: [EVERYTHING], tightness: leavesOutMissing ? 'exact' : 'fetch' };
    if (predicate.kind !== 'eq' && predicate.kind !== 'in') return undefined;
    const bounds = valueBounds(predicate, { leavesOutMissing: false });
    if (bounds === undefined || !bounds.intervals.every(isPoint)) return undefined;
    return { intervals: union(bounds.intervals.map((one) => hashedPoint(one.start))), tightness: 'fetch' };
  },
};

function hashedPoint(value: ValueSpan): Interval {
  const hash = rawInt64(valueHash(value));
  const key = new KeyWriter().append(hash).finish();
  return { start: hash, end: hash, startInclusive: true, endInclusive: true, startKey: key, endKey: key };
}

/** Arrays are refused, wherever they are. */
class HashedKeyGenerator implements KeyGenerator {
  readonly #fields: readonly IndexField[];
  readonly #extractor: KeyExtractor;

  constructor(fields: readonly IndexField[], isSparse: boolean) {
    this.#fields = fields;
    this.#extractor = new KeyExtractor(fields, isSparse, encoderOf(fields));
  }

  extract(document: Uint8Array, suffix: Uint8Array): Extraction {
    const extraction = this.#extractor.extract(document, suffix);
    if (extraction.multikey) throw this.#arrayFound(extraction.arrays ?? []);
    return extraction;
  }

  valuesOf(document: Uint8Array, suffix: Uint8Array, key: Uint8Array): ReturnType<KeyGenerator['valuesOf']> {
    const values = this.#extractor.valuesOf(document, suffix, key);
    return values.map((value, i) => (this.#fields[i].plugin === 'hashed' ? rawInt64(valueHash(value)) : value));
  }

  #arrayFound(arrays: readonly number[]): CommandError {
    const i = Math.max(
      arrays.findIndex((bits) => bits !== 0),
      0,
    );
    const depth = 32 - Math.clz32(arrays[i] & -arrays[i]);
    const path = this.#fields[i].path.split('.').slice(0, Math.max(depth, 1)).join('.');
    const text = `Error: hashed indexes do not currently support array values. Found array at path: ${path}`;
    return new CommandError(16_766, text);
  }
}

function encoderOf(fields: readonly IndexField[]): ValueEncoder {
  return (writer: KeyWriter, i: number, value: ValueSpan): void => {
    const field = fields[i];
    if (field.plugin === 'hashed') writer.append(rawInt64(valueHash(value)));
    else writer.append(value, field.descending);
  };
}
