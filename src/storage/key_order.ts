/** What keys have in common, and what lies between them. */

/** How many leading bytes `a` and `b` share. */
export function commonPrefixLength(a: Uint8Array, b: Uint8Array): number {
  const length = a.length < b.length ? a.length : b.length;
  let i = 0;
  while (i < length && a[i] === b[i]) i++;
  return i;
}

/** The shortest key that is above `lower` and not above `upper`. Needs lower < upper. */
export function shortestSeparator(lower: Uint8Array, upper: Uint8Array): Uint8Array {
  return upper.slice(0, commonPrefixLength(lower, upper) + 1);
}
