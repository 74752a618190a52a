/** Little-endian primitives and UTF-8 on plain byte arrays, without a DataView per buffer. */
import { CommandError } from '../base/command_error.ts';

const SCRATCH = new DataView(new ArrayBuffer(8));
/** A mark of byte order is a character like others. */
const UTF8_DECODER = new TextDecoder('utf-8', { ignoreBOM: true });
const UTF8_ENCODER = new TextEncoder();

/** Texts up to this length are decoded by a loop: below it a call into the decoder costs more. */
const SHORT_TEXT_BYTES_MAX = 24;

export function int32At(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

export function uint32At(bytes: Uint8Array, at: number): number {
  return int32At(bytes, at) >>> 0;
}

export function int64At(bytes: Uint8Array, at: number): bigint {
  return (BigInt(int32At(bytes, at + 4)) << 32n) | BigInt(uint32At(bytes, at));
}

export function uint64At(bytes: Uint8Array, at: number): bigint {
  return (BigInt(uint32At(bytes, at + 4)) << 32n) | BigInt(uint32At(bytes, at));
}

/** The double nearest to a signed 64-bit integer: exact up to 2^53 either way. */
export function int64AsNumberAt(bytes: Uint8Array, at: number): number {
  return int32At(bytes, at + 4) * 0x1_0000_0000 + uint32At(bytes, at);
}

export function doubleAt(bytes: Uint8Array, at: number): number {
  SCRATCH.setInt32(0, int32At(bytes, at), true);
  SCRATCH.setInt32(4, int32At(bytes, at + 4), true);
  return SCRATCH.getFloat64(0, true);
}

export function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >> 8;
  bytes[at + 2] = value >> 16;
  bytes[at + 3] = value >> 24;
}

/** A whole number in the range of int64; one that a double cannot hold exactly needs {@link writeInt64}. */
export function writeInt64Number(bytes: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000);
  writeInt32(bytes, at, (value - high * 0x1_0000_0000) | 0);
  writeInt32(bytes, at + 4, high | 0);
}

export function writeInt64(bytes: Uint8Array, at: number, value: bigint): void {
  writeInt32(bytes, at, Number(BigInt.asIntN(32, value)));
  writeInt32(bytes, at + 4, Number(BigInt.asIntN(32, value >> 32n)));
}

export function writeDouble(bytes: Uint8Array, at: number, value: number): void {
  SCRATCH.setFloat64(0, value, true);
  writeInt32(bytes, at, SCRATCH.getInt32(0, true));
  writeInt32(bytes, at + 4, SCRATCH.getInt32(4, true));
}

/** Negative, zero or positive in the order of unsigned bytes, a prefix first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = a.length < b.length ? a.length : b.length;
  for (let i = 0; i < length; i++) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return a.length - b.length;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}

/** A plain array of its own, also when `bytes` is a Buffer (whose own `slice` shares memory). */
export function copyRange(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (bytes.constructor === Uint8Array) return bytes.slice(start, end);
  const copy = new Uint8Array(end - start);
  copy.set(bytes.subarray(start, end));
  return copy;
}

/** Bytes that are not UTF-8 become U+FFFD. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= SHORT_TEXT_BYTES_MAX) {
    let text = '';
    let i = start;
    while (i < end && bytes[i] < 0x80) text += String.fromCharCode(bytes[i++]);
    if (i === end) return text;
  }
  return UTF8_DECODER.decode(bytes.subarray(start, end));
}

/** A new array of the UTF-8 form. Lone surrogates become U+FFFD. */
export function utf8Of(text: string): Uint8Array {
  return UTF8_ENCODER.encode(text);
}

/** Writes the UTF-8 form of `text` at `at`; there must be room for 3 bytes per unit. Returns the offset after it. */
export function writeUtf8(bytes: Uint8Array, at: number, text: string): number {
  let i = 0;
  let to = at;
  const shortLength = text.length <= 64 ? text.length : 0;
  for (; i < shortLength; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) break;
    bytes[to++] = unit;
  }
  if (i === text.length) return to;
  const rest = i === 0 ? text : text.slice(i);
  return to + UTF8_ENCODER.encodeInto(rest, bytes.subarray(to)).written;
}

/**
 * The UTF-8 form of a field name, for `findField` and `nameEquals`: make it once and keep it. Clients give names as strings
 * too, and those may hold what no name may: throws 16411 for a NUL.
 */
export function fieldName(text: string): Uint8Array {
  if (text.includes('\0')) throw new CommandError(16411, "FieldPath field names may not contain '\\0'.");
  return UTF8_ENCODER.encode(text);
}
