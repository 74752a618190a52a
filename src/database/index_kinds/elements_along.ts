/** The values that a path leads to, for kinds of indexes that take an array at its end as one value. */
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';

/** What was found, and whether an array lay on the way. */
export interface ElementsAlong {
  readonly values: readonly RawValue[];
  readonly metArray: boolean;
}

/** Arrays on the way stand for their elements, also by number; one at the end is not taken apart. */
export function elementsAlong(document: Uint8Array, segments: readonly Uint8Array[]): ElementsAlong {
  const walk = new Walk(segments);
  walk.into(document, 0, 0);
  return walk;
}

class Walk implements ElementsAlong {
  readonly values: RawValue[] = [];
  metArray = false;
  readonly #segments: readonly Uint8Array[];

  constructor(segments: readonly Uint8Array[]) {
    this.#segments = segments;
  }

  into(bytes: Uint8Array, at: number, depth: number): void {
    const value = findField(bytes, this.#segments[depth], at);
    if (value === undefined) return;
    if (depth === this.#segments.length - 1) this.#take(value);
    else if (value.type === BSON_TYPE.object) this.into(bytes, value.start, depth + 1);
    else if (value.type === BSON_TYPE.array) this.#intoArray(value, depth + 1);
  }

  #intoArray(array: RawValue, depth: number): void {
    this.metArray = true;
    const reader = new ElementReader(array.bytes, array.start);
    while (reader.next()) {
      if (reader.type === BSON_TYPE.object) this.into(array.bytes, reader.start, depth);
    }
    // The elements of an array are named by their numbers.
    this.into(array.bytes, array.start, depth);
  }

  /** The same element may be found by number and by name. */
  #take(value: RawValue): void {
    const isKnown = this.values.some((one) => one.start === value.start);
    if (!isKnown) this.values.push(value);
  }
}
