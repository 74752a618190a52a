/**
 * Entries that come in ascending order, packed into blocks from the front: the way a table that is empty is filled. Takes
 * ranges of bytes, so that nothing is allocated for an entry.
 *
 * Entries wait in one buffer until the next one would make their block too long; only then its prefix is known. The sizes
 * are those of `planBlocks`.
 */
import { invariant } from '../base/invariant.ts';
import {
  APPEND_FILL,
  BLOCK_BYTES_MAX,
  blockBytes,
  ENTRY_BYTES_MAX,
  NARROW_ENTRIES_BYTES_MAX,
  NARROW_HEADER_BYTES,
  NARROW_LENGTH_MAX,
  WIDE_HEADER_BYTES,
} from './block.ts';
import { writeChecksum } from './block_checksum.ts';
import { type BlockArena, copyRange, writeBlockHeader, writeOffset } from './block_writer.ts';
import type { EntrySource } from './entry_source.ts';
import { compareRanges } from '../bson/byte_order.ts';
import type { TableKind } from './table.ts';
import { writeInt32 } from '../bson/bytes.ts';

/** No block has as many: an entry takes at least three bytes beside those of its key. */
const ENTRIES_MAX = BLOCK_BYTES_MAX / 2;

export interface PackedBlock {
  /** In the arena. */
  readonly bytes: Uint8Array;
  /** The shortest key above all of the block before, not above its own first; empty for the first block. */
  readonly separator: Uint8Array;
}

export class BlockPacker {
  /** Entries taken, and bytes of their keys and values. */
  count = 0;
  sizeBytes = 0;
  readonly #arena: BlockArena;
  readonly #bytesMax: number;
  /** The entries of the block at hand, key and value each; entry `i` is [#starts[i], #starts[i + 1]). */
  #staged = new Uint8Array(2 * BLOCK_BYTES_MAX);
  readonly #starts = new Uint32Array(ENTRIES_MAX + 1);
  readonly #keyEnds = new Uint32Array(ENTRIES_MAX);
  #stagedCount = 0;
  #prefixLength = 0;
  #keyLengthMax = 0;
  #separator = new Uint8Array(0);

  constructor(arena: BlockArena, kind: TableKind) {
    this.#arena = arena;
    this.#bytesMax = Math.floor(BLOCK_BYTES_MAX * APPEND_FILL[kind]);
  }

  /** Takes the entry at hand, which must be above the last one; returns the block before it if that is full. */
  add(entry: EntrySource): PackedBlock | undefined {
    const { bytes, start, keyEnd, end } = entry;
    const length = end - start;
    const staged = this.#stagedCount;
    if (staged > 0) this.#checkOrder(bytes, start, keyEnd);
    const shared = staged === 0 ? keyEnd - start : this.#sharedWith(bytes, start, keyEnd);
    const isFull = staged > 0 && this.#wouldOverflow(shared, keyEnd - start, length);
    const block = isFull ? this.#flush(bytes, start) : undefined;
    this.#stage(entry);
    this.#prefixLength = isFull ? keyEnd - start : shared;
    this.count += 1;
    this.sizeBytes += length;
    return block;
  }

