/**
 * From a document to the keys under which an index lists it.
 *
 * A field without a value counts as null. A field that holds an array gives one key per element (the index is then
 * *multikey*); an empty array gives undefined. Two fields of one index may pass through the same array, which pairs
 * them element by element, but not through two arrays. Source: the manual, "Multikey Indexes".
 */
import { CommandError } from '../../base/command_error.ts';
import { invariant } from '../../base/invariant.ts';
import { compareBytes, equalBytes, fieldName } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { isPlainInKey } from '../../bson/key_reader.ts';
import { KeyWriter } from '../../bson/key.ts';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { RAW_NULL, RawValue } from '../../bson/value.ts';

/** One field of an index, ready for walking documents. */
export interface IndexField {
  readonly path: string;
  readonly segments: readonly Uint8Array[];
  readonly descending: boolean;
  /** What the key pattern says in place of a direction ('hashed', '2dsphere'); undefined for 1 and -1. */
  readonly plugin: string | undefined;
}

/** What every generator of keys does; `index_kinds/` has one for each kind of index. */
export interface KeyGenerator {
  /** All keys of one whole document, with `suffix` behind each. Throws CommandError for what cannot be indexed. */
  extract(document: Uint8Array, suffix: Uint8Array): Extraction;
  /** The values behind one of the keys that `extract` gave for the document, one per field of the index. */
  valuesOf(document: Uint8Array, suffix: Uint8Array, key: Uint8Array): readonly RawValue[];
  /**
   * The shortest way: the one key of the document at `at`, without a suffix and without a copy. Undefined when there may
   * be none or several, or the kind of index has no such way: `extract` knows.
   */
  singleKey?(bytes: Uint8Array, at: number): SingleKey | undefined;
}

/** A key in a buffer of the generator's own, valid until its next call. */
export interface SingleKey {
  /** The key is [0, length) of these. */
  readonly bytes: Uint8Array;
  readonly length: number;
  /** As in {@link Extraction}. */
  readonly isLossy: boolean;
}

/** Where a value is not written as it is: appends the part of the key for field `i`. */
export type ValueEncoder = (writer: KeyWriter, i: number, value: ValueSpan) => void;

/** What an extraction found besides the keys it handed out. */
export interface Extraction {
  /** Owned by the receiver. In their order, without repetition. */
  readonly keys: readonly Uint8Array[];
  /** Whether an array was met, even one with a single element. */
  readonly multikey: boolean;
  /** Per field, one bit for each segment of its path that led to an array; absent when there is none, or not known. */
  readonly arrays?: readonly number[];
  /** Whether the keys do not tell the values exactly, as for a number that is equal to one of another type. */
  readonly isLossy?: boolean;
  /** Of a wildcard index: the paths that lead to an array or through one. */
  readonly arrayPaths?: readonly string[];
}

/** Where a field of the index stands: resolved to an element, or missing. */
interface Found {
  type: number;
  bytes: Uint8Array;
  start: number;
  end: number;
  /** Segments consumed when an array stopped the walk; equal to the number of segments at the end of the path. */
  depth: number;
  isMissing: boolean;
}

const NO_SUFFIX = new Uint8Array(0);
/** Of a document that the index leaves out. */
export const NO_KEYS: Extraction = { keys: [], multikey: false };
const EMPTY_DOCUMENT = Uint8Array.of(5, 0, 0, 0, 0);

/** Makes the parts of an index field from its dotted path. */
export function indexField(path: string, descending: boolean, plugin?: string): IndexField {
  return { path, segments: path.split('.').map((segment) => fieldName(segment)), descending, plugin };
}

export class KeyExtractor implements KeyGenerator, SingleKey {
  readonly #fields: readonly IndexField[];
  /** A sparse index leaves out documents that have none of its fields. */
  readonly #isSparse: boolean;
  readonly #encode: ValueEncoder | undefined;
  readonly #writer = new KeyWriter();
  readonly #reader = new ElementReader();
  readonly #found: Found[];
  /** Per field: bits of the segments that led to an array in the document at hand. */
  #arrays: number[] = [];
  #isLossy = false;
  #suffix: Uint8Array = NO_SUFFIX;
  /** Set while the values of one key are asked for. */
  #wanted: Uint8Array | undefined;
  #captured: readonly RawValue[] = [];

  constructor(fields: readonly IndexField[], isSparse: boolean, encode?: ValueEncoder) {
    invariant(fields.length > 0, 'an index has at least one field');
    this.#fields = fields;
    this.#isSparse = isSparse;
    this.#encode = encode;
    this.#found = fields.map(() => newFound());
  }

