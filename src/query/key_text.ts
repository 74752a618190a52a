/** Byte keys as texts, for hash maps: one character per byte. */

/** Longer keys are decoded, shorter ones are not worth the call. */
const SHORT_BYTES = 64;

/** Windows-1252 in truth, which also gives every byte a character of its own. */
const DECODER = new TextDecoder('latin1');

/** Different for different keys: texts of the two ways differ in their lengths. */
export function keyText(key: Uint8Array): string {
  return key.length <= SHORT_BYTES ? Reflect.apply(String.fromCharCode, undefined, key) : DECODER.decode(key);
}
