/**
 * The checksum of blocks: CRC-32 as zlib computes it. The processor's own instructions make it three times as fast as
 * a CRC32C in JavaScript (1.3 against 4 µs for 8 KB), and a checkpoint computes it for every block that it reads or
 * writes.
 */
import { crc32 } from 'node:zlib';
import { uint32At, writeInt32 } from '../bson/bytes.ts';
import { invariant } from '../base/invariant.ts';

/** The checksum takes the first four bytes of a block and covers all others. */
export const CHECKSUM_BYTES = 4;

/** Computes the checksum of the block in [start, end) and stores it in front. */
export function writeChecksum(bytes: Uint8Array, start: number, end: number): void {
  writeInt32(bytes, start, crc32(bytes.subarray(start + CHECKSUM_BYTES, end)) | 0);
}

/** Stops the member when `block` is not what was written; `describe` names the block. */
export function verifyChecksum(block: Uint8Array, describe: () => string): void {
  invariant(block.length > CHECKSUM_BYTES, () => `${describe()} has ${block.length} bytes`);
  const matches = crc32(block.subarray(CHECKSUM_BYTES)) === uint32At(block, 0);
  invariant(matches, () => `${describe()} fails its checksum: the disk returned other bytes than were written`);
}
