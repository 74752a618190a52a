/** The bytes of a key while it grows. */

const FIRST_SIZE_BYTES = 256;

/** Up to this length a loop copies faster than a call. */
const SHORT_COPY_BYTES = 32;

/** Fields are open to the functions that write keys: they reserve room, write at `length` and move it on. */
export class KeyBuffer {
  bytes = new Uint8Array(FIRST_SIZE_BYTES);
  length = 0;

  /** Makes room for `size` more bytes; `bytes` may be another array afterwards. */
  reserve(size: number): void {
    const needed = this.length + size;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  appendRange(from: Uint8Array, start: number, end: number): void {
    const size = end - start;
    this.reserve(size);
    if (size > SHORT_COPY_BYTES) {
      this.bytes.set(from.subarray(start, end), this.length);
    } else {
      const to = this.bytes;
      const shift = this.length - start;
      for (let i = start; i < end; i++) to[shift + i] = from[i];
    }
    this.length += size;
  }

  /** Turns the order of what was written since `start` around. */
  complementFrom(start: number): void {
    const bytes = this.bytes;
    const end = this.length;
    for (let i = start; i < end; i++) bytes[i] = ~bytes[i];
  }
}
