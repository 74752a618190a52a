/** Comparing keys that lie in pieces: parts of a key against ranges of a block. The order is that of unsigned bytes. */

/** Compares `a` in [aStart, aEnd) with `b` in [bStart, bEnd). Six plain numbers, because it is called millions of times a second. */
// oxlint-disable-next-line max-params
export function compareRanges(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const aLength = aEnd - aStart;
  const bLength = bEnd - bStart;
  const length = aLength < bLength ? aLength : bLength;
  for (let i = 0; i < length; i++) {
    const difference = a[aStart + i] - b[bStart + i];
    if (difference !== 0) return difference;
  }
  return aLength - bLength;
}

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
