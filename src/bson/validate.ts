/**
 * The one check of documents that come from outside; everything else relies on it. Lengths, types, ends, nesting, sizes
 * and that names are UTF-8. As in MongoDB, the bytes of string values are not looked at.
 */
import { CommandError } from '../base/command_error.ts';
import {
  BSON_INTERNAL_OVERHEAD_BYTES_MAX,
  BSON_MESSAGE_DEPTH_MAX,
  BSON_OBJECT_SIZE_BYTES_MAX,
  BSON_STORED_DEPTH_MAX,
} from '../base/limits.ts';
import { int32At, textOf } from './bytes.ts';
import { ElementReader, EMPTY_DOCUMENT_SIZE_BYTES, valueEnd } from './elements.ts';
import { BSON_TYPE } from './types.ts';
import { BINARY_FORM, DB_POINTER_FORM, DOCUMENT_FORM, STRING_FORM, VALUE_SIZES } from './value_sizes.ts';

/** What one check allows. */
export interface DocumentLimits {
  readonly sizeBytesMax: number;
  /** Documents and arrays inside each other, the outermost counting as 1. */
  readonly depthMax: number;
}

/** For commands, replies and oplog entries, which may wrap a stored document. */
export const MESSAGE_DOCUMENT_LIMITS: DocumentLimits = {
  sizeBytesMax: BSON_OBJECT_SIZE_BYTES_MAX + BSON_INTERNAL_OVERHEAD_BYTES_MAX,
  depthMax: BSON_MESSAGE_DEPTH_MAX,
};

/** For what is stored in collections. */
export const STORED_DOCUMENT_LIMITS: DocumentLimits = {
  sizeBytesMax: BSON_OBJECT_SIZE_BYTES_MAX,
  depthMax: BSON_STORED_DEPTH_MAX,
};

const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Checks the document at `at`; bytes after it are ignored. Throws CommandError: InvalidBSON (22), Overflow (15) when it
 * is too deep, BSONObjectTooLarge (10334). Returns the nesting depth, the document itself counting as 1, so that a
 * caller can tell without another walk whether another limit is kept as well.
 */
export function validateDocument(bytes: Uint8Array, at = 0, limits: DocumentLimits = MESSAGE_DOCUMENT_LIMITS): number {
  if (at < 0 || bytes.length - at < EMPTY_DOCUMENT_SIZE_BYTES) {
    throw new CommandError('InvalidBSON', 'BSON data has to be at least 5 bytes');
  }
  const size = int32At(bytes, at);
  if (size < EMPTY_DOCUMENT_SIZE_BYTES) {
    throw new CommandError('InvalidBSON', 'BSON data has to be at least 5 bytes');
  }
  if (size > limits.sizeBytesMax) throw documentTooLarge(size, limits);
  if (size > bytes.length - at) throw new CommandError('InvalidBSON', 'BSON length exceeds buffer size');
  const check = new DocumentCheck(bytes, at, limits.depthMax);
  check.fields(at, at + size);
  return check.deepest;
}

/** How deep values of any origin are looked into: beyond every limit, and not so deep that looking fails. */
const DEPTH_LOOK_MAX = 512;

/** Levels of documents and arrays, the document itself counting as 1; deeper than `lookMax` counts as that. */
export function documentDepth(bytes: Uint8Array, at = 0, lookMax = DEPTH_LOOK_MAX): number {
  if (lookMax <= 1) return 1;
  const reader = new ElementReader(bytes, at);
  let deepest = 0;
  while (reader.next()) {
    if (hasFields(reader.type)) deepest = Math.max(deepest, documentDepth(bytes, reader.start, lookMax - 1));
  }
  return deepest + 1;
}

/** For a document that was made and not read. */
export function documentTooLarge(size: number, limits: DocumentLimits = MESSAGE_DOCUMENT_LIMITS): CommandError {
  const hex = size.toString(16).toUpperCase();
  const limit = `${limits.sizeBytesMax}(16MB)`;
  return new CommandError(
    'BSONObjectTooLarge',
    `BSONObj size: ${size} (0x${hex}) is invalid. Size must be between 0 and ${limit}`,
  );
}

/** One check under way: where it is and how deep it has been. */
class DocumentCheck {
  deepest = 0;
  readonly #bytes: Uint8Array;
  readonly #root: number;
  readonly #depthMax: number;
  #depth = 0;
  /** The element that is being checked, for the message. */
  #element = 0;

  constructor(bytes: Uint8Array, root: number, depthMax: number) {
    this.#bytes = bytes;
    this.#root = root;
    this.#depthMax = depthMax;
    this.#element = root + 4;
  }

