import { TIMESTAMP_MAX, type Timestamp } from '../base/optime.ts';
import { compareBytes } from '../bson/bytes.ts';
import { BlockReader } from './block_reader.ts';
import type { BlockRef, Directory } from './directory.ts';
import type { CursorOptions, TableCursor } from './table.ts';
import type { ChainIterator, VersionChain, Versions } from './versions.ts';

const NO_BYTES = new Uint8Array(0);

/** What a cursor needs of its table. */
export interface CursorSource {
  readonly versions: Versions;
  readonly directory: Directory;
  /** Rises when the directory is exchanged. */
  readonly blockGeneration: number;
  loadBlock(ref: BlockRef, isScan: boolean): Uint8Array;
  /** Throws when the state at that timestamp is gone. */
  checkReadable(at: Timestamp): void;
}

/**
 * Merges a table's blocks and versions in either direction.
 *
 * Most of a table has no versions. The cursor therefore looks up once per block where the next version falls; the
 * entries before it are a run that `next` walks without looking at versions or bounds. In fields: `#index` is the next
 * entry of the open block, `#runEnd` the entry before which the run ends, `#blockEnd` the one before which the block or
 * the bounds end (all counted in the direction of the scan), `#chain` the next version chain.
 */
export class VersionedCursor implements TableCursor {
  valueBytes: Uint8Array = NO_BYTES;
  valueStart = 0;
  valueEnd = 0;

  readonly #table: CursorSource;
  readonly #at: Timestamp;
  readonly #reverse: boolean;
  readonly #step: 1 | -1;
  readonly #from: Uint8Array | undefined;
  readonly #fromInclusive: boolean;
  readonly #to: Uint8Array | undefined;
  readonly #toInclusive: boolean;

  /** What the table was like when the position was found; -1 before that. */
  #structure = -1;
  #blockGeneration = -1;

  readonly #reader = new BlockReader();
  #block = -1;
  #isLastBlock = true;
  #index = 0;
  #runEnd = 0;
  #blockEnd = 0;
  /** Whether the entry at #runEnd has the key of #chain. */
  #chainHidesEntry = false;

  #chains: ChainIterator | undefined = undefined;
  #chain: VersionChain | undefined = undefined;

  /** Where the cursor stands: on a version, else after `#anchor`, else on the located entry; at first before `#seekKey`. */
  #started = false;
  #current: VersionChain | undefined = undefined;
  #anchor: Uint8Array | undefined = undefined;
  #seekKey: Uint8Array | undefined;
  #seekInclusive: boolean;

  /** For `keyBytes`: the prefix of `#scratchBlock` stays in front. */
  #scratch = new Uint8Array(64);
  #scratchBlock: Uint8Array | undefined = undefined;

