/**
 * Sort keys of documents. A field that holds an array sorts by its smallest element, or descending by its largest; the
 * fields of a compound sort that meet in one array take their values from the same element. The rules are those of
 * index keys: an empty array counts as undefined, a missing field as null.
 */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader, findElement, isEmptyDocument, valueEnd } from '../../bson/elements.ts';
import { BSON_TYPE, type ValueSpan } from '../../bson/types.ts';
import { RAW_NULL, RAW_UNDEFINED } from '../../bson/value.ts';
import { filterPath, type FilterPath } from '../match/path.ts';
import { MovableSpan } from '../match/span.ts';

export interface SortKeyField {
  readonly path: string;
  readonly descending: boolean;
  /** Set when the field is not one of the document: gives its value for the array that holds the document. */
  readonly known?: (document: Uint8Array) => ValueSpan | undefined;
}

/** Where the walk along one field's path stands. */
type Place =
  | { readonly kind: 'value'; readonly value: ValueSpan }
  /** An array on the path; `rest` is the index of the component after it, the path's length when it is the end. */
  | { readonly kind: 'array'; readonly start: number; readonly rest: number };

const MISSING_PLACE: Place = { kind: 'value', value: RAW_NULL };

/** What keys are written with; `finish` gives bytes of their own. */
export interface KeySink {
  reset(): this;
  append(value: ValueSpan, descending: boolean): this;
  finish(): Uint8Array;
}

export class SortKeyMaker {
  readonly #fields: readonly SortKeyField[];
  readonly #paths: readonly FilterPath[];
  readonly #writer: KeySink;
  readonly #compare: (a: Uint8Array, b: Uint8Array) => number;
  readonly #span = new MovableSpan();
  /** Sorted by `_id` alone, which is never an array in a collection, values are taken as they are. */
  readonly #isWhole: boolean;

  constructor(fields: readonly SortKeyField[], writer: KeySink, compare: (a: Uint8Array, b: Uint8Array) => number) {
    this.#fields = fields;
    this.#paths = fields.map((field) => filterPath(field.path));
    this.#writer = writer;
    this.#compare = compare;
    this.#isWhole = fields.length === 1 && fields[0].path === '_id';
  }

  /** Owned by the caller. */
  key(bytes: Uint8Array, at: number): Uint8Array {
    return this.#keyWithoutArrays(bytes, at) ?? this.#smallestKey(bytes, at);
  }

  /** Undefined when any of the paths meets an array. */
  #keyWithoutArrays(bytes: Uint8Array, at: number): Uint8Array | undefined {
    const writer = this.#writer.reset();
    for (let i = 0; i < this.#fields.length; i++) {
      const { descending, known } = this.#fields[i];
      const span = known === undefined ? this.#walk(this.#paths[i], bytes, at) : known(bytes);
      if (span === undefined) writer.append(RAW_NULL, descending);
      else if (span.type === BSON_TYPE.array && !this.#isWhole) return undefined;
      else writer.append(span, descending);
    }
    return writer.finish();
  }

