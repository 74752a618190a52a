/** The order of bytes that lie in pieces of others: unsigned, a prefix first. Names, strings and stored keys keep it. */

/** Compares `a` in [aStart, aEnd) with `b` in [bStart, bEnd). Six plain arguments: objects for the ranges would be made millions of times a second. */
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
