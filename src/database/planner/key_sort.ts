/** Sorting by keys when there are many. */
import { compareBytes } from '../../bson/bytes.ts';

/** How many bytes of a key, behind what all of them begin with, its head is made of. */
const HEAD_BYTES = 4;

/** A head and the position of its item fit in what a double holds exactly. */
const POSITIONS_MAX = 2 ** 20;

/** Below this comparing keys right away is as fast. */
const MANY = 64;

/**
 * The items in the order of their keys; those of equal keys stay in the order they had. Most is decided by numbers made of
 * a few bytes of each key and its position, which are sorted without a call per comparison.
 */
export function sortedByKey<T>(items: readonly T[], keyOf: (item: T) => Uint8Array): readonly T[] {
  const byKey = (a: T, b: T): number => compareBytes(keyOf(a), keyOf(b));
  if (isAscending(items, byKey)) return items;
  if (items.length < MANY || items.length > POSITIONS_MAX) return items.toSorted(byKey);
  const keys = items.map(keyOf);
  const from = sharedPrefix(keys);
  const heads = new Float64Array(items.length);
  for (let i = 0; i < heads.length; i++) heads[i] = headOf(keys[i], from) * POSITIONS_MAX + i;
  heads.sort();
  const sorted: T[] = [];
  for (let i = 0; i < heads.length;) {
    const start = i;
    const head = Math.floor(heads[i] / POSITIONS_MAX);
    for (; i < heads.length && Math.floor(heads[i] / POSITIONS_MAX) === head; i++) {
      sorted.push(items[heads[i] % POSITIONS_MAX]);
    }
    if (i - start > 1) sortPart(sorted, start, byKey);
  }
  return sorted;
}

function isAscending<T>(items: readonly T[], compare: (a: T, b: T) => number): boolean {
  for (let i = 1; i < items.length; i++) if (compare(items[i - 1], items[i]) > 0) return false;
  return true;
}

/** How many bytes all of the keys begin with. */
function sharedPrefix(keys: readonly Uint8Array[]): number {
  const [first] = keys;
  let shared = first.length;
  for (const key of keys) {
    let same = 0;
    while (same < shared && key[same] === first[same]) same++;
    shared = same;
  }
  return shared;
}

function headOf(key: Uint8Array, from: number): number {
  let head = 0;
  for (let i = from; i < from + HEAD_BYTES; i++) head = head * 256 + (i < key.length ? key[i] : 0);
  return head;
}

/** Sorts what lies behind `start`, whose heads are the same. */
function sortPart<T>(sorted: T[], start: number, compare: (a: T, b: T) => number): void {
  const part = sorted.splice(start).toSorted(compare);
  for (const item of part) sorted.push(item);
}
