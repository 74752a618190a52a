/**
 * Room for small runs of bytes that stay as they are: a copy into a shared array costs a fraction of an array of its own.
 * What was handed out is never written again; an array is given up as a whole when the next copy does not fit, so what is
 * kept from it for long keeps all of it.
 */
const SLAB_BYTES = 64 * 1024;

/** Larger ones get an array of their own. */
const COPY_BYTES_MAX = SLAB_BYTES / 4;

export class Slab {
  #bytes = new Uint8Array(0);
  #at = 0;

  /** A copy that stays as it is. */
  copy(bytes: Uint8Array): Uint8Array {
    if (bytes.length > COPY_BYTES_MAX) return bytes.slice();
    if (this.#at + bytes.length > this.#bytes.length) {
      this.#bytes = new Uint8Array(SLAB_BYTES);
      this.#at = 0;
    }
    const start = this.#at;
    this.#at += bytes.length;
    const copy = this.#bytes.subarray(start, this.#at);
    copy.set(bytes);
    return copy;
  }
}
