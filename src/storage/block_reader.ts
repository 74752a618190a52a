import { invariant } from '../base/invariant.ts';
import { uint32At } from '../bson/bytes.ts';
import { FLAG_WIDE, NARROW_HEADER_BYTES, WIDE_HEADER_BYTES } from './block.ts';
import { compareRanges } from '../bson/byte_order.ts';

const NO_BYTES = new Uint8Array(0);

/**
 * Looks into one block at a time, without allocating: `open` one, `find` a key or `locate` an entry, then read the
 * fields. Reused for block after block.
 */
export class BlockReader {
  bytes: Uint8Array = NO_BYTES;
  /** Entries of the block. */
  count = 0;
  wide = false;
  /** The keys' common prefix is at [prefixStart, prefixStart + prefixLength). */
  prefixStart = 0;
  prefixLength = 0;
  offsetsStart = 0;
  entriesStart = 0;

  /** The located entry: its suffix is [suffixStart, valueStart), its value [valueStart, valueEnd). */
  suffixStart = 0;
  valueStart = 0;
  valueEnd = 0;

  /** As if a block without entries were open. */
  clear(): void {
    this.bytes = NO_BYTES;
    this.count = 0;
  }

  open(bytes: Uint8Array): void {
    this.bytes = bytes;
    const count = bytes[4] | (bytes[5] << 8);
    const wide = (bytes[6] & FLAG_WIDE) !== 0;
    this.count = count;
    this.wide = wide;
    if (wide) {
      this.prefixLength = uint32At(bytes, 8);
      this.prefixStart = WIDE_HEADER_BYTES;
      this.offsetsStart = WIDE_HEADER_BYTES + this.prefixLength;
      this.entriesStart = this.offsetsStart + 4 * (count + 1);
    } else {
      this.prefixLength = bytes[7];
      this.prefixStart = NARROW_HEADER_BYTES;
      this.offsetsStart = NARROW_HEADER_BYTES + this.prefixLength;
      this.entriesStart = this.offsetsStart + 2 * (count + 1);
    }
  }

  /** Offset of entry `index`, counted from the first entry; `count` gives the end of the last. */
  offset(index: number): number {
    const { bytes } = this;
    if (this.wide) return uint32At(bytes, this.offsetsStart + 4 * index);
    const at = this.offsetsStart + 2 * index;
    return bytes[at] | (bytes[at + 1] << 8);
  }

  /** Sets the entry's fields. Needs 0 <= index < count. */
  locate(index: number): void {
    const { bytes } = this;
    if (this.wide) {
      this.#locateWide(index);
      return;
    }
    const at = this.offsetsStart + 2 * index;
    const start = this.entriesStart + (bytes[at] | (bytes[at + 1] << 8));
    this.suffixStart = start + 1;
    this.valueStart = start + 1 + bytes[start];
    this.valueEnd = this.entriesStart + (bytes[at + 2] | (bytes[at + 3] << 8));
  }

  #locateWide(index: number): void {
    const start = this.entriesStart + uint32At(this.bytes, this.offsetsStart + 4 * index);
    this.suffixStart = start + 4;
    this.valueStart = start + 4 + uint32At(this.bytes, start);
    this.valueEnd = this.entriesStart + uint32At(this.bytes, this.offsetsStart + 4 * index + 4);
  }

  /** The index of `key`, or ~(the index it would get). Looks only at entries from `from` on. */
  find(key: Uint8Array, from = 0): number {
    const { bytes, prefixLength, prefixStart } = this;
    if (this.count === 0) return ~0;
    if (prefixLength > 0) {
      const head = key.length < prefixLength ? key.length : prefixLength;
      const order = compareRanges(key, 0, head, bytes, prefixStart, prefixStart + prefixLength);
      if (order !== 0) return order < 0 ? ~from : ~this.count;
    }
    if (this.wide) return this.#findWide(key, from);
    const guess = key.length === prefixLength + 1 ? this.#guess(key[prefixLength]) : -1;
    return guess >= from ? guess : this.#findNarrow(key, from);
  }

  /**
   * Keys that count up, as record ids, have a last byte each behind what they share: the entry of `last` as if none were
   * missing, -1 when it is not there. Each look at an entry is one more place in memory.
   */
  #guess(last: number): number {
    const { bytes, entriesStart, offsetsStart } = this;
    if (bytes[entriesStart] !== 1) return -1;
    const guess = last - bytes[entriesStart + 1];
    if (guess < 0 || guess >= this.count) return -1;
    const at = offsetsStart + 2 * guess;
    const start = entriesStart + (bytes[at] | (bytes[at + 1] << 8));
    return bytes[start] === 1 && bytes[start + 1] === last ? guess : -1;
  }

  #findNarrow(key: Uint8Array, from: number): number {
    const { bytes, prefixLength, offsetsStart, entriesStart } = this;
    const keyLength = key.length;
    let low = from;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = offsetsStart + 2 * middle;
      const start = entriesStart + (bytes[at] | (bytes[at + 1] << 8));
      const end = start + 1 + bytes[start];
      let k = prefixLength;
      let s = start + 1;
      while (k < keyLength && s < end && key[k] === bytes[s]) {
        k++;
        s++;
      }
      let order: number;
      if (k < keyLength && s < end) order = key[k] - bytes[s];
      else order = keyLength - k - (end - s);
      if (order === 0) return middle;
      if (order < 0) high = middle;
      else low = middle + 1;
    }
    return ~low;
  }

  #findWide(key: Uint8Array, from: number): number {
    let low = from;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const start = this.entriesStart + uint32At(this.bytes, this.offsetsStart + 4 * middle);
      const suffix = start + 4;
      const end = suffix + uint32At(this.bytes, start);
      const order = compareRanges(key, this.prefixLength, key.length, this.bytes, suffix, end);
      if (order === 0) return middle;
      if (order < 0) high = middle;
      else low = middle + 1;
    }
    return ~low;
  }

  /** Where the entry of `key` should be, as {@link find} guesses, without looking; -1 when it guesses nothing. */
  guessedStart(key: Uint8Array): number {
    const { bytes, prefixLength, entriesStart } = this;
    if (this.wide || key.length !== prefixLength + 1 || bytes[entriesStart] !== 1) return -1;
    const guess = key[prefixLength] - bytes[entriesStart + 1];
    return guess < 0 || guess >= this.count ? -1 : entriesStart + this.offset(guess);
  }

  /** A view of the located value. `buffer` is that of `bytes`, if the caller has it at hand. */
  value(buffer: ArrayBufferLike = this.bytes.buffer): Uint8Array {
    return new Uint8Array(buffer, this.bytes.byteOffset + this.valueStart, this.valueEnd - this.valueStart);
  }

  /** A fresh copy of the located key. */
  key(): Uint8Array {
    const { bytes, prefixLength, prefixStart, suffixStart, valueStart } = this;
    const key = new Uint8Array(prefixLength + valueStart - suffixStart);
    for (let i = 0; i < prefixLength; i++) key[i] = bytes[prefixStart + i];
    for (let i = prefixLength, s = suffixStart; s < valueStart; i++, s++) key[i] = bytes[s];
    return key;
  }

  /** Locates entry `index` and copies its key. */
  keyAt(index: number): Uint8Array {
    invariant(index >= 0 && index < this.count, () => `entry ${index} of a block of ${this.count}`);
    this.locate(index);
    return this.key();
  }
}
