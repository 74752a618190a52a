/**
 * The bytes of journal files; docs/journal-format.md is the full description.
 *
 * A segment file is a header region of 4,096 bytes and then frames, each at a multiple of 8. All numbers are
 * little-endian. A frame carries a record, or nothing: a mark, which only testifies what is durable.
 */
import { DataError } from '../base/data_error.ts';
import { invariant } from '../base/invariant.ts';
import { uint32At, writeInt32 } from '../bson/bytes.ts';
import { crc32c } from './journal_checksum.ts';

/** Where the first frame of a segment begins. */
export const SEGMENT_HEADER_BYTES = 4096;

/** Checksum, length, sequence, durable sequence. */
export const FRAME_HEADER_BYTES = 24;

const FORMAT_VERSION = 1;

/** The text 'QRTJRNL1'. */
const MAGIC = Uint8Array.of(0x51, 0x52, 0x54, 0x4a, 0x52, 0x4e, 0x4c, 0x31);

/** The header region holds two slots; a new header goes into the other one, so that a torn write spoils neither. */
const SLOT_OFFSETS: readonly number[] = [0, 2048];
const SLOT_BYTES = 44;

/** What a segment is. The number says its place among all; the floor is a sequence below all its records. */
export interface SegmentHeader {
  readonly number: number;
  readonly floor: number;
  readonly capacityBytes: number;
}

/** The damaged place of a journal that must not be used, as a message for the operator. */
export class JournalDamageError extends DataError {
  constructor(message: string) {
    super('damage', message);
  }

  override get name(): string {
    return 'JournalDamageError';
  }
}

/** Bytes that a record of `length` bytes takes. */
export function frameSize(length: number): number {
  return (FRAME_HEADER_BYTES + length + 7) & ~7;
}

/** Whole numbers from 0 to 2^53. */
export function writeUint64(bytes: Uint8Array, at: number, value: number): void {
  writeInt32(bytes, at, value | 0);
  writeInt32(bytes, at + 4, (value / 0x1_0000_0000) | 0);
}

/** NaN never; a value of 2^53 or more loses digits, which the checksum makes irrelevant. */
export function readUint64(bytes: Uint8Array, at: number): number {
  return uint32At(bytes, at + 4) * 0x1_0000_0000 + uint32At(bytes, at);
}

/**
 * The first half of a frame's header: the record's sequence (for a mark that of the record before it), and up to where
 * all records are known to be durable now.
 */
export function writeFrameSequences(bytes: Uint8Array, at: number, sequence: number, durable: number): void {
  writeUint64(bytes, at + 8, sequence);
  writeUint64(bytes, at + 16, durable);
}

/** Completes a frame whose sequences and `length` bytes of record are in place, and clears its padding. */
export function sealFrame(bytes: Uint8Array, at: number, length: number): void {
  writeInt32(bytes, at + 4, length);
  const end = at + FRAME_HEADER_BYTES + length;
  writeInt32(bytes, at, crc32c(bytes, at + 4, end));
  for (let i = end; i & 7; i++) bytes[i] = 0;
}

export function frameLength(bytes: Uint8Array, at: number): number {
  return uint32At(bytes, at + 4);
}

export function frameSequence(bytes: Uint8Array, at: number): number {
  return readUint64(bytes, at + 8);
}

export function frameDurable(bytes: Uint8Array, at: number): number {
  return readUint64(bytes, at + 16);
}

/** Whether the checksum of a frame holds; all of it must lie within `bytes`. */
export function isFrameIntact(bytes: Uint8Array, at: number): boolean {
  return (uint32At(bytes, at) | 0) === crc32c(bytes, at + 4, at + FRAME_HEADER_BYTES + frameLength(bytes, at));
}

/** One slot's bytes; where it goes is {@link headerSlotOffset}. */
export function encodeHeader(header: SegmentHeader): Uint8Array {
  invariant(header.number > 0, 'segments are numbered from 1');
  const bytes = new Uint8Array(SLOT_BYTES);
  bytes.set(MAGIC);
  writeInt32(bytes, 8, FORMAT_VERSION);
  writeUint64(bytes, 16, header.number);
  writeUint64(bytes, 24, header.floor);
  writeUint64(bytes, 32, header.capacityBytes);
  writeInt32(bytes, 40, crc32c(bytes, 0, 40));
  return bytes;
}

/** The whole header region of a new file: the header in both slots. */
export function encodeHeaderRegion(header: SegmentHeader): Uint8Array {
  const region = new Uint8Array(SEGMENT_HEADER_BYTES);
  const slot = encodeHeader(header);
  for (const offset of SLOT_OFFSETS) region.set(slot, offset);
  return region;
}

export interface FoundHeader extends SegmentHeader {
  /** Where the next header of this file goes. */
  readonly otherSlotOffset: number;
}

/** The newer of the two headers that is intact; undefined when neither is. */
export function decodeHeaderRegion(region: Uint8Array): FoundHeader | undefined {
  let found: FoundHeader | undefined;
  SLOT_OFFSETS.forEach((offset, slot) => {
    const header = decodeHeader(region, offset);
    if (header === undefined) return;
    if (found !== undefined && found.number >= header.number) return;
    found = { ...header, otherSlotOffset: SLOT_OFFSETS[1 - slot] };
  });
  return found;
}

function decodeHeader(bytes: Uint8Array, at: number): SegmentHeader | undefined {
  if (at + SLOT_BYTES > bytes.length) return undefined;
  if (MAGIC.some((byte, i) => bytes[at + i] !== byte)) return undefined;
  if ((uint32At(bytes, at + 40) | 0) !== crc32c(bytes, at, at + 40)) return undefined;
  const version = uint32At(bytes, at + 8);
  if (version !== FORMAT_VERSION) {
    throw new JournalDamageError(`the journal has format ${version}; this program reads format ${FORMAT_VERSION}`);
  }
  return {
    number: readUint64(bytes, at + 16),
    floor: readUint64(bytes, at + 24),
    capacityBytes: readUint64(bytes, at + 32),
  };
}

/** An announced cut: the records after `sequence` go; all of them when `keepsNothing`. */
export interface JournalCut {
  readonly sequence: number;
  readonly keepsNothing: boolean;
}

const CUT_BYTES = 24;

/** The content of the file that announces a cut. */
export function encodeCut(cut: JournalCut): Uint8Array {
  const bytes = new Uint8Array(CUT_BYTES);
  bytes.set(MAGIC);
  writeUint64(bytes, 8, cut.sequence);
  writeInt32(bytes, 16, cut.keepsNothing ? 1 : 0);
  writeInt32(bytes, 20, crc32c(bytes, 0, 20));
  return bytes;
}

/** Undefined when the bytes are not such an announcement. */
export function decodeCut(bytes: Uint8Array): JournalCut | undefined {
  if (bytes.length !== CUT_BYTES || MAGIC.some((byte, i) => bytes[i] !== byte)) return undefined;
  if ((uint32At(bytes, 20) | 0) !== crc32c(bytes, 0, 20)) return undefined;
  return { sequence: readUint64(bytes, 8), keepsNothing: bytes[16] === 1 };
}
