/**
 * Gathers entries in any order and gives them back sorted.
 *
 * Keys and values lie one behind the other in one buffer, without an object for each; only numbers are sorted: the head of
 * each key and the entry's place. A chunk is small enough to be sorted within one turn, and for its bytes to stay near
 * the processor meanwhile; entry_merge.ts puts many together.
 */
import { invariant } from '../base/invariant.ts';
import { copyRange } from './block_writer.ts';
import type { SortedRun } from './entry_source.ts';
import { KEY_HEAD_BYTES, keyHead } from './key_head.ts';
import { compareRanges } from '../bson/byte_order.ts';
import { commonPrefixLength } from './key_order.ts';

/** A chunk is full with this many entries, or this many bytes of them. */
export const CHUNK_ENTRIES_MAX = 16_384;
export const CHUNK_BYTES_MAX = 1024 * 1024;

const FIRST_BYTES = 32 * 1024;

/** Runs of this length are sorted by insertion before they are merged. */
const INSERTION_RUN = 8;

export class EntryChunk {
  #bytes = new Uint8Array(FIRST_BYTES);
  #used = 0;
  #count = 0;
  /** Entry `i` is [#starts[i], #starts[i + 1]); its key ends at #keyEnds[i]. */
  readonly #starts = new Uint32Array(CHUNK_ENTRIES_MAX + 1);
  readonly #keyEnds = new Uint32Array(CHUNK_ENTRIES_MAX);

  get count(): number {
    return this.#count;
  }

  /** Memory that the chunk takes, sorted or not, about. */
  get sizeBytes(): number {
    return this.#bytes.length + 3 * 4 * CHUNK_ENTRIES_MAX;
  }

  get isFull(): boolean {
    return this.#count === CHUNK_ENTRIES_MAX || this.#used >= CHUNK_BYTES_MAX;
  }

