/** Sorting by keys when there are many. */
import { compareBytes } from '../../bson/bytes.ts';

/** How many bytes of a key its head is made of: what a double holds exactly. */
const HEAD_BYTES = 6;

/** Below this comparing keys right away is as fast. */
const MANY = 64;

/** The items in the order of their keys; those of equal keys in any order. Most is decided by numbers made of the first bytes. */
export function sortedByKey<T>(items: readonly T[], keyOf: (item: T) => Uint8Array): T[] {
  if (items.length < MANY) return items.toSorted((a, b) => compareBytes(keyOf(a), keyOf(b)));
  const heads = Float64Array.from(items, (item) => headOf(keyOf(item)));
  const order = Uint32Array.from(items, (_, i) => i);
  order.sort((a, b) => heads[a] - heads[b] || compareBytes(keyOf(items[a]), keyOf(items[b])));
  return Array.from(order, (i) => items[i]);
}

function headOf(key: Uint8Array): number {
  let head = 0;
  for (let i = 0; i < HEAD_BYTES; i++) head = head * 256 + (i < key.length ? key[i] : 0);
  return head;
}
