/**
 * New blocks from old ones and sorted edits.
 *
 * The common case is one block whose entries still fit and still share its prefix: its unchanged runs are copied whole
 * and their offsets shifted. Everything else (a split, a merge, a new prefix, a big value) goes through a list of entries.
 */
import { invariant } from '../base/invariant.ts';
import { blockBytes, ENTRY_BYTES_MAX, NARROW_LENGTH_MAX } from './block.ts';
import { writeChecksum } from './block_checksum.ts';
import type { BlockReader } from './block_reader.ts';
import { type BlockArena, copyRange, type EntryList, writeBlockHeader, writeEntryKey } from './block_writer.ts';
import { compareRanges } from '../bson/byte_order.ts';

/** Changes to a table in ascending order of keys, each key once; a value of undefined removes. */
export interface BlockEdits {
  readonly keys: readonly Uint8Array[];
  readonly values: readonly (Uint8Array | undefined)[];
  /** Filled in while merging: bytes of key and value that the edit replaces, or -1 when the key was not there. */
  readonly oldSizes: number[];
}

/** Edits [from, to), all within the range of one old block. */
export interface EditRange {
  readonly edits: BlockEdits;
  readonly from: number;
  readonly to: number;
}

/** What one block would become. */
export interface Measure {
  readonly count: number;
  /** The length of the new block if it keeps its prefix and stays one block. */
  readonly bytes: number;
  /** Whether `rewriteBlock` can make it. */
  readonly simple: boolean;
}

/** Finds where the edits fall in a block and how large it would become. Reused for block after block. */
export class BlockMerge {
  /** For each edit of the range: its entry's index, or ~(the index it would get). */
  #positions = new Int32Array(256);
  /** Bytes of all entries of the new block. */
  #entriesBytes = 0;

  measure(old: BlockReader, range: EditRange): Measure {
    this.#reserve(range.to - range.from);
    let count = old.count;
    let entriesBytes = old.count === 0 ? 0 : old.offset(old.count);
    let simple = old.count > 0 && !isBigAlone(old, entriesBytes);
    let next = 0;
    for (let i = range.from; i < range.to; i++) {
      const key = range.edits.keys[i];
      const value = range.edits.values[i];
      const position = old.find(key, next);
      this.#positions[i - range.from] = position;
      if (position >= 0) {
        old.locate(position);
        next = position + 1;
        count -= 1;
        entriesBytes -= old.valueEnd - old.suffixStart + (old.wide ? 4 : 1);
        range.edits.oldSizes[i] = key.length + old.valueEnd - old.valueStart;
      } else {
        next = ~position;
        range.edits.oldSizes[i] = -1;
      }
      if (value === undefined) continue;
      count += 1;
      entriesBytes += (old.wide ? 4 : 1) + key.length - old.prefixLength + value.length;
      if (simple && !fitsPrefix(old, key)) simple = false;
      if (key.length + value.length > ENTRY_BYTES_MAX) simple = false;
    }
    this.#entriesBytes = entriesBytes;
    if (!simple) return { count, bytes: 0, simple };
    const { wide, prefixLength } = old;
    return { count, bytes: blockBytes({ wide, count, prefixLength, entriesBytes }), simple };
  }