  /** The last block; undefined when no entry is left. */
  finish(): PackedBlock | undefined {
    if (this.#stagedCount === 0) return undefined;
    const block = { bytes: this.#write(), separator: this.#separator };
    this.#stagedCount = 0;
    return block;
  }

  #checkOrder(bytes: Uint8Array, start: number, keyEnd: number): void {
    const last = this.#stagedCount - 1;
    const order = compareRanges(this.#staged, this.#starts[last], this.#keyEnds[last], bytes, start, keyEnd);
    invariant(order < 0, 'entries are packed in ascending order');
  }

  #sharedWith(bytes: Uint8Array, start: number, keyEnd: number): number {
    const staged = this.#staged;
    const length = Math.min(this.#prefixLength, keyEnd - start);
    let same = 0;
    while (same < length && staged[same] === bytes[start + same]) same++;
    return same;
  }

  #wouldOverflow(prefixLength: number, keyLength: number, length: number): boolean {
    const staged = this.#stagedCount;
    const stagedBytes = this.#starts[staged];
    if (length > ENTRY_BYTES_MAX || (staged === 1 && stagedBytes > ENTRY_BYTES_MAX)) return true;
    const count = staged + 1;
    const isLong = prefixLength > NARROW_LENGTH_MAX || keyLength - prefixLength > NARROW_LENGTH_MAX;
    const suffixes = stagedBytes + length - count * prefixLength;
    return WIDE_HEADER_BYTES + prefixLength + suffixes + (isLong ? 8 : 3) * (count + 1) > this.#bytesMax;
  }

  #stage({ bytes, start, keyEnd, end }: EntrySource): void {
    const at = this.#starts[this.#stagedCount];
    const needed = at + end - start;
    if (needed > this.#staged.length) {
      const grown = new Uint8Array(needed * 2);
      grown.set(this.#staged.subarray(0, at));
      this.#staged = grown;
    }
    copyRange(bytes, start, end, this.#staged, at);
    this.#keyEnds[this.#stagedCount] = at + keyEnd - start;
    this.#stagedCount += 1;
    this.#starts[this.#stagedCount] = needed;
    if (keyEnd - start > this.#keyLengthMax) this.#keyLengthMax = keyEnd - start;
  }

  /** Lays out the staged entries; the key given is the first one behind them. */
  #flush(bytes: Uint8Array, start: number): PackedBlock {
    const block = { bytes: this.#write(), separator: this.#separator };
    this.#separator = this.#separatorBefore(bytes, start);
    this.#stagedCount = 0;
    this.#keyLengthMax = 0;
    return block;
  }

  #separatorBefore(bytes: Uint8Array, start: number): Uint8Array<ArrayBuffer> {
    const last = this.#stagedCount - 1;
    const lastStart = this.#starts[last];
    const lastEnd = this.#keyEnds[last];
    const staged = this.#staged;
    let same = 0;
    while (lastStart + same < lastEnd && staged[lastStart + same] === bytes[start + same]) same++;
    return bytes.slice(start, start + same + 1);
  }

  #write(): Uint8Array {
    const count = this.#stagedCount;
    const prefixLength = this.#prefixLength;
    const staged = this.#staged;
    const suffixBytes = this.#starts[count] - count * prefixLength;
    const wide =
      prefixLength > NARROW_LENGTH_MAX ||
      this.#keyLengthMax - prefixLength > NARROW_LENGTH_MAX ||
      count + suffixBytes > NARROW_ENTRIES_BYTES_MAX;
    const shape = { wide, count, prefixLength, entriesBytes: (wide ? 4 : 1) * count + suffixBytes };
    const block = this.#arena.take(blockBytes(shape));
    writeBlockHeader(block, shape);
    const offsetsStart = (wide ? WIDE_HEADER_BYTES : NARROW_HEADER_BYTES) + prefixLength;
    copyRange(staged, 0, prefixLength, block, offsetsStart - prefixLength);
    const entriesStart = offsetsStart + (wide ? 4 : 2) * (count + 1);
    let at = entriesStart;
    for (let i = 0; i < count; i++) {
      writeOffset(block, wide, offsetsStart, i, at - entriesStart);
      const suffixStart = this.#starts[i] + prefixLength;
      if (wide) writeInt32(block, at, this.#keyEnds[i] - suffixStart);
      else block[at] = this.#keyEnds[i] - suffixStart;
      at = copyRange(staged, suffixStart, this.#starts[i + 1], block, at + (wide ? 4 : 1));
    }
    writeOffset(block, wide, offsetsStart, count, at - entriesStart);
    invariant(at === block.length, () => `a block of ${block.length} bytes was filled to ${at}`);
    writeChecksum(block, 0, at);
    return block;
  }
}
