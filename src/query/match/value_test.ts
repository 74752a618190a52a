/** Conditions on a single value, as functions over the bytes that hold it. */

/** Stands for the type of a value that is not there; `start` and `end` mean nothing then. */
export const MISSING = 0;

/**
 * Decides on one value: `type` is its BSON type byte or {@link MISSING}, [start, end) its bytes. Arrays are not
 * expanded here, the path does that. Must not allocate on usual values: it runs once per document or element.
 */
export type ValueTest = (bytes: Uint8Array, type: number, start: number, end: number) => boolean;

export const never: ValueTest = () => false;

export const always: ValueTest = () => true;

export function negate(test: ValueTest): ValueTest {
  return (bytes, type, start, end) => !test(bytes, type, start, end);
}

/** Whether all tests pass; written out for the short lists that filters have. */
export function allOf(tests: readonly ValueTest[]): ValueTest {
  const [first, second] = tests;
  if (first === undefined) return always;
  if (second === undefined) return first;
  if (tests.length === 2) {
    return (bytes, type, start, end) => first(bytes, type, start, end) && second(bytes, type, start, end);
  }
  return (bytes, type, start, end) => {
    for (const test of tests) if (!test(bytes, type, start, end)) return false;
    return true;
  };
}

export function anyOf(tests: readonly ValueTest[]): ValueTest {
  const [first] = tests;
  if (first === undefined) return never;
  if (tests.length === 1) return first;
  return (bytes, type, start, end) => {
    for (const test of tests) if (test(bytes, type, start, end)) return true;
    return false;
  };
}