  get bytes(): Uint8Array {
    return this.#writer.bytes;
  }

  get length(): number {
    return this.#writer.length;
  }

  get isLossy(): boolean {
    return this.#isLossy;
  }

  singleKey(bytes: Uint8Array, at: number): SingleKey | undefined {
    this.#isLossy = this.#encode !== undefined;
    return this.#writeSingle(bytes, at) ? this : undefined;
  }

  /** All keys of one whole document, with `suffix` behind each. Throws 171 for parallel arrays. */
  extract(document: Uint8Array, suffix: Uint8Array): Extraction {
    this.#suffix = suffix;
    this.#isLossy = this.#encode !== undefined;
    const single = this.#extractSingle(document);
    if (single !== undefined) return { keys: [single], multikey: false, isLossy: this.#isLossy };
    const found = this.#found;
    if (this.#isSparse && found.every((one) => one.isMissing)) return NO_KEYS;
    const keys: Uint8Array[] = [];
    const copies = found.map((one) => ({ ...one }));
    this.#arrays = found.map(() => 0);
    this.#expand(copies, keys);
    return { keys: sortedSet(keys), multikey: true, arrays: this.#arrays };
  }

  /** The values behind one of the keys that {@link extract} gave for the document, one per field. */
  valuesOf(document: Uint8Array, suffix: Uint8Array, key: Uint8Array): readonly RawValue[] {
    this.#wanted = key;
    this.#captured = [];
    const { multikey } = this.extract(document, suffix);
    this.#wanted = undefined;
    return multikey ? this.#captured : this.#found.map((one) => viewOf(one));
  }

  /** The key of a document without arrays on the way, the usual case; undefined when there is an array, or no key. */
  #extractSingle(document: Uint8Array): Uint8Array | undefined {
    return this.#writeSingle(document, 0) ? this.#writer.appendBytes(this.#suffix).finish() : undefined;
  }

  /** Leaves that key in the writer; false when there is an array, or no key. */
  #writeSingle(bytes: Uint8Array, at: number): boolean {
    let missing = 0;
    let hasArray = false;
    for (let i = 0; i < this.#fields.length; i++) {
      const found = this.#foundAt(i);
      this.#walk(i, bytes, at, 0);
      if (found.isMissing) missing++;
      else if (found.type === BSON_TYPE.array) hasArray = true;
    }
    if (hasArray) return false;
    if (this.#isSparse && missing === this.#fields.length) return false;
    this.#writer.reset();
    for (let i = 0; i < this.#fields.length; i++) this.#append(i, this.#foundAt(i));
    return true;
  }

  #foundAt(i: number): Found {
    return this.#found[i];
  }

  #append(i: number, found: Found): void {
    const value = found.isMissing ? RAW_NULL : found;
    if (found.isMissing || !isPlainInKey(found)) this.#isLossy = true;
    if (this.#encode === undefined) this.#writer.append(value, this.#fields[i].descending);
    else this.#encode(this.#writer, i, value);
  }

  /** Follows field `i` from segment `depth` in the object at `at`, up to its end or the first array. */
  #walk(i: number, bytes: Uint8Array, at: number, depth: number): void {
    const found = this.#foundAt(i);
    const segments = this.#fields[i].segments;
    found.bytes = bytes;
    found.isMissing = true;
    let object = at;
    for (let d = depth; d < segments.length; d++) {
      const segment = segments[d];
      if (!this.#seek(bytes, object, segment)) return;
      const reader = this.#reader;
      found.depth = d + 1;
      if (reader.type === BSON_TYPE.array || d === segments.length - 1) {
        this.#settle(found);
        if (reader.type !== BSON_TYPE.array || d === segments.length - 1) return;
        const next = this.#position(found, segments[d + 1]);
        if (next === 'expand') return;
        found.isMissing = true;
        if (next === 'missing') return;
        d++;
        found.depth = d + 1;
        if (d === segments.length - 1 || this.#reader.type === BSON_TYPE.array) {
          this.#settle(found);
          return;
        }
        if (this.#reader.type !== BSON_TYPE.object) return;
      } else if (reader.type !== BSON_TYPE.object) return;
      object = this.#reader.start;
    }
  }

  #settle(found: Found): void {
    found.isMissing = false;
    found.type = this.#reader.type;
    found.start = this.#reader.start;
    found.end = this.#reader.end;
  }

  #seek(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
    this.#reader.reset(bytes, at);
    while (this.#reader.next()) if (this.#reader.nameEquals(name)) return true;
    return false;
  }

  /** A path like `a.0` may name a position of the array at `found`; leaves the reader on that element. */
  #position(found: Found, segment: Uint8Array): 'expand' | 'missing' | 'found' {
    if (!isPosition(segment)) return 'expand';
    const elements = new ElementReader(found.bytes, found.start);
    while (elements.next()) {
      if (elements.type !== BSON_TYPE.object) continue;
      if (!this.#seek(found.bytes, elements.start, segment)) continue;
      throw new CommandError(
        16746,
        `Ambiguous field name found in array (do not use numeric field names in embedded elements in an array)`,
      );
    }
    return this.#seek(found.bytes, found.start, segment) ? 'found' : 'missing';
  }

  /** One level of arrays: takes the outermost one apart and goes on with each element. */
  #expand(found: Found[], keys: Uint8Array[]): void {
    const arrays = found.filter((one, i) => this.#stopsAtArray(one, i));
    const array = arrays[0];
    if (array === undefined) {
      this.#writer.reset();
      for (const [i, one] of found.entries()) this.#append(i, one);
      const key = this.#writer.appendBytes(this.#suffix).finish();
      keys.push(key);
      if (this.#wanted !== undefined && equalBytes(key, this.#wanted)) this.#captured = found.map((one) => viewOf(one));
      return;
    }
    if (arrays.some((one) => one.start !== array.start)) throw this.#parallel(found);
    const elements = new ElementReader(array.bytes, array.start);
    let isEmpty = true;
    while (elements.next()) {
      isEmpty = false;
      this.#expandElement(found, array, elements, keys);
    }
    if (isEmpty) this.#expandElement(found, array, undefined, keys);
  }

  #stopsAtArray(found: Found, i: number): boolean {
    if (found.isMissing || found.type !== BSON_TYPE.array) return false;
    return found.depth <= this.#fields[i].segments.length;
  }

  #expandElement(found: readonly Found[], array: Found, element: ElementReader | undefined, keys: Uint8Array[]): void {
    const next = found.map((one) => ({ ...one }));
    for (const [i, one] of next.entries()) {
      if (!this.#stopsAtArray(one, i) || one.start !== array.start) continue;
      const length = this.#fields[i].segments.length;
      this.#arrays[i] |= 1 << (one.depth - 1);
      if (one.depth === length) takeElement(one, element, length);
      else if (element?.type === BSON_TYPE.object) {
        this.#walk(i, array.bytes, element.start, one.depth);
        Object.assign(one, this.#foundAt(i));
      } else {
        one.isMissing = true;
      }
    }
    this.#expand(next, keys);
  }

  #parallel(found: readonly Found[]): CommandError {
    const names = this.#fields.filter((_, i) => {
      const one = found[i];
      return one !== undefined && this.#stopsAtArray(one, i);
    });
    const texts = names.map((field) => `[${field.path.split('.').at(-1) ?? ''}]`).reverse();
    return new CommandError(171, `cannot index parallel arrays ${texts.slice(0, 2).join(' ')}`);
  }
}

