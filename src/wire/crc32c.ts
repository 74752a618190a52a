/** CRC-32C (Castagnoli), the checksum of OP_MSG. Source: RFC 3720, appendix B.4. */

const POLYNOMIAL = 0x82f63b78;

const TABLE = new Int32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
  TABLE[byte] = remainder;
}

/** Of `bytes[start, end)`, as a signed 32-bit number: what an int32 field of a message holds. */
export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  let remainder = -1;
  for (let i = start; i < end; i++) remainder = TABLE[(remainder ^ bytes[i]) & 0xff] ^ (remainder >>> 8);
  return ~remainder;
}
