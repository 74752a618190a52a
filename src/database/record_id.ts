/** Record ids: where a document lies in its collection. They rise in the order of insertion and are never shown. */
import { invariant } from '../base/invariant.ts';

/** Big-endian, so that bytes sort as numbers do. */
export const RECORD_ID_BYTES = 6;

const RECORD_ID_LIMIT = 2 ** 48;

export function recordIdBytes(id: number): Uint8Array {
  invariant(id > 0 && id < RECORD_ID_LIMIT, 'record ids fit 48 bits');
  const bytes = new Uint8Array(RECORD_ID_BYTES);
  const high = Math.floor(id / 0x1_0000_0000);
  bytes[0] = high >>> 8;
  bytes[1] = high;
  bytes[2] = id >>> 24;
  bytes[3] = id >>> 16;
  bytes[4] = id >>> 8;
  bytes[5] = id;
  return bytes;
}

export function recordIdOf(bytes: Uint8Array): number {
  invariant(bytes.length === RECORD_ID_BYTES, 'a record id has 6 bytes');
  const high = bytes[0] * 0x100 + bytes[1];
  const low = ((bytes[2] << 24) | (bytes[3] << 16) | (bytes[4] << 8) | bytes[5]) >>> 0;
  return high * 0x1_0000_0000 + low;
}
