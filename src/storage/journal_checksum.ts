/**
 * CRC-32C (Castagnoli), the checksum of journal records, eight bytes at a time. Source: RFC 3720, appendix B.4.
 */

const POLYNOMIAL = 0x82f63b78;

/** Table n holds the remainder of a byte followed by n zero bytes. */
const TABLES: readonly Int32Array[] = makeTables();
const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES;

function makeTables(): Int32Array[] {
  const first = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
    first[byte] = remainder;
  }
  const tables = [first];
  for (let n = 1; n < 8; n++) {
    const before = tables[n - 1];
    tables.push(before.map((remainder) => first[remainder & 0xff] ^ (remainder >>> 8)));
  }
  return tables;
}

/** Of `bytes[start, end)`, as a signed 32-bit number. */
export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  let crc = -1;
  let i = start;
  for (const whole = end - 7; i < whole; i += 8) {
    const low = crc ^ (bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24));
    crc =
      T7[low & 0xff] ^
      T6[(low >>> 8) & 0xff] ^
      T5[(low >>> 16) & 0xff] ^
      T4[low >>> 24] ^
      T3[bytes[i + 4]] ^
      T2[bytes[i + 5]] ^
      T1[bytes[i + 6]] ^
      T0[bytes[i + 7]];
  }
  for (; i < end; i++) crc = T0[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return ~crc;
}
