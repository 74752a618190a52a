/** A binary heap in an array. */

/** Whether the first belongs nearer to the root of a heap. */
export type Precedes<T> = (a: T, b: T) => boolean;

/** Puts the item at `from` where it belongs towards the root. */
export function siftUp<T>(heap: T[], from: number, precedes: Precedes<T>): void {
  let at = from;
  const item = heap[at];
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!precedes(item, heap[parent])) break;
    heap[at] = heap[parent];
    at = parent;
  }
  heap[at] = item;
}

/** Puts the item at `from` where it belongs away from the root. */
export function siftDown<T>(heap: T[], from: number, precedes: Precedes<T>): void {
  let at = from;
  const item = heap[at];
  for (;;) {
    let child = at * 2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && precedes(heap[child + 1], heap[child])) child++;
    if (!precedes(heap[child], item)) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = item;
}
