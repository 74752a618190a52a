/**
 * Dotted paths in filters. A path leads to many values where it meets arrays: an array on the way stands for its
 * elements that are documents, and, when the next component is a number, also for the element at that index. An array
 * at the end stands for its elements and then for itself. An array directly inside an array is entered by index only.
 */
import { fieldName } from '../../bson/bytes.ts';
import { findElement, valueEnd } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { MISSING, type ValueTest } from './value_test.ts';

const NOT_AN_INDEX = -1;

/** A path cut into components, each as the bytes of a name and, where it is one, as an index. */
export interface FilterPath {
  readonly names: readonly Uint8Array[];
  readonly indexes: readonly number[];
}

export function filterPath(path: string): FilterPath {
  const components = path.split('.');
  return { names: components.map(fieldName), indexes: components.map(arrayIndex) };
}

/** The index a path component names ('0', '17', not '01'), or -1. */
export function arrayIndex(component: string): number {
  if (!/^(?:0|[1-9][0-9]{0,9})$/.test(component)) return NOT_AN_INDEX;
  return Number(component);
}

/**
 * The test of a whole path as a test of the value of its first component: true when any value the path leads to from
 * there passes. The first component missing is a value too (type MISSING), as is any later one.
 */
export function pathTest(path: FilterPath, test: ValueTest, expandArrays: boolean): ValueTest {
  if (path.names.length > 1) {
    const first = new PathStep(path, 0, test, expandArrays);
    return (bytes, type, start, end) => first.value(bytes, type, start, end);
  }
  return expandArrays ? expanded(test) : test;
}

/** `test` of a value, or when it is an array, of any of its elements or of the whole. */
export function expanded(test: ValueTest): ValueTest {
  return (bytes, type, start, end) =>
    type === BSON_TYPE.array ? anyElement(bytes, start, end, test) : test(bytes, type, start, end);
}

function anyElement(bytes: Uint8Array, start: number, end: number, test: ValueTest): boolean {
  return someValue(bytes, start, test) || test(bytes, BSON_TYPE.array, start, end);
}

/** One component of a path with the steps after it. The methods answer for the value of this component. */
class PathStep {
  readonly #name: Uint8Array;
  readonly #index: number;
  /** Undefined at the end of the path. */
  readonly #next: PathStep | undefined;
  readonly #test: ValueTest;
  /** `#test` with arrays expanded, if they are to be. */
  readonly #testAtEnd: ValueTest;

  constructor(path: FilterPath, i: number, test: ValueTest, expandArrays: boolean) {
    this.#name = path.names[i];
    this.#index = path.indexes[i];
    this.#next = i === path.names.length - 1 ? undefined : new PathStep(path, i + 1, test, expandArrays);
    this.#test = test;
    this.#testAtEnd = expandArrays ? expanded(test) : test;
  }

  value(bytes: Uint8Array, type: number, start: number, end: number): boolean {
    const next = this.#next;
    if (next === undefined) return this.#testAtEnd(bytes, type, start, end);
    if (type === BSON_TYPE.object) return next.#inDocument(bytes, start);
    if (type !== BSON_TYPE.array) return this.#test(bytes, MISSING, 0, 0);
    return next.#isEmptyRest() ? this.#testAtEnd(bytes, type, start, end) : next.#inArray(bytes, start);
  }

  /** A path that ends with a dot ends at an array before the dot. Source: recorded replies of MongoDB. */
  #isEmptyRest(): boolean {
    return this.#next === undefined && this.#name.length === 0;
  }

  #inDocument(bytes: Uint8Array, at: number): boolean {
    const element = findElement(bytes, at, this.#name);
    if (element < 0) return this.#test(bytes, MISSING, 0, 0);
    const type = bytes[element];
    const start = element + this.#name.length + 2;
    return this.value(bytes, type, start, valueEnd(type, bytes, start));
  }

  #inArray(bytes: Uint8Array, start: number): boolean {
    let at = start + 4;
    let index = 0;
    for (let type = bytes[at]; type !== 0; type = bytes[at], index++) {
      const valueStart = afterName(bytes, at + 1);
      at = valueEnd(type, bytes, valueStart);
      if (type === BSON_TYPE.object && this.#inDocument(bytes, valueStart)) return true;
      if (index === this.#index && this.#indexed(bytes, type, valueStart, at)) return true;
    }
    return false;
  }

  /** The element that this component names by its index: itself at the end of the path, else what is inside it. */
  #indexed(bytes: Uint8Array, type: number, start: number, end: number): boolean {
    const next = this.#next;
    if (next === undefined) return this.#test(bytes, type, start, end);
    if (type === BSON_TYPE.object) return next.#inDocument(bytes, start);
    return type === BSON_TYPE.array && next.#inArray(bytes, start);
  }
}

/** The offset behind the name that starts at `at`. */
export function afterName(bytes: Uint8Array, at: number): number {
  let end = at;
  while (bytes[end] !== 0) end++;
  return end + 1;
}

/** Whether `visit` returns true for any value of the array or document at `start`; it sees them in order until then. */
export function someValue(bytes: Uint8Array, start: number, visit: ValueTest): boolean {
  let at = start + 4;
  for (let type = bytes[at]; type !== 0; type = bytes[at]) {
    const valueStart = afterName(bytes, at + 1);
    at = valueEnd(type, bytes, valueStart);
    if (visit(bytes, type, valueStart, at)) return true;
  }
  return false;
}
