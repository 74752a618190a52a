/** Strings as their UTF-8 bytes, where they are: large ones are looked through without making a text of them. */
import { utf8Of, writeInt32 } from '../../bson/bytes.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { rawValue, type RawValue } from '../../bson/value.ts';
import { coerceToString } from './text.ts';
import type { Value } from './types.ts';

/** The length before the bytes of a string. */
const LENGTH_BYTES = 4;

/** A view of the bytes of a string; undefined for everything else. */
export function stringBytes(value: Value): Uint8Array | undefined {
  if (value?.type !== BSON_TYPE.string) return undefined;
  return value.bytes.subarray(value.start + LENGTH_BYTES, value.end - 1);
}

/** The bytes of what is taken for a string; to be left as they are. Throws 16007 for what has no text. */
export function coercedBytes(value: Value): Uint8Array {
  return stringBytes(value) ?? utf8Of(coerceToString(value));
}

/** A string of a copy of those bytes. */
export function stringOfBytes(utf8: Uint8Array, start = 0, end = utf8.length): RawValue {
  const bytes = new Uint8Array(LENGTH_BYTES + end - start + 1);
  writeInt32(bytes, 0, end - start + 1);
  bytes.set(start === 0 && end === utf8.length ? utf8 : utf8.subarray(start, end), LENGTH_BYTES);
  return rawValue(BSON_TYPE.string, bytes);
}

/** Bytes that are in the middle of a character. */
export function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** Where the character after so many begins; the end when there are not so many. */
export function afterCharacters(utf8: Uint8Array, count: number, from = 0): number {
  let left = count;
  for (let at = from; at < utf8.length; at++) if (!isContinuation(utf8[at]) && left-- === 0) return at;
  return utf8.length;
}

export function afterCharacter(utf8: Uint8Array, at: number): number {
  let end = at + 1;
  while (end < utf8.length && isContinuation(utf8[end])) end++;
  return end;
}

/** Where the character before begins. */
export function beforeCharacter(utf8: Uint8Array, at: number): number {
  let start = at - 1;
  while (start > 0 && isContinuation(utf8[start])) start--;
  return start;
}

export function countCharacters(utf8: Uint8Array, from = 0, end = utf8.length): number {
  let count = 0;
  for (let i = from; i < end; i++) if (!isContinuation(utf8[i])) count++;
  return count;
}
