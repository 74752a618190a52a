/** UUIDs and hexadecimal texts. */
import type { Random } from '../base/env.ts';

/** Lower-case hexadecimal digits of [start, end). */
export function hexOf(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = '';
  for (let i = start; i < end; i++) text += bytes[i].toString(16).padStart(2, '0');
  return text;
}

/** The usual form of the 16 bytes at `at`, with dashes. */
export function uuidText(bytes: Uint8Array, at = 0): string {
  const hex = hexOf(bytes, at, at + 16);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return parts.join('-');
}

/** 16 random bytes with the marks of version 4. Source: RFC 9562 §5.4. */
export function newUuid(random: Random): Uint8Array {
  const uuid = random.bytes(16);
  uuid[6] = (uuid[6] & 0x0f) | 0x40;
  uuid[8] = (uuid[8] & 0x3f) | 0x80;
  return uuid;
}
