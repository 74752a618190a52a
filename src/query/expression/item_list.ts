/** An array that is made item by item: each is written where it goes at once, so that the end costs nothing. */
import { writeInt32 } from '../../bson/bytes.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { rawValue, type RawValue } from '../../bson/value.ts';
import { copyInto, writeIndex } from './build.ts';
import { checkValueSize } from './value_limits.ts';

/** As much as an item takes where arrays are lists of values. */
const ITEM_OVERHEAD_BYTES = 64;

const FIRST_SIZE_BYTES = 128;

/** Type, up to ten digits and their NUL; and the NUL of the array. */
const FRAME_BYTES_MAX = 13;

/** Smaller ones are copied to their size, larger ones are seen through a view. */
const COPIED_BYTES_MAX = 1024;

export class ItemList {
  length = 0;
  readonly #operator: string;
  readonly #overheadBytes: number;
  #countedBytes = 0;
  #bytes = new Uint8Array(FIRST_SIZE_BYTES);
  #end = 4;

  /** `operator`: who makes it, for the error. `overheadBytes`: what an item counts besides its bytes. */
  constructor(operator: string, overheadBytes = ITEM_OVERHEAD_BYTES) {
    this.#operator = operator;
    this.#overheadBytes = overheadBytes;
  }

  /** Copies the item. Throws ExceededMemoryLimit. */
  push(item: RawValue): void {
    const size = item.end - item.start;
    this.#countedBytes += size + this.#overheadBytes;
    checkValueSize(this.#countedBytes, this.#operator);
    if (this.#end + size + FRAME_BYTES_MAX > this.#bytes.length) this.#grow(this.#end + size + FRAME_BYTES_MAX);
    this.#bytes[this.#end] = item.type;
    this.#end = copyInto(this.#bytes, writeIndex(this.#bytes, this.#end + 1, this.length), item);
    this.length += 1;
  }

  /** No `push` afterwards. */
  array(): RawValue {
    const size = this.#end + 1;
    writeInt32(this.#bytes, 0, size);
    this.#bytes[this.#end] = 0;
    return rawValue(
      BSON_TYPE.array,
      size <= COPIED_BYTES_MAX ? this.#bytes.slice(0, size) : this.#bytes.subarray(0, size),
    );
  }

  #grow(size: number): void {
    const bytes = new Uint8Array(Math.max(size, this.#bytes.length * 2));
    bytes.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = bytes;
  }
}
