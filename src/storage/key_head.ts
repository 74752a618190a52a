/**
 * The first bytes of a key as a number, so that most comparisons of a sort are one of two numbers that lie side by side.
 *
 * Of two keys with the same first `from` bytes, the one with the smaller head is smaller; equal heads decide nothing.
 */

/** As many bytes as a double holds exactly. */
export const KEY_HEAD_BYTES = 6;

/** Bytes [from, from + 6) of a key that ends at `end`, zeros behind it; `from` counts in `key` and not from the key's start. */
export function keyHead(key: Uint8Array, from: number, end: number): number {
  if (from + KEY_HEAD_BYTES <= end) {
    const high = (key[from] << 16) | (key[from + 1] << 8) | key[from + 2];
    const low = (key[from + 3] << 16) | (key[from + 4] << 8) | key[from + 5];
    return high * 0x100_0000 + low;
  }
  let head = 0;
  for (let i = from; i < from + KEY_HEAD_BYTES; i++) head = head * 256 + (i < end ? key[i] : 0);
  return head;
}
