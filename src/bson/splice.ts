/** Edits documents without decoding them: byte ranges are replaced, and the lengths of what encloses them follow. */
import { invariant } from '../base/invariant.ts';
import { int32At, writeInt32 } from './bytes.ts';

const NOTHING = new Uint8Array(0);
const NO_OFFSETS: readonly number[] = [];

/** Below this a loop copies faster than a call. */
const SHORT_COPY_BYTES = 32;

/** Collects edits of one document from left to right, then makes the new document in one pass. Reusable. */
export class Splicer {
  #bytes: Uint8Array = NOTHING;
  #root = 0;
  #end = 0;
  /** Per edit: the replaced range and what takes its place. */
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #replacements: Uint8Array[] = [];
  /** Nested documents whose length changes: offset in the old bytes, and by how much. */
  readonly #enclosing: number[] = [];
  readonly #growth: number[] = [];

  /** Starts over with the document at `at` of `bytes`. Offsets of edits are offsets in `bytes`. */
  reset(bytes: Uint8Array, at = 0): this {
    this.#bytes = bytes;
    this.#root = at;
    this.#end = at + int32At(bytes, at);
    this.#starts.length = 0;
    this.#ends.length = 0;
    this.#replacements.length = 0;
    this.#enclosing.length = 0;
    this.#growth.length = 0;
    return this;
  }

  /** How many edits were given since `reset`. */
  get editCount(): number {
    return this.#starts.length;
  }

  /**
   * [start, end) becomes `replacement`: whole elements or a whole value. An empty range inserts, an empty replacement
   * removes. Edits come in ascending order and do not overlap. `within` are the offsets of the nested documents and
   * arrays that contain the edit, without the document itself; none of them begins inside an earlier edit. The
   * replacement must not change before `finish`.
   */
  replace(start: number, end: number, replacement: Uint8Array, within: readonly number[] = NO_OFFSETS): this {
    const count = this.#starts.length;
    invariant(start >= (count === 0 ? this.#root + 4 : this.#ends[count - 1]), 'edits come in order');
    invariant(start <= end && end < this.#end, 'an edit lies within the document');
    this.#starts.push(start);
    this.#ends.push(end);
    this.#replacements.push(replacement);
    const growth = replacement.length - (end - start);
    if (growth === 0) return this;
    for (const offset of within) {
      const known = this.#enclosing.lastIndexOf(offset);
      if (known >= 0) {
        this.#growth[known] += growth;
      } else {
        this.#enclosing.push(offset);
        this.#growth.push(growth);
      }
    }
    return this;
  }

  /** The edited document, owned by the caller. */
  finish(): Uint8Array {
    let size = this.#end - this.#root;
    const count = this.#starts.length;
    for (let i = 0; i < count; i++) size += this.#replacements[i].length - (this.#ends[i] - this.#starts[i]);
    const result = new Uint8Array(size);
    let from = this.#root;
    let to = 0;
    for (let i = 0; i < count; i++) {
      to = this.#copy(from, this.#starts[i], result, to);
      result.set(this.#replacements[i], to);
      to += this.#replacements[i].length;
      from = this.#ends[i];
    }
    to = this.#copy(from, this.#end, result, to);
    invariant(to === size, 'all bytes of the new document were written');
    writeInt32(result, 0, size);
    for (let i = 0; i < this.#enclosing.length; i++) this.#fixLength(result, this.#enclosing[i], this.#growth[i]);
    return result;
  }

  /** Copies [start, end) of the old bytes to `at` of the new ones; returns the offset after it. */
  #copy(start: number, end: number, to: Uint8Array, at: number): number {
    const from = this.#bytes;
    const size = end - start;
    if (size > SHORT_COPY_BYTES) {
      to.set(from.subarray(start, end), at);
    } else {
      for (let i = 0; i < size; i++) to[at + i] = from[start + i];
    }
    return at + size;
  }

  #fixLength(result: Uint8Array, offset: number, growth: number): void {
    let moved = offset - this.#root;
    for (let i = 0; i < this.#starts.length && this.#ends[i] <= offset; i++) {
      moved += this.#replacements[i].length - (this.#ends[i] - this.#starts[i]);
    }
    writeInt32(result, moved, int32At(this.#bytes, offset) + growth);
  }
}
