/** Byte keys as texts, for hash maps: one character per byte. */

/** Longer keys are built in pieces, to keep the argument list short. */
const PIECE_BYTES = 4096;

export function keyText(key: Uint8Array): string {
  if (key.length <= PIECE_BYTES) return String.fromCharCode(...key);
  let text = '';
  for (let at = 0; at < key.length; at += PIECE_BYTES)
    text += String.fromCharCode(...key.subarray(at, at + PIECE_BYTES));
  return text;
}