  /** The document of known size at [at, after), `after` within the bytes. */
  fields(at: number, after: number): void {
    const bytes = this.#bytes;
    const end = after - 1;
    if (bytes[end] !== 0) this.#fail('BSON object not terminated with EOO');
    if (++this.#depth > this.#depthMax) this.#fail('BSONObj exceeds maximum nested object depth', 'Overflow');
    if (this.#depth > this.deepest) this.deepest = this.#depth;
    let position = at + 4;
    while (position < end) {
      this.#element = position;
      const type = bytes[position];
      if (type === 0) this.#fail('Incorrect BSON length: EOO is not at the end of the object');
      let nameEnd = position + 1;
      let seen = 0;
      // Ends at the latest at the document's own end, which is 0.
      for (let byte = bytes[nameEnd]; byte !== 0; byte = bytes[++nameEnd]) seen |= byte;
      if (seen >= 0x80) this.#checkName(position + 1, nameEnd);
      const size = VALUE_SIZES[type];
      position = size >= 0 ? nameEnd + 1 + size : this.#valueEnd(type, nameEnd + 1, end);
      if (position > end) this.#fail('BSON element value extends past the end of the object');
      if (type === BSON_TYPE.bool && bytes[position - 1] > 1) this.#fail('BSON bool is neither false nor true');
    }
    this.#depth--;
  }

  /** Checks a value that carries its own length; `limit` is the offset of the enclosing document's end byte. */
  #valueEnd(type: number, start: number, limit: number): number {
    switch (VALUE_SIZES[type]) {
      case STRING_FORM:
        return this.#stringEnd(start, limit);
      case DOCUMENT_FORM:
        return type === BSON_TYPE.javascriptWithScope ? this.#scopeEnd(start, limit) : this.#documentEnd(start, limit);
      case BINARY_FORM:
        return this.#lengthAt(start, limit, 0) + start + 5;
      case DB_POINTER_FORM:
        return this.#stringEnd(start, limit) + 12;
      default:
        if (type !== BSON_TYPE.regex) this.#fail('Unrecognized BSON type');
        return this.#textEnd(this.#textEnd(start, limit), limit);
    }
  }

  #stringEnd(start: number, limit: number): number {
    const end = start + 4 + this.#lengthAt(start, limit, 1);
    if (end > limit) this.#fail('BSON element value extends past the end of the object');
    if (this.#bytes[end - 1] !== 0) this.#fail('Not null terminated string');
    return end;
  }

  #documentEnd(start: number, limit: number): number {
    const end = start + this.#lengthAt(start, limit, EMPTY_DOCUMENT_SIZE_BYTES);
    if (end > limit) this.#fail('BSON element value extends past the end of the object');
    this.fields(start, end);
    return end;
  }

  /** Code with scope counts as two levels, as it does in MongoDB. */
  #scopeEnd(start: number, limit: number): number {
    const end = start + this.#lengthAt(start, limit, EMPTY_DOCUMENT_SIZE_BYTES);
    if (end > limit) this.#fail('BSON element value extends past the end of the object');
    this.#depth++;
    const codeEnd = this.#stringEnd(start + 4, end);
    if (this.#documentEnd(codeEnd, end) !== end) this.#fail('Incorrect BSON length in CodeWScope');
    this.#depth--;
    return end;
  }

  #textEnd(start: number, limit: number): number {
    let at = start;
    while (at < limit && this.#bytes[at] !== 0) at++;
    return at + 1;
  }

  /** The length at `start`: itself before `limit`, not below `least`, and not past the document. */
  #lengthAt(start: number, limit: number, least: number): number {
    if (start + 4 > limit) this.#fail('BSON element value extends past the end of the object');
    const length = int32At(this.#bytes, start);
    if (length < least) this.#fail(least === 1 ? 'Not null terminated string' : 'Invalid BSON length');
    if (length > limit - start) this.#fail('BSON element value extends past the end of the object');
    return length;
  }

  #checkName(start: number, end: number): void {
    try {
      STRICT_UTF8.decode(this.#bytes.subarray(start, end));
    } catch (error) {
      throw new CommandError('InvalidBSON', 'Field name is not valid UTF-8', {}, { cause: error });
    }
  }

  #fail(message: string, error: 'InvalidBSON' | 'Overflow' = 'InvalidBSON'): never {
    throw new CommandError(error, `${message} in element with field name '${this.#path()}' in object with unknown _id`);
  }

  /** The dotted path of the current element: what lies before it, and the lengths around it, were found to be sound. */
  #path(): string {
    const bytes = this.#bytes;
    const names: string[] = [];
    let position = this.#root + 4;
    for (;;) {
      let nameEnd = position + 1;
      while (bytes[nameEnd] > 0) nameEnd++;
      const name = textOf(bytes, position + 1, nameEnd);
      const isLast = position >= this.#element;
      const end = isLast ? position : valueEnd(bytes[position], bytes, nameEnd + 1);
      if (isLast || end > this.#element) names.push(name);
      if (isLast || (end > this.#element && !hasFields(bytes[position]))) return names.join('.');
      position = end > this.#element ? nameEnd + 5 : end;
    }
  }
}

function hasFields(type: number): boolean {
  return type === BSON_TYPE.object || type === BSON_TYPE.array;
}
