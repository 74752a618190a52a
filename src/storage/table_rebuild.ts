/**
 * The blocks of one table after a checkpoint, made block by block so that the caller can pause in between.
 *
 * Walks the sorted edits; those in one block's range make a new block of it, or several, or none. A block that became
 * small takes in the one after it when both fit one. Edits behind the table's last key are packed into blocks from the
 * front, so that a table that grows at its end has full blocks.
 */
import { invariant } from '../base/invariant.ts';
import { APPEND_FILL, BLOCK_BYTES_MAX, BLOCK_BYTES_MIN, MERGED_BYTES_MAX } from './block.ts';
import { type BlockEdits, BlockMerge, type EditRange, type Measure } from './block_merge.ts';
import { BlockReader } from './block_reader.ts';
import { type BlockArena, EntryList, planBlocks, sizeAsBlock, writeBlock } from './block_writer.ts';
import { BlockRef, Directory } from './directory.ts';
import { shortestSeparator } from './key_order.ts';
import type { VersionedTable } from './versioned_table.ts';
import { compareBytes } from '../bson/bytes.ts';

/** Edits behind the last key that one step takes. */
const APPENDED_PER_STEP = 1000;

/** A neighbour with more edits than this is not looked at for merging. */
const MERGED_EDITS_MAX = 500;

const FIRST_SEPARATOR = new Uint8Array(0);

/** What a checkpoint changes in one table. */
export interface TableChange {
  readonly directory: Directory;
  /** Blocks to write, with their bytes in `pending`; and blocks that are gone or replaced by one of the same name. */
  readonly added: readonly BlockRef[];
  readonly replaced: readonly BlockRef[];
  readonly countDelta: number;
  readonly bytesDelta: number;
}

/** Old blocks [from, to) become `refs`. */
interface Splice {
  readonly from: number;
  readonly to: number;
  readonly refs: readonly BlockRef[];
}

export class TableRebuild {
  readonly #table: VersionedTable;
  readonly #edits: BlockEdits;
  readonly #arena: BlockArena;
  readonly #old: Directory;
  readonly #merge = new BlockMerge();
  readonly #reader = new BlockReader();
  /** In order; together they lead from the old directory to the new one. */
  readonly #splices: Splice[] = [];
  /** The next edit. */
  #next = 0;
  /** While appending: the blocks made so far, and the entries of the last one, which may still grow. */
  #appended: BlockRef[] | undefined = undefined;
  #tail = new EntryList();
  #tailSeparator: Uint8Array = FIRST_SEPARATOR;
  #appendFrom = 0;

  constructor(table: VersionedTable, edits: BlockEdits, arena: BlockArena) {
    this.#table = table;
    this.#edits = edits;
    this.#arena = arena;
    this.#old = table.directory;
  }

  get done(): boolean {
    return this.#next === this.#edits.keys.length && this.#appended === undefined;
  }

  /** Makes one block's successors, or a few appended blocks. */
  step(): void {
    invariant(!this.done, 'there are edits left');
    const { refs } = this.#old;
    if (this.#appended !== undefined) {
      this.#appendMore();
      return;
    }
    if (refs.length === 0) {
      this.#appended = [];
      return;
    }
    const index = this.#old.indexOf(this.#edits.keys[this.#next]);
    if (index === refs.length - 1) this.#rebuildLast(index);
    else this.#rebuild(index, this.#rangeOf(index));
  }

  /** The change as a whole, when done. */
  finish(): TableChange {
    invariant(this.done, 'all edits are in blocks');
    const { oldSizes, keys, values } = this.#edits;
    let countDelta = 0;
    let bytesDelta = 0;
    for (let i = 0; i < keys.length; i++) {
      const value = values[i];
      if (oldSizes[i] >= 0) {
        countDelta -= 1;
        bytesDelta -= oldSizes[i];
      }
      if (value !== undefined) {
        countDelta += 1;
        bytesDelta += keys[i].length + value.length;
      }
    }
    const { refs, added, replaced } = this.#spliceAll();
    return { directory: new Directory(refs), added, replaced, countDelta, bytesDelta };
  }