  constructor(table: CursorSource, options: CursorOptions) {
    this.#table = table;
    this.#at = options.at ?? TIMESTAMP_MAX;
    this.#reverse = options.reverse ?? false;
    this.#step = this.#reverse ? -1 : 1;
    this.#from = options.from;
    this.#fromInclusive = options.fromInclusive ?? true;
    this.#to = options.to;
    this.#toInclusive = options.toInclusive ?? true;
    this.#seekKey = this.#from;
    this.#seekInclusive = this.#fromInclusive;
    table.checkReadable(this.#at);
  }

  next(): boolean {
    const table = this.#table;
    if (this.#structure !== table.versions.structure || this.#blockGeneration !== table.blockGeneration) this.#resume();
    if (this.#index === this.#runEnd) return this.#advance();
    this.#take();
    return true;
  }

  get key(): Uint8Array {
    return this.#current === undefined ? this.#reader.key() : this.#current.key.slice();
  }

  get value(): Uint8Array {
    const { valueBytes, valueStart } = this;
    if (valueStart === 0 && this.valueEnd === valueBytes.length) return valueBytes;
    return new Uint8Array(valueBytes.buffer, valueBytes.byteOffset + valueStart, this.valueEnd - valueStart);
  }

  get keyEnd(): number {
    if (this.#current !== undefined) return this.#current.key.length;
    const reader = this.#reader;
    return reader.prefixLength + reader.valueStart - reader.suffixStart;
  }

  get keyBytes(): Uint8Array {
    if (this.#current !== undefined) return this.#current.key;
    const reader = this.#reader;
    const { bytes, prefixLength, valueStart } = reader;
    const length = prefixLength + valueStart - reader.suffixStart;
    if (this.#scratch.length < length) {
      this.#scratch = new Uint8Array(length * 2);
      this.#scratchBlock = undefined;
    }
    const scratch = this.#scratch;
    if (this.#scratchBlock !== bytes) {
      for (let i = 0; i < prefixLength; i++) scratch[i] = bytes[reader.prefixStart + i];
      this.#scratchBlock = bytes;
    }
    for (let i = prefixLength, s = reader.suffixStart; s < valueStart; i++, s++) scratch[i] = bytes[s];
    return scratch;
  }

  seek(key: Uint8Array): void {
    const from = this.#from;
    const isOutside = from !== undefined && this.#compare(key, from) <= 0;
    this.#seekKey = isOutside ? from : key;
    this.#seekInclusive = isOutside ? this.#fromInclusive : true;
    this.#started = false;
    this.#current = undefined;
    this.#anchor = undefined;
    this.#structure = -1;
    this.#blockGeneration = -1;
  }

  /** In the direction of the scan. */
  #compare(a: Uint8Array, b: Uint8Array): number {
    return this.#reverse ? compareBytes(b, a) : compareBytes(a, b);
  }

  #isPastEnd(key: Uint8Array): boolean {
    if (this.#to === undefined) return false;
    const order = this.#compare(key, this.#to);
    return order > 0 || (order === 0 && !this.#toInclusive);
  }

  /** Moves onto the entry at #index. */
  #take(): void {
    const reader = this.#reader;
    reader.locate(this.#index);
    this.#index += this.#step;
    this.#current = undefined;
    this.#anchor = undefined;
    this.#started = true;
    this.valueBytes = reader.bytes;
    this.valueStart = reader.valueStart;
    this.valueEnd = reader.valueEnd;
  }

  #takeVersion(chain: VersionChain, value: Uint8Array): void {
    this.#current = chain;
    this.#started = true;
    this.valueBytes = value;
    this.valueStart = 0;
    this.valueEnd = value.length;
  }

  /** The run is at its end: goes on with the next version or the next block. */
  #advance(): boolean {
    for (;;) {
      if (this.#index !== this.#runEnd) {
        this.#take();
        return true;
      }
      const chain = this.#chain;
      if (this.#index === this.#blockEnd && !this.#isLastBlock && !this.#chainIsInBlock(chain)) {
        if (this.#started) this.#anchor = this.#lastKey();
        this.#openBlock(this.#block + this.#step);
        this.#index = this.#reverse ? this.#reader.count - 1 : 0;
        this.#findRun();
        continue;
      }
      if (chain === undefined) return false;
      if (this.#passChain(chain)) return true;
    }
  }

  /** Whether `chain` comes before the next block in the direction of the scan. */
  #chainIsInBlock(chain: VersionChain | undefined): boolean {
    if (chain === undefined) return false;
    const { refs } = this.#table.directory;
    if (this.#reverse) return compareBytes(chain.key, refs[this.#block].separator) >= 0;
    return compareBytes(chain.key, refs[this.#block + 1].separator) < 0;
  }

  /** Goes beyond the key of `chain`, which is next; true when that key has something to show. */
  #passChain(chain: VersionChain): boolean {
    const hidesEntry = this.#chainHidesEntry;
    const node = chain.visible(this.#at);
    const showsEntry = node === undefined && hidesEntry;
    if (showsEntry) this.#take();
    else if (hidesEntry) this.#index += this.#step;
    this.#chain = this.#nextChain();
    this.#findRun();
    if (showsEntry) return true;
    if (node?.value === undefined) return false;
    this.#takeVersion(chain, node.value);
    return true;
  }

  #nextChain(): VersionChain | undefined {
    if (this.#chains === undefined) return undefined;
    const result = this.#chains.next();
    if (result.done === true) return undefined;
    const chain = result.value[1];
    return this.#isPastEnd(chain.key) ? undefined : chain;
  }

  /** Sets #runEnd from #chain and #blockEnd. */
  #findRun(): void {
    this.#runEnd = this.#blockEnd;
    this.#chainHidesEntry = false;
    const chain = this.#chain;
    if (chain === undefined || this.#index === this.#blockEnd) return;
    const position = this.#reader.find(chain.key);
    if (position >= 0) {
      this.#chainHidesEntry = true;
      this.#runEnd = position;
    } else {
      this.#runEnd = this.#reverse ? ~position - 1 : ~position;
    }
  }

  /** Opens a block and finds where it, or the bounds in it, end. Leaves #index to the caller. */
  #openBlock(block: number): void {
    const table = this.#table;
    const { refs } = table.directory;
    const reader = this.#reader;
    this.#block = block;
    reader.open(table.loadBlock(refs[block], true));
    this.#isLastBlock = this.#reverse ? block === 0 : block === refs.length - 1;
    this.#blockEnd = this.#reverse ? -1 : reader.count;
    const to = this.#to;
    if (to === undefined) return;
    const ends = this.#reverse
      ? compareBytes(to, refs[block].separator) >= 0
      : this.#isLastBlock || compareBytes(to, refs[block + 1].separator) < 0;
    if (!ends) return;
    this.#isLastBlock = true;
    const position = reader.find(to);
    if (position >= 0) this.#blockEnd = this.#toInclusive ? position + this.#step : position;
    else this.#blockEnd = this.#reverse ? ~position - 1 : ~position;
  }

  /** Finds the position again after the table changed, or for the first time. */
  #resume(): void {
    const table = this.#table;
    table.checkReadable(this.#at);
    const key = this.#started ? this.#lastKey() : this.#seekKey;
    const inclusive = this.#started ? false : this.#seekInclusive;
    if (this.#blockGeneration !== table.blockGeneration) {
      if (this.#started) this.#anchor = key;
      this.#findBlock(key, inclusive);
    }
    this.#blockGeneration = table.blockGeneration;
    this.#structure = table.versions.structure;
    this.#chains = undefined;
    this.#chain = undefined;
    if (table.versions.size > 0) {
      this.#chains = table.versions.iterate(key, this.#reverse);
      this.#chain = this.#nextChain();
      const first = this.#chain;
      if (!inclusive && key !== undefined && first !== undefined && compareBytes(first.key, key) === 0) {
        this.#chain = this.#nextChain();
      }
    }
    this.#findRun();
  }

  #lastKey(): Uint8Array {
    return this.#current?.key ?? this.#anchor ?? this.#reader.key();
  }

  /** Opens the block that holds `key` and sets #index to the first entry beyond it (or at it). */
  #findBlock(key: Uint8Array | undefined, inclusive: boolean): void {
    const { directory } = this.#table;
    const { refs } = directory;
    if (refs.length === 0) {
      this.#reader.clear();
      this.#isLastBlock = true;
      this.#index = 0;
      this.#blockEnd = 0;
      return;
    }
    const end = this.#reverse ? refs.length - 1 : 0;
    this.#openBlock(key === undefined ? end : directory.indexOf(key));
    this.#index = this.#firstIndex(key, inclusive);
    const isBeyond = this.#reverse ? this.#index < this.#blockEnd : this.#index > this.#blockEnd;
    if (isBeyond) this.#index = this.#blockEnd;
  }

  #firstIndex(key: Uint8Array | undefined, inclusive: boolean): number {
    const reader = this.#reader;
    if (key === undefined) return this.#reverse ? reader.count - 1 : 0;
    const position = reader.find(key);
    if (position >= 0) return inclusive ? position : position + this.#step;
    return this.#reverse ? ~position - 1 : ~position;
  }
}
