/** A string that is made piece by piece, of bytes of UTF-8. */
import { writeInt32 } from '../../bson/bytes.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { rawValue, type RawValue } from '../../bson/value.ts';
import { checkTextSize } from './value_limits.ts';

const FIRST_SIZE_BYTES = 64;

/** The length before the bytes of a string. */
const LENGTH_BYTES = 4;

export class TextBuilder {
  #bytes = new Uint8Array(FIRST_SIZE_BYTES);
  #end = LENGTH_BYTES;

  /** Throws 16493 when it gets longer than a string may be. */
  append(utf8: Uint8Array, start = 0, end = utf8.length): void {
    const to = this.#end + end - start;
    checkTextSize(to - LENGTH_BYTES);
    if (to >= this.#bytes.length) this.#grow(to + 1);
    if (end > start) this.#bytes.set(utf8.subarray(start, end), this.#end);
    this.#end = to;
  }

  /** No `append` afterwards. */
  string(): RawValue {
    writeInt32(this.#bytes, 0, this.#end - LENGTH_BYTES + 1);
    return rawValue(BSON_TYPE.string, this.#bytes.slice(0, this.#end + 1));
  }

  #grow(size: number): void {
    const bytes = new Uint8Array(Math.max(size, this.#bytes.length * 2));
    bytes.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = bytes;
  }
}
