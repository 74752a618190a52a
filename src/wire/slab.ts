/**
 * Room for small messages that wait to be sent: a copy into a shared run of bytes costs a fraction of an array of its own.
 * What was handed out is never written again; a run is given up as a whole when the next message does not fit.
 */
const SLAB_BYTES = 64 * 1024;

export class Slab {
  #bytes = new Uint8Array(SLAB_BYTES);
  #at = 0;

  /** A copy of `bytes`, at most 64 KiB, that stays as it is. */
  copy(bytes: Uint8Array): Uint8Array {
    if (this.#at + bytes.length > SLAB_BYTES) {
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
