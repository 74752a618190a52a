/** The order of values: MongoDB's own, or that of a collation. */
import { compareValues } from '../bson/compare.ts';
import { KeyWriter } from '../bson/key.ts';
import { BSON_TYPE, type ValueSpan } from '../bson/types.ts';
import type { Collation } from './collation.ts';
import { keyText } from './key_text.ts';

export interface ValueOrder {
  readonly compare: (a: ValueSpan, b: ValueSpan) => number;
  /** Equal for values that compare equal, and only for those. */
  readonly keyOf: (value: ValueSpan) => string;
  /** Undefined: strings are ordered by their bytes. */
  readonly collation: Collation | undefined;
}

const KEYS = new KeyWriter();

export const BINARY_ORDER: ValueOrder = {
  compare: compareValues,
  keyOf: (value) => keyText(KEYS.reset().append(value).finish()),
  collation: undefined,
};

/** Whether a collation can matter for values like this one: strings, and what may hold them. */
export function isCollatable({ type }: ValueSpan): boolean {
  switch (type) {
    case BSON_TYPE.string:
    case BSON_TYPE.symbol:
    case BSON_TYPE.object:
    case BSON_TYPE.array:
      return true;
    default:
      return false;
  }
}