  /** The value at the path, the first array on it, or undefined when there is neither. */
  #walk(path: FilterPath, bytes: Uint8Array, at: number): MovableSpan | undefined {
    let document = at;
    for (let i = 0; ; i++) {
      const name = path.names[i];
      const element = findElement(bytes, document, name);
      if (element < 0) return undefined;
      const type = bytes[element];
      const start = element + name.length + 2;
      if (type === BSON_TYPE.array || i === path.names.length - 1) {
        return this.#span.set(bytes, type, start, valueEnd(type, bytes, start));
      }
      if (type !== BSON_TYPE.object) return undefined;
      document = start;
    }
  }

  #smallestKey(bytes: Uint8Array, at: number): Uint8Array {
    let smallest: Uint8Array | undefined;
    const places = this.#paths.map((path, i) => {
      const { known } = this.#fields[i];
      if (known === undefined) return placeIn(path, 0, bytes, at);
      return { kind: 'value' as const, value: known(bytes) ?? RAW_NULL };
    });
    this.#expand(places, bytes, (values) => {
      const key = this.#keyOf(values);
      if (smallest === undefined || this.#compare(key, smallest) < 0) smallest = key;
    });
    return smallest ?? this.#keyOf(this.#fields.map(() => RAW_NULL));
  }

  #keyOf(values: readonly ValueSpan[]): Uint8Array {
    const writer = this.#writer.reset();
    for (const [i, value] of values.entries()) writer.append(value, this.#fields[i].descending);
    return writer.finish();
  }

  /** Calls `visit` with each combination of values. */
  #expand(places: readonly Place[], bytes: Uint8Array, visit: (values: readonly ValueSpan[]) => void): void {
    const array = places.find((place) => place.kind === 'array');
    if (array === undefined) {
      visit(places.map((place) => (place.kind === 'value' ? place.value : RAW_NULL)));
      return;
    }
    for (const place of places) {
      if (place.kind === 'array' && place.start !== array.start) {
        throw new CommandError('BadValue', 'cannot sort with keys that are parallel arrays');
      }
    }
    const reader = new ElementReader(bytes, array.start);
    let isEmpty = true;
    while (reader.next()) {
      isEmpty = false;
      this.#expand(this.#placesIn(places, reader), bytes, visit);
    }
    if (isEmpty) this.#expand(this.#placesIn(places, undefined), bytes, visit);
  }

  /** The places after the array that some of them stand at was replaced by one of its elements, undefined if empty. */
  #placesIn(places: readonly Place[], element: ElementReader | undefined): Place[] {
    return places.map((place, i) => {
      if (place.kind === 'value') return place;
      const path = this.#paths[i];
      const isEnd = place.rest === path.names.length;
      if (element === undefined) return isEnd ? { kind: 'value', value: RAW_UNDEFINED } : MISSING_PLACE;
      if (isEnd) return { kind: 'value', value: element.value() };
      const indexed = indexedPlace(path, place.rest, element.bytes, place.start);
      if (indexed !== undefined) return indexed;
      return element.type === BSON_TYPE.object
        ? placeIn(path, place.rest, element.bytes, element.start)
        : MISSING_PLACE;
    });
  }
}

/** Follows the path from component `i` in the document at `at`, up to its end or the first array. */
function placeIn(path: FilterPath, i: number, bytes: Uint8Array, at: number): Place {
  const name = path.names[i];
  const element = findElement(bytes, at, name);
  if (element < 0) return MISSING_PLACE;
  const span = new MovableSpan();
  const start = element + name.length + 2;
  span.set(bytes, bytes[element], start, valueEnd(bytes[element], bytes, start));
  if (span.type === BSON_TYPE.array) return { kind: 'array', start, rest: i + 1 };
  return placeAfter(path, i, span);
}

/** The place for the value of component `i`, which is not expanded even when it is an array. */
function placeAfter(path: FilterPath, i: number, value: ValueSpan): Place {
  if (i === path.names.length - 1) return { kind: 'value', value };
  return value.type === BSON_TYPE.object ? placeIn(path, i + 1, value.bytes, value.start) : MISSING_PLACE;
}

/**
 * The element of the array at `start` that component `i` names by its index, when it does. An array there is not
 * expanded at the end of the path, but an empty one counts as undefined all the same.
 */
function indexedPlace(path: FilterPath, i: number, bytes: Uint8Array, start: number): Place | undefined {
  const wanted = path.indexes[i];
  if (wanted < 0) return undefined;
  const reader = new ElementReader(bytes, start);
  for (let index = 0; reader.next(); index++) {
    if (index !== wanted) continue;
    const isArray = reader.type === BSON_TYPE.array;
    if (isArray && i < path.names.length - 1) return { kind: 'array', start: reader.start, rest: i + 1 };
    if (isArray && isEmptyDocument(bytes, reader.start)) return { kind: 'value', value: RAW_UNDEFINED };
    return placeAfter(path, i, reader.value());
  }
  return undefined;
}