  /** Adds an entry whose key is the first bytes of `head`, followed by the first ones of `tail`. Copies. */
  // oxlint-disable-next-line max-params -- called for every entry of every index that is built
  add(head: Uint8Array, headLength: number, tail: Uint8Array, tailLength: number, value: Uint8Array): void {
    invariant(!this.isFull, 'a full chunk takes nothing');
    this.#reserve(headLength + tailLength + value.length);
    const bytes = this.#bytes;
    const keyEnd = copyRange(tail, 0, tailLength, bytes, copyRange(head, 0, headLength, bytes, this.#used));
    const end = value.length === 0 ? keyEnd : copyRange(value, 0, value.length, bytes, keyEnd);
    this.#keyEnds[this.#count] = keyEnd;
    this.#count += 1;
    this.#starts[this.#count] = end;
    this.#used = end;
  }

  /** The entries in order; the chunk belongs to the run then. Needs at least one. */
  sort(): SortedRun {
    invariant(this.#count > 0, 'a run has an entry');
    const parts = { bytes: this.#bytes, starts: this.#starts, keyEnds: this.#keyEnds };
    return new ChunkRun(parts, sortedPlaces(parts, this.#count));
  }

  #reserve(size: number): void {
    const needed = this.#used + size;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = grown;
  }
}

interface ChunkParts {
  readonly bytes: Uint8Array;
  readonly starts: Uint32Array;
  readonly keyEnds: Uint32Array;
}

class ChunkRun implements SortedRun {
  readonly bytes: Uint8Array;
  start = 0;
  keyEnd = 0;
  end = 0;
  readonly first: Uint8Array;
  readonly last: Uint8Array;
  readonly #parts: ChunkParts;
  readonly #places: Uint32Array;
  #next = 0;

  constructor(parts: ChunkParts, places: Uint32Array) {
    this.bytes = parts.bytes;
    this.#parts = parts;
    this.#places = places;
    this.first = this.#keyOf(places[0]);
    this.last = this.#keyOf(places[places.length - 1]);
  }

  rewind(): void {
    this.#next = 0;
  }

  next(): boolean {
    if (this.#next === this.#places.length) return false;
    const place = this.#places[this.#next++];
    const { starts } = this.#parts;
    this.start = starts[place];
    this.keyEnd = this.#parts.keyEnds[place];
    this.end = starts[place + 1];
    return true;
  }

  #keyOf(place: number): Uint8Array {
    return this.bytes.slice(this.#parts.starts[place], this.#parts.keyEnds[place]);
  }
}

/** The places of entries [0, count) in the order of their keys. */
function sortedPlaces(parts: ChunkParts, count: number): Uint32Array {
  const shared = sharedLength(parts, count);
  let heads = new Float64Array(count);
  let places = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    heads[i] = keyHead(parts.bytes, parts.starts[i] + shared, parts.keyEnds[i]);
    places[i] = i;
  }
  const order: Order = { parts, decided: shared + KEY_HEAD_BYTES };
  for (let from = 0; from < count; from += INSERTION_RUN) {
    insertionSort(heads, places, order, { from, to: Math.min(from + INSERTION_RUN, count) });
  }
  let otherHeads = new Float64Array(count);
  let otherPlaces = new Uint32Array(count);
  for (let width = INSERTION_RUN; width < count; width *= 2) {
    const target = { heads: otherHeads, places: otherPlaces };
    for (let from = 0; from < count; from += 2 * width) {
      const middle = Math.min(from + width, count);
      mergeRuns({ heads, places }, target, order, { from, middle, to: Math.min(middle + width, count) });
    }
    otherHeads = heads;
    otherPlaces = places;
    ({ heads, places } = target);
  }
  return places;
}

/** How many bytes all keys begin with in common. */
function sharedLength({ bytes, starts, keyEnds }: ChunkParts, count: number): number {
  const first = bytes.subarray(starts[0], keyEnds[0]);
  let shared = first.length;
  for (let i = 1; i < count && shared > 0; i++) {
    const start = starts[i];
    const length = Math.min(shared, keyEnds[i] - start);
    let same = 0;
    while (same < length && bytes[start + same] === first[same]) same++;
    shared = same;
  }
  return shared;
}

interface Order {
  readonly parts: ChunkParts;
  /** Bytes of a key that equal heads have compared. */
  readonly decided: number;
}

/** For keys with equal heads. */
function compareRest({ parts, decided }: Order, a: number, b: number): number {
  const { bytes, starts, keyEnds } = parts;
  const aEnd = keyEnds[a];
  const bEnd = keyEnds[b];
  const aStart = starts[a] + decided;
  const bStart = starts[b] + decided;
  // A key that ends within its head: zeros were taken for what is not there, so the lengths decide.
  if (aStart > aEnd || bStart > bEnd) return aEnd - starts[a] - (bEnd - starts[b]);
  return compareRanges(bytes, aStart, aEnd, bytes, bStart, bEnd);
}

interface Numbers {
  readonly heads: Float64Array;
  readonly places: Uint32Array;
}

function insertionSort(
  heads: Float64Array,
  places: Uint32Array,
  order: Order,
  range: { readonly from: number; readonly to: number },
): void {
  for (let i = range.from + 1; i < range.to; i++) {
    const head = heads[i];
    const place = places[i];
    let at = i;
    while (at > range.from) {
      const before = heads[at - 1];
      if (before < head || (before === head && compareRest(order, places[at - 1], place) <= 0)) break;
      heads[at] = before;
      places[at] = places[at - 1];
      at--;
    }
    heads[at] = head;
    places[at] = place;
  }
}

function mergeRuns(
  source: Numbers,
  target: Numbers,
  order: Order,
  range: { readonly from: number; readonly middle: number; readonly to: number },
): void {
  const { heads, places } = source;
  const { middle, to } = range;
  if (middle === to || heads[middle - 1] < heads[middle]) {
    // In order already, as keys that rise with the records are.
    target.heads.set(heads.subarray(range.from, to), range.from);
    target.places.set(places.subarray(range.from, to), range.from);
    return;
  }
  let left = range.from;
  let right = middle;
  for (let at = range.from; at < to; at++) {
    const takesLeft =
      left < middle &&
      (right === to ||
        heads[left] < heads[right] ||
        (heads[left] === heads[right] && compareRest(order, places[left], places[right]) <= 0));
    const from = takesLeft ? left++ : right++;
    target.heads[at] = heads[from];
    target.places[at] = places[from];
  }
}

/** How many bytes the keys of all runs begin with in common. */
export function sharedByAll(runs: readonly SortedRun[]): number {
  let shared = Infinity;
  const [{ first }] = runs;
  for (const run of runs) {
    shared = Math.min(shared, commonPrefixLength(first, run.first), commonPrefixLength(first, run.last));
  }
  return shared;
}