  #spliceAll(): { refs: BlockRef[]; added: BlockRef[]; replaced: BlockRef[] } {
    const old = this.#old.refs;
    const refs: BlockRef[] = [];
    const added: BlockRef[] = [];
    const replaced: BlockRef[] = [];
    let at = 0;
    for (const splice of this.#splices) {
      invariant(splice.from >= at, 'changes are in order');
      for (; at < splice.from; at++) refs.push(old[at]);
      for (; at < splice.to; at++) if (!splice.refs.includes(old[at])) replaced.push(old[at]);
      for (const ref of splice.refs) {
        refs.push(ref);
        if (ref.pending !== undefined) added.push(ref);
      }
    }
    for (; at < old.length; at++) refs.push(old[at]);
    invariant(refs.length === 0 || refs[0].separator.length === 0, 'the first block has no separator');
    return { refs, added, replaced };
  }

  /** The edits from #next on that fall into old block `index`, at most `max` of them. */
  #rangeOf(index: number, from = this.#next, max = Infinity): EditRange {
    const { keys } = this.#edits;
    const { refs } = this.#old;
    let to = from;
    if (index === refs.length - 1) {
      to = Math.min(keys.length, from + max);
    } else {
      const end = refs[index + 1].separator;
      while (to < keys.length && compareBytes(keys[to], end) < 0) to += 1;
    }
    return { edits: this.#edits, from, to };
  }

  #rebuild(index: number, range: EditRange): void {
    const old = this.#old.refs[index];
    const reader = this.#reader;
    reader.open(this.#table.state.cache.peek(this.#table.id, old));
    const measure = this.#merge.measure(reader, range);
    const hasNext = index + 1 < this.#old.refs.length;
    this.#next = range.to;
    if (measure.count === 0) {
      if (index === 0 && hasNext) this.#passOnFirstName(range);
      else this.#splices.push({ from: index, to: index + 1, refs: [] });
      return;
    }
    const isSmall = measure.simple && measure.bytes < BLOCK_BYTES_MIN;
    if (isSmall && hasNext && this.#mergeWithNext(index, range)) return;
    if (isSmall && hasNext) this.#measureAgain(index, range);
    if (measure.simple && measure.bytes <= BLOCK_BYTES_MAX) {
      this.#rewrite(index, range, measure);
      return;
    }
    const entries = new EntryList();
    this.#merge.collect(reader, range, entries);
    const isUntouched = reader.count === 1 && entries.sources[0] === reader.bytes;
    const refs = this.#writeAll(entries, old, isUntouched);
    this.#splices.push({ from: index, to: index + 1, refs });
  }

  /** After something else was measured. */
  #measureAgain(index: number, range: EditRange): void {
    this.#reader.open(this.#table.state.cache.peek(this.#table.id, this.#old.refs[index]));
    this.#merge.measure(this.#reader, range);
  }

  #rewrite(index: number, range: EditRange, measure: Measure): void {
    const old = this.#old.refs[index];
    const ref = new BlockRef(old.separator, old.name);
    ref.pending = this.#merge.rewrite(this.#arena, this.#reader, range, measure);
    this.#splices.push({ from: index, to: index + 1, refs: [ref] });
  }

  /** Makes one block of block `index` and as many after it as fit; false when not even the next one does. */
  #mergeWithNext(index: number, range: EditRange): boolean {
    const { refs } = this.#old;
    const entries = new EntryList();
    this.#collectOwned(index, range, entries);
    let next = range.to;
    let block = index + 1;
    for (; block < refs.length; block++) {
      const nextRange = this.#rangeOf(block, next);
      if (nextRange.to - nextRange.from > MERGED_EDITS_MAX) break;
      const length = entries.length;
      this.#collectOwned(block, nextRange, entries);
      if (!fitsMergedBlock(entries)) {
        entries.truncate(length);
        break;
      }
      next = nextRange.to;
    }
    if (block === index + 1) return false;
    this.#next = next;
    this.#splices.push({ from: index, to: block, refs: this.#writeAll(entries, refs[index], false) });
    return true;
  }

  /** The first block has become empty: the next one that is not takes over its place and its name. */
  #passOnFirstName(range: EditRange): void {
    const { refs } = this.#old;
    const entries = new EntryList();
    let next = range.to;
    let block = 1;
    while (entries.length === 0 && block < refs.length) {
      const blockRange = this.#rangeOf(block, next);
      this.#collectOwned(block, blockRange, entries);
      next = blockRange.to;
      block += 1;
    }
    this.#next = next;
    this.#splices.push({ from: 0, to: block, refs: this.#writeAll(entries, refs[0], false) });
  }

  /** Appends what block `index` becomes to `entries`, out of bytes that stay valid. */
  #collectOwned(index: number, range: EditRange, entries: EntryList): void {
    const reader = this.#reader;
    reader.open(this.#table.state.cache.load(this.#table.id, this.#old.refs[index], true));
    this.#merge.measure(reader, range);
    this.#merge.collect(reader, range, entries);
  }

  /** Lays out all entries; the first block takes the place of `old`, or is `old` itself when that did not change. */
  #writeAll(entries: EntryList, old: BlockRef, isUntouched: boolean): BlockRef[] {
    const refs: BlockRef[] = [];
    if (entries.length === 0) return refs;
    let from = 0;
    for (const to of planBlocks(entries, undefined)) {
      if (from === 0 && to === 1 && isUntouched) {
        refs.push(old);
      } else {
        const separator = from === 0 ? old.separator : shortestSeparator(entries.keys[from - 1], entries.keys[from]);
        const ref = from === 0 ? new BlockRef(old.separator, old.name) : this.#newRef(separator);
        ref.pending = writeBlock(this.#arena, entries, from, to);
        refs.push(ref);
      }
      from = to;
    }
    return refs;
  }

  #newRef(separator: Uint8Array): BlockRef {
    return new BlockRef(separator, this.#table.names.nameFor(separator));
  }

  /** The last block: begins to append when most edits are behind it and do not just fit. */
  #rebuildLast(index: number): void {
    const range = this.#rangeOf(index, this.#next, APPENDED_PER_STEP);
    const old = this.#old.refs[index];
    const reader = this.#reader;
    reader.open(this.#table.state.cache.load(this.#table.id, old, false));
    const behind = this.#editsBehind(reader, range);
    const isAll = range.to === this.#edits.keys.length;
    if (behind * 2 < range.to - range.from || behind === 0) {
      this.#rebuild(index, isAll ? range : this.#rangeOf(index));
      return;
    }
    const measure = this.#merge.measure(reader, range);
    const bytesMax = BLOCK_BYTES_MAX * APPEND_FILL[this.#table.options.kind];
    if (isAll && measure.simple && measure.count > 0 && measure.bytes <= bytesMax) {
      this.#next = range.to;
      this.#rewrite(index, range, measure);
      return;
    }
    this.#merge.collect(reader, range, this.#tail);
    this.#appended = [];
    this.#appendFrom = index;
    this.#tailSeparator = old.separator;
    this.#next = range.to;
    this.#writeTail();
  }

  #editsBehind(reader: BlockReader, range: EditRange): number {
    if (reader.count === 0) return range.to - range.from;
    const lastKey = reader.keyAt(reader.count - 1);
    let first = range.to;
    while (first > range.from && compareBytes(this.#edits.keys[first - 1], lastKey) > 0) first -= 1;
    return range.to - first;
  }

  #appendMore(): void {
    const { keys, values, oldSizes } = this.#edits;
    const to = Math.min(keys.length, this.#next + APPENDED_PER_STEP);
    for (let i = this.#next; i < to; i++) {
      const value = values[i];
      oldSizes[i] = -1;
      if (value !== undefined) this.#tail.push(keys[i], value, 0, value.length);
    }
    this.#next = to;
    this.#writeTail();
  }

  /** Writes the blocks that are full; at the end all of them. */
  #writeTail(): void {
    const appended = this.#appended;
    invariant(appended !== undefined, 'only while appending');
    const isEnd = this.#next === this.#edits.keys.length;
    const tail = this.#tail;
    const ends = tail.length === 0 ? [] : planBlocks(tail, APPEND_FILL[this.#table.options.kind]);
    let from = 0;
    for (const to of isEnd ? ends : ends.slice(0, -1)) {
      const ref = this.#newRef(this.#tailSeparator);
      ref.pending = writeBlock(this.#arena, tail, from, to);
      appended.push(ref);
      if (to < tail.length) this.#tailSeparator = shortestSeparator(tail.keys[to - 1], tail.keys[to]);
      from = to;
    }
    if (!isEnd) {
      this.#tail = entriesFrom(tail, from);
      return;
    }
    const to = this.#old.refs.length === 0 ? 0 : this.#appendFrom + 1;
    this.#splices.push({ from: this.#appendFrom, to, refs: appended });
    this.#appended = undefined;
  }
}

function fitsMergedBlock(entries: EntryList): boolean {
  if (sizeAsBlock(entries, 0, entries.length) > MERGED_BYTES_MAX) return false;
  return planBlocks(entries, undefined).length === 1;
}

function entriesFrom(entries: EntryList, from: number): EntryList {
  const rest = new EntryList();
  for (let i = from; i < entries.length; i++) {
    rest.push(entries.keys[i], entries.sources[i], entries.starts[i], entries.ends[i]);
  }
  return rest;
}
