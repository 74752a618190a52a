/** A document that is made field by field: what comes later replaces what was there under its name, in its place. */
import { writeInt32 } from '../../bson/bytes.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { rawValue, type RawValue } from '../../bson/value.ts';
import { copyInto } from './build.ts';
import { checkValueSize } from './value_limits.ts';

/** A document's length and its end. */
const EMPTY_SIZE_BYTES = 5;

/** Fields between two looks at the clock. */
const WRITTEN_PER_STEP = 64;

/** Larger maps take long where they grow. */
const SHARDS = 32;

export class FieldTable {
  /** The place of each name, in maps by the last character. */
  readonly #places = Array.from({ length: SHARDS }, () => new Map<string, number>());
  /** Where names are: in the bytes of the values, with a NUL behind. */
  readonly #nameStarts: number[] = [];
  readonly #values: RawValue[] = [];
  #size = EMPTY_SIZE_BYTES;
  #bytes: Uint8Array | undefined;
  #at = 4;
  #written = 0;

  /** The name is in the bytes of the value, too, which must not change: from `nameStart` to `nameEnd`, with a NUL behind. */
  // oxlint-disable-next-line max-params -- called once per field
  set(name: string, value: RawValue, nameStart: number, nameEnd: number): void {
    const places = this.#places[name.charCodeAt(name.length - 1) & (SHARDS - 1)];
    const place = places.get(name);
    if (place === undefined) {
      places.set(name, this.#values.length);
      this.#size += 2 + nameEnd - nameStart;
      this.#values.push(value);
      this.#nameStarts.push(nameStart);
    } else {
      this.#size -= this.#values[place].end - this.#values[place].start;
      this.#values[place] = value;
      this.#nameStarts[place] = nameStart;
    }
    this.#size += value.end - value.start;
  }

  /** Writes some of the fields; false when all are. No `set` afterwards. */
  write(): boolean {
    this.#bytes ??= this.#begin();
    const bytes = this.#bytes;
    const end = Math.min(this.#values.length, this.#written + WRITTEN_PER_STEP);
    let at = this.#at;
    for (let i = this.#written; i < end; i++) {
      const value = this.#values[i];
      bytes[at++] = value.type;
      for (let from = this.#nameStarts[i]; value.bytes[from] > 0; from++) bytes[at++] = value.bytes[from];
      at = copyInto(bytes, at + 1, value);
    }
    this.#at = at;
    this.#written = end;
    return end < this.#values.length;
  }

  /** Once `write` has said that all is written. */
  document(): RawValue {
    return rawValue(BSON_TYPE.object, this.#bytes ?? this.#begin());
  }

  #begin(): Uint8Array {
    checkValueSize(this.#size);
    const bytes = new Uint8Array(this.#size);
    writeInt32(bytes, 0, this.#size);
    return bytes;
  }
}