  /** Makes the block that was measured just before. Needs a simple measure with entries left. */
  rewrite(arena: BlockArena, old: BlockReader, range: EditRange, measure: Measure): Uint8Array {
    invariant(measure.simple, 'only a simple change rewrites a block');
    invariant(measure.count > 0, 'a block has an entry');
    const { wide, prefixLength, prefixStart } = old;
    const block = arena.take(measure.bytes);
    writeBlockHeader(block, { wide, count: measure.count, prefixLength });
    copyRange(old.bytes, prefixStart, prefixStart + prefixLength, block, prefixStart);
    const writer = new RunWriter(block, old, measure.count);
    let next = 0;
    for (let i = range.from; i < range.to; i++) {
      const position = this.#positions[i - range.from];
      const index = position >= 0 ? position : ~position;
      writer.copyRun(next, index);
      next = position >= 0 ? index + 1 : index;
      const value = range.edits.values[i];
      if (value !== undefined) writer.entry(range.edits.keys[i], value);
    }
    writer.copyRun(next, old.count);
    writer.finish(this.#entriesBytes);
    return block;
  }

  /** Appends what the measured block becomes to `entries`. The values stay where they are: in the block and the edits. */
  collect(old: BlockReader, range: EditRange, entries: EntryList): void {
    let next = 0;
    for (let i = range.from; i < range.to; i++) {
      const position = this.#positions[i - range.from];
      const index = position >= 0 ? position : ~position;
      collectRun(old, next, index, entries);
      next = position >= 0 ? index + 1 : index;
      const value = range.edits.values[i];
      if (value !== undefined) entries.push(range.edits.keys[i], value, 0, value.length);
    }
    collectRun(old, next, old.count, entries);
  }

  #reserve(count: number): void {
    if (this.#positions.length < count) this.#positions = new Int32Array(count * 2);
  }
}

function collectRun(old: BlockReader, from: number, to: number, entries: EntryList): void {
  for (let i = from; i < to; i++) {
    const key = old.keyAt(i);
    entries.push(key, old.bytes, old.valueStart, old.valueEnd);
  }
}

/** Its neighbours must not be added to it. */
function isBigAlone(old: BlockReader, entriesBytes: number): boolean {
  return old.count === 1 && entriesBytes + old.prefixLength > ENTRY_BYTES_MAX;
}

function fitsPrefix(old: BlockReader, key: Uint8Array): boolean {
  const { prefixLength, prefixStart } = old;
  if (key.length < prefixLength) return false;
  if (!old.wide && key.length - prefixLength > NARROW_LENGTH_MAX) return false;
  return compareRanges(key, 0, prefixLength, old.bytes, prefixStart, prefixStart + prefixLength) === 0;
}

/** Fills a block that keeps the prefix and the width of an old one. */
class RunWriter {
  readonly #block: Uint8Array;
  readonly #old: BlockReader;
  readonly #offsetBytes: number;
  readonly #entriesStart: number;
  #offsetAt: number;
  #at: number;

  constructor(block: Uint8Array, old: BlockReader, count: number) {
    this.#block = block;
    this.#old = old;
    this.#offsetBytes = old.wide ? 4 : 2;
    this.#offsetAt = old.offsetsStart;
    this.#entriesStart = old.offsetsStart + this.#offsetBytes * (count + 1);
    this.#at = this.#entriesStart;
  }

  copyRun(from: number, to: number): void {
    if (from === to) return;
    const old = this.#old;
    const runStart = old.offset(from);
    const shift = this.#at - this.#entriesStart - runStart;
    if (old.wide) {
      for (let i = from; i < to; i++) this.#offset(old.offset(i) + shift);
    } else {
      this.#copyNarrowOffsets(from, to, shift);
    }
    const start = old.entriesStart + runStart;
    this.#at = copyRange(old.bytes, start, old.entriesStart + old.offset(to), this.#block, this.#at);
  }

  #copyNarrowOffsets(from: number, to: number, shift: number): void {
    const block = this.#block;
    const source = this.#old.bytes;
    let at = this.#offsetAt;
    let sourceAt = this.#old.offsetsStart + 2 * from;
    for (let i = from; i < to; i++) {
      const offset = (source[sourceAt] | (source[sourceAt + 1] << 8)) + shift;
      block[at] = offset;
      block[at + 1] = offset >> 8;
      at += 2;
      sourceAt += 2;
    }
    this.#offsetAt = at;
  }

  entry(key: Uint8Array, value: Uint8Array): void {
    this.#offset(this.#at - this.#entriesStart);
    this.#at = writeEntryKey(this.#block, this.#old.wide, this.#at, key, this.#old.prefixLength);
    this.#at = copyRange(value, 0, value.length, this.#block, this.#at);
  }

  finish(entriesBytes: number): void {
    this.#offset(this.#at - this.#entriesStart);
    invariant(this.#offsetAt === this.#entriesStart, 'every entry has an offset');
    invariant(this.#at === this.#block.length, 'the block is filled to its end');
    invariant(this.#at - this.#entriesStart === entriesBytes, 'the entries are as long as measured');
    writeChecksum(this.#block, 0, this.#at);
  }

  #offset(offset: number): void {
    const block = this.#block;
    const at = this.#offsetAt;
    block[at] = offset;
    block[at + 1] = offset >> 8;
    if (this.#offsetBytes === 4) {
      block[at + 2] = offset >> 16;
      block[at + 3] = offset >> 24;
    }
    this.#offsetAt = at + this.#offsetBytes;
  }
}
