import { invariant } from '../base/invariant.ts';
import { writeInt32 } from '../bson/bytes.ts';
import {
  BLOCK_BYTES_MAX,
  BLOCK_COUNT_MAX,
  blockBytes,
  ENTRY_BYTES_MAX,
  FLAG_WIDE,
  NARROW_ENTRIES_BYTES_MAX,
  NARROW_HEADER_BYTES,
  NARROW_LENGTH_MAX,
  WIDE_HEADER_BYTES,
} from './block.ts';
import { writeChecksum } from './block_checksum.ts';
import { commonPrefixLength } from './key_order.ts';

const SLAB_BYTES = 1024 * 1024;

/**
 * Memory for the blocks of one checkpoint. Slabs are kept and used again: allocating them anew for every checkpoint
 * costs more than filling them.
 */
export class BlockArena {
  readonly #slabs: Uint8Array[] = [];
  readonly #keptBytesMax: number;
  #slab = 0;
  #at = 0;

  /** @param keptBytesMax memory that stays allocated between checkpoints */
  constructor(keptBytesMax: number) {
    this.#keptBytesMax = keptBytesMax;
  }

  /** Room for one block, with anything in it. Belongs to the caller until `reset`. */
  take(length: number): Uint8Array {
    if (length > SLAB_BYTES / 4) return new Uint8Array(length);
    if (this.#at + length > SLAB_BYTES) {
      this.#slab += 1;
      this.#at = 0;
    }
    if (this.#slab === this.#slabs.length) this.#slabs.push(new Uint8Array(SLAB_BYTES));
    const start = this.#at;
    this.#at += length;
    return this.#slabs[this.#slab].subarray(start, start + length);
  }

  /** Takes all blocks back. What was not needed this time is given back. */
  reset(): void {
    const used = this.#at === 0 ? this.#slab : this.#slab + 1;
    const kept = Math.min(used, Math.floor(this.#keptBytesMax / SLAB_BYTES));
    if (this.#slabs.length > kept) this.#slabs.length = kept;
    this.#slab = 0;
    this.#at = 0;
  }
}

/** Entries in order, their values as ranges of other bytes. */
export class EntryList {
  readonly keys: Uint8Array[] = [];
  readonly sources: Uint8Array[] = [];
  readonly starts: number[] = [];
  readonly ends: number[] = [];

  get length(): number {
    return this.keys.length;
  }

  /** Needs a key above the last one. The value is [start, end) of `source`. */
  push(key: Uint8Array, source: Uint8Array, start: number, end: number): void {
    this.keys.push(key);
    this.sources.push(source);
    this.starts.push(start);
    this.ends.push(end);
  }

  /** Takes back what was pushed after the first `length`. */
  truncate(length: number): void {
    this.keys.length = length;
    this.sources.length = length;
    this.starts.length = length;
    this.ends.length = length;
  }

  /** Bytes of key and value. */
  sizeOf(index: number): number {
    return this.keys[index].length + this.ends[index] - this.starts[index];
  }
}

interface Shape {
  readonly wide: boolean;
  readonly prefixLength: number;
  readonly count: number;
  readonly entriesBytes: number;
}

/** How entries [from, to) are laid out as one block: wide only when they must be. */
function shapeOf(entries: EntryList, from: number, to: number): Shape {
  const count = to - from;
  const prefixLength = commonPrefixLength(entries.keys[from], entries.keys[to - 1]);
  let keyBytes = 0;
  let valueBytes = 0;
  let keyLengthMax = 0;
  for (let i = from; i < to; i++) {
    const keyLength = entries.keys[i].length;
    keyBytes += keyLength;
    if (keyLength > keyLengthMax) keyLengthMax = keyLength;
    valueBytes += entries.ends[i] - entries.starts[i];
  }
  const suffixBytes = keyBytes - count * prefixLength;
  const wide =
    prefixLength > NARROW_LENGTH_MAX ||
    keyLengthMax - prefixLength > NARROW_LENGTH_MAX ||
    count + suffixBytes + valueBytes > NARROW_ENTRIES_BYTES_MAX;
  const entriesBytes = (wide ? 4 : 1) * count + suffixBytes + valueBytes;
  return { wide, prefixLength, count, entriesBytes };
}

/** The length of the block that `writeBlock` would make. */
export function sizeAsBlock(entries: EntryList, from: number, to: number): number {
  return blockBytes(shapeOf(entries, from, to));
}

/** Lays out entries [from, to) as one block, checksum included. */
export function writeBlock(arena: BlockArena, entries: EntryList, from: number, to: number): Uint8Array {
  invariant(from < to, 'a block has an entry');
  invariant(to - from <= BLOCK_COUNT_MAX, () => `${to - from} entries in one block`);
  const shape = shapeOf(entries, from, to);
  const { wide, prefixLength, count } = shape;
  const block = arena.take(blockBytes(shape));
  writeBlockHeader(block, shape);
  const offsetsStart = (wide ? WIDE_HEADER_BYTES : NARROW_HEADER_BYTES) + prefixLength;
  block.set(entries.keys[from].subarray(0, prefixLength), offsetsStart - prefixLength);
  const entriesStart = offsetsStart + (wide ? 4 : 2) * (count + 1);
  let at = entriesStart;
  for (let i = 0; i < count; i++) {
    writeOffset(block, wide, offsetsStart, i, at - entriesStart);
    const key = entries.keys[from + i];
    const source = entries.sources[from + i];
    at = writeEntryKey(block, wide, at, key, prefixLength);
    at = copyRange(source, entries.starts[from + i], entries.ends[from + i], block, at);
  }
  writeOffset(block, wide, offsetsStart, count, at - entriesStart);
  invariant(at === block.length, () => `a block of ${block.length} bytes was filled to ${at}`);
  writeChecksum(block, 0, at);
  return block;
}

/** Everything before the prefix, except the checksum. */
export function writeBlockHeader(
  block: Uint8Array,
  shape: { readonly wide: boolean; readonly count: number; readonly prefixLength: number },
): void {
  block[4] = shape.count;
  block[5] = shape.count >> 8;
  block[6] = shape.wide ? FLAG_WIDE : 0;
  block[7] = shape.wide ? 0 : shape.prefixLength;
  if (shape.wide) writeInt32(block, 8, shape.prefixLength);
}

// oxlint-disable-next-line max-params -- called for every entry of every new block
export function writeOffset(
  block: Uint8Array,
  wide: boolean,
  offsetsStart: number,
  index: number,
  offset: number,
): void {
  if (wide) {
    writeInt32(block, offsetsStart + 4 * index, offset);
    return;
  }
  block[offsetsStart + 2 * index] = offset;
  block[offsetsStart + 2 * index + 1] = offset >> 8;
}

/** Writes the suffix of `key` and its length; returns where the value begins. */
// oxlint-disable-next-line max-params -- called for every new entry
export function writeEntryKey(
  block: Uint8Array,
  wide: boolean,
  at: number,
  key: Uint8Array,
  prefixLength: number,
): number {
  const suffixLength = key.length - prefixLength;
  if (wide) writeInt32(block, at, suffixLength);
  else block[at] = suffixLength;
  return copyRange(key, prefixLength, key.length, block, at + (wide ? 4 : 1));
}

/** Copies [start, end) of `source` to `at`; returns the end. Short runs by a loop: a call of `set` costs more. */
// oxlint-disable-next-line max-params -- called for every entry of every new block
export function copyRange(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  const length = end - start;
  if (length < 48) {
    for (let i = 0; i < length; i++) target[at + i] = source[start + i];
  } else {
    target.set(source.subarray(start, end), at);
  }
  return at + length;
}

/**
 * Cuts entries into blocks; returns the end of each. A big entry stands alone. What does not fit one block is halved
 * until it does, or, with `fill`, packed into blocks of that share from the front (for tables that grow at their end).
 */
export function planBlocks(entries: EntryList, fill: number | undefined): number[] {
  const ends: number[] = [];
  let from = 0;
  for (let i = 0; i < entries.length; i++) {
    if (entries.sizeOf(i) <= ENTRY_BYTES_MAX) continue;
    planRun({ entries, ends, fill }, from, i);
    ends.push(i + 1);
    from = i + 1;
  }
  planRun({ entries, ends, fill }, from, entries.length);
  return ends;
}

interface Plan {
  readonly entries: EntryList;
  readonly ends: number[];
  readonly fill: number | undefined;
}

function planRun(plan: Plan, from: number, to: number): void {
  if (from === to) return;
  if (plan.fill !== undefined) packRun(plan, from, to, Math.floor(BLOCK_BYTES_MAX * plan.fill));
  else if (sizeAsBlock(plan.entries, from, to) <= BLOCK_BYTES_MAX) plan.ends.push(to);
  else halveRun(plan, from, to);
}

function halveRun(plan: Plan, from: number, to: number): void {
  const { entries } = plan;
  const prefixLength = commonPrefixLength(entries.keys[from], entries.keys[to - 1]);
  let total = 0;
  for (let i = from; i < to; i++) total += entries.sizeOf(i) - prefixLength + 3;
  let middle = from + 1;
  let left = entries.sizeOf(from) - prefixLength + 3;
  while (middle < to - 1 && left < total / 2) {
    left += entries.sizeOf(middle) - prefixLength + 3;
    middle += 1;
  }
  invariant(middle < to, 'an entry that may share a block fits one');
  planRun(plan, from, middle);
  planRun(plan, middle, to);
}

function packRun(plan: Plan, from: number, to: number, bytesMax: number): void {
  const { entries, ends } = plan;
  let first = from;
  let prefixLength = entries.keys[from].length;
  let bytes = 0;
  for (let i = from; i < to; i++) {
    prefixLength = Math.min(prefixLength, commonPrefixLength(entries.keys[first], entries.keys[i]));
    bytes += entries.sizeOf(i);
    const count = i + 1 - first;
    // Counted as a wide block only when the keys make one: overestimating would leave blocks half empty.
    const isLong = prefixLength > NARROW_LENGTH_MAX || entries.keys[i].length - prefixLength > NARROW_LENGTH_MAX;
    const size = WIDE_HEADER_BYTES + prefixLength + bytes - count * prefixLength + (isLong ? 8 : 3) * (count + 1);
    if (size <= bytesMax || i === first) continue;
    ends.push(i);
    first = i;
    prefixLength = entries.keys[i].length;
    bytes = entries.sizeOf(i);
  }
  ends.push(to);
}
