/**
 * Walking documents. The hottest code of the program: plain loops over bytes, nothing allocated per element.
 * All of it assumes validated bytes.
 */
import { int32At, textOf } from './bytes.ts';
import type { ValueSpan } from './types.ts';
import { RawValue } from './value.ts';
import { TEXTS_FORM, VALUE_SIZES } from './value_sizes.ts';

/** The smallest document: its length and its end. */
export const EMPTY_DOCUMENT_SIZE_BYTES = 5;

const NO_DOCUMENT = Uint8Array.of(5, 0, 0, 0, 0);

/** Bytes of the document, its length prefix and end included. */
export function documentSize(bytes: Uint8Array, at = 0): number {
  return int32At(bytes, at);
}

/** The offset after a value of `type` that starts at `start`. */
export function valueEnd(type: number, bytes: Uint8Array, start: number): number {
  const size = VALUE_SIZES[type];
  return size >= 0 ? start + size : sizedValueEnd(size, bytes, start);
}

function sizedValueEnd(size: number, bytes: Uint8Array, start: number): number {
  return size === TEXTS_FORM ? textsEnd(bytes, start) : start + int32At(bytes, start) - 1 - size;
}

function textsEnd(bytes: Uint8Array, start: number): number {
  let at = start;
  while (bytes[at] > 0) at++;
  at++;
  while (bytes[at] > 0) at++;
  return at + 1;
}

/**
 * Walks the elements of one document or array, in order. Its span is that of the element `next` stopped at, so a reader
 * can be passed wherever a value is read at once; take `value()` to keep one.
 */
export class ElementReader implements ValueSpan {
  bytes: Uint8Array;
  /** Type byte of the current element; meaningless before the first `next` and after the last. */
  type = 0;
  /** Offset of the type byte: [elementStart, end) is the whole element. */
  elementStart = 0;
  nameStart = 0;
  nameEnd = 0;
  /** [start, end) is the value. */
  start = 0;
  end = 0;

  /** `at` is the offset of the document's length prefix. */
  constructor(bytes: Uint8Array = NO_DOCUMENT, at = 0) {
    this.bytes = bytes;
    this.end = at + 4;
  }

  reset(bytes: Uint8Array, at: number): this {
    this.bytes = bytes;
    this.end = at + 4;
    return this;
  }

  /** Moves to the next element; false at the end of the document, and then again on every call. */
  next(): boolean {
    const bytes = this.bytes;
    const elementStart = this.end;
    const type = bytes[elementStart];
    if (!(type > 0)) return false;
    let at = elementStart + 1;
    while (bytes[at] > 0) at++;
    this.type = type;
    this.elementStart = elementStart;
    this.nameStart = elementStart + 1;
    this.nameEnd = at;
    const start = at + 1;
    this.start = start;
    const size = VALUE_SIZES[type];
    this.end = size >= 0 ? start + size : sizedValueEnd(size, bytes, start);
    return true;
  }

  name(): string {
    return textOf(this.bytes, this.nameStart, this.nameEnd);
  }

  /** `name` as `fieldName` makes it. */
  nameEquals(name: Uint8Array): boolean {
    const bytes = this.bytes;
    const start = this.nameStart;
    const length = name.length;
    if (this.nameEnd - start !== length) return false;
    for (let i = 0; i < length; i++) {
      if (bytes[start + i] !== name[i]) return false;
    }
    return true;
  }

  /** A view of the current value that stays when the reader moves on. */
  value(): RawValue {
    return new RawValue(this.type, this.bytes, this.start, this.end);
  }
}

/** The offset of the type byte of the first element named `name` in the document at `at`, or -1. */
export function findElement(bytes: Uint8Array, at: number, name: Uint8Array): number {
  const length = name.length;
  // An empty name is only its end.
  const first = length === 0 ? 0 : name[0];
  let elementStart = at + 4;
  for (;;) {
    const type = bytes[elementStart];
    if (!(type > 0)) return -1;
    const nameStart = elementStart + 1;
    let nameEnd = nameStart;
    if (bytes[nameStart] === first) {
      let i = 1;
      while (i < length && bytes[nameStart + i] === name[i]) i++;
      if (i >= length && bytes[nameStart + length] === 0) return elementStart;
      nameEnd = nameStart + (i < length ? i : length);
    }
    while (bytes[nameEnd] > 0) nameEnd++;
    const start = nameEnd + 1;
    const size = VALUE_SIZES[type];
    elementStart = size >= 0 ? start + size : sizedValueEnd(size, bytes, start);
  }
}

/** The value of the first field named `name` in the document at `at`. */
export function findField(bytes: Uint8Array, name: Uint8Array, at = 0): RawValue | undefined {
  const element = findElement(bytes, at, name);
  if (element < 0) return undefined;
  const start = element + name.length + 2;
  const type = bytes[element];
  return new RawValue(type, bytes, start, valueEnd(type, bytes, start));
}

/** Whether the document has no fields. */
export function isEmptyDocument(bytes: Uint8Array, at = 0): boolean {
  return bytes[at + 4] === 0;
}

/** Counts the fields, or the items of an array. */
export function countElements(bytes: Uint8Array, at = 0): number {
  const reader = new ElementReader(bytes, at);
  let count = 0;
  while (reader.next()) count++;
  return count;
}
