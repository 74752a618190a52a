/** Byte keys for sorting by the value of an expression. */
import { compareBytes, uint32At, writeInt32 } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { KeyWriter } from '../../bson/key.ts';
import type { ValueSpan } from '../../bson/types.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { SortSpec } from '../sort.ts';
import type { ValueOrder } from '../value_order.ts';
import type { CompareKeys } from './merge.ts';

/** Makes keys and compares them. Keys are owned by the caller. */
export interface ValueKeys {
  readonly keyOf: (value: ValueSpan) => Uint8Array;
  readonly compare: CompareKeys;
}

/** Ordered by their bytes, except under a collation: then the key holds the value. */
export function valueKeys(order: ValueOrder): ValueKeys {
  if (order.collation === undefined) {
    const writer = new KeyWriter();
    return { keyOf: (value) => writer.reset().append(value).finish(), compare: compareBytes };
  }
  const writer = new BsonWriter();
  return {
    keyOf: (value) => writer.reset().startDocument().value('', value).endDocument().finish(),
    compare: (a, b) => order.compare(firstOf(a), firstOf(b)),
  };
}

function firstOf(document: Uint8Array): ElementReader {
  const reader = new ElementReader(document);
  reader.next();
  return reader;
}

/** Keys by a value first and then by a sort. Layout: the length of the value's key, that key, the sort's. */
export function valueThenSort(
  values: ValueKeys,
  sort: SortSpec | undefined,
): { readonly keyOf: (value: ValueSpan, document: Uint8Array) => Uint8Array; readonly compare: CompareKeys } {
  return {
    keyOf(value, document) {
      const first = values.keyOf(value);
      const second = sort?.key(document, 0) ?? NO_KEY;
      const key = new Uint8Array(4 + first.length + second.length);
      writeInt32(key, 0, first.length);
      key.set(first, 4);
      key.set(second, 4 + first.length);
      return key;
    },
    compare(a, b) {
      const endA = 4 + uint32At(a, 0);
      const endB = 4 + uint32At(b, 0);
      const comparison = values.compare(a.subarray(4, endA), b.subarray(4, endB));
      if (comparison !== 0 || sort === undefined) return comparison;
      return sort.compare(a.subarray(endA), b.subarray(endB));
    },
  };
}

const NO_KEY = new Uint8Array(0);