/** Turns an array's element into the value of the field; a depth past the end keeps it from being expanded again. */
function takeElement(found: Found, element: ElementReader | undefined, length: number): void {
  found.depth = length + 1;
  if (element === undefined) {
    found.type = BSON_TYPE.undefined;
    found.start = 0;
    found.end = 0;
    return;
  }
  found.type = element.type;
  found.start = element.start;
  found.end = element.end;
}

function viewOf(found: Found): RawValue {
  return found.isMissing ? RAW_NULL : new RawValue(found.type, found.bytes, found.start, found.end);
}

function newFound(): Found {
  return { type: 0, bytes: EMPTY_DOCUMENT, start: 0, end: 0, depth: 0, isMissing: true };
}

/** '0' or digits without a leading zero. */
function isPosition(segment: Uint8Array): boolean {
  if (segment.length === 0) return false;
  if (segment[0] === 0x30) return segment.length === 1;
  return segment.every((byte) => byte >= 0x30 && byte <= 0x39);
}

/** An array of a million elements gives as many keys: they are sorted, not compared each with each. */
function sortedSet(keys: Uint8Array[]): Uint8Array[] {
  if (keys.length < 2) return keys;
  keys.sort(compareBytes);
  return keys.filter((key, i) => i === 0 || !equalBytes(key, keys[i - 1]));
}
