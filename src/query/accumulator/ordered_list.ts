/** Lists that are kept in order. */

/** Where a new item goes: behind those that are less or equal. `compare`: an item of the list with the new one. */
export function placeAfterEqual<T>(items: readonly T[], compare: (item: T) => number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(items[middle]) > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}
