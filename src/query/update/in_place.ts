/**
 * The commonest updates, made fast: a few `$set` and `$inc` of top-level fields that exist already and whose new value
 * takes as many bytes as the old one. A copy of the document is patched and the entry is written beside it. Whatever is
 * not exactly that case is left to the general way, which decides and reports everything else.
 */
import {
  doubleAt,
  fieldName,
  int32At,
  int64AsNumberAt,
  writeDouble,
  writeInt32,
  writeInt64Number,
} from '../../bson/bytes.ts';
import { ElementReader, findElement } from '../../bson/elements.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { UpdateResult } from './context.ts';
import { compareComponents } from './tree.ts';

export interface InPlaceUpdate {
  /** Undefined: not this time, take the general way. */
  apply(document: Uint8Array): UpdateResult | undefined;
}

/** More fields than this are not worth looking for one by one. */
const FIELDS_MAX = 8;

const NOOP: UpdateResult = { kind: 'noop' };

const VERSION = fieldName('$v');
const DIFF = fieldName('diff');
const REPLACES = fieldName('u');

/** Sizes of the values that may be set in place, by type. */
const SIZES: ReadonlyMap<number, number> = new Map([
  [BSON_TYPE.double, 8],
  [BSON_TYPE.objectId, 12],
  [BSON_TYPE.bool, 1],
  [BSON_TYPE.date, 8],
  [BSON_TYPE.int32, 4],
  [BSON_TYPE.timestamp, 8],
  [BSON_TYPE.int64, 8],
]);

interface Patch {
  readonly component: string;
  readonly name: Uint8Array;
  readonly operation: 'set' | 'inc';
  readonly operand: RawValue;
  /** The operand of `$inc`, when it is an exact int32. */
  readonly increment: number;
}

/** Undefined when the update can never be made in place. */
export function parseInPlace(update: RawValue): InPlaceUpdate | undefined {
  const patches: Patch[] = [];
  const reader = new ElementReader(update.bytes, update.start);
  while (reader.next()) {
    const modifier = reader.name();
    if (modifier !== '$set' && modifier !== '$inc') return undefined;
    const fields = new ElementReader(reader.bytes, reader.start);
    while (fields.next()) {
      const patch = parsePatch(modifier === '$set' ? 'set' : 'inc', fields);
      if (patch === undefined) return undefined;
      patches.push(patch);
    }
  }
  if (patches.length === 0 || patches.length > FIELDS_MAX) return undefined;
  return new Patcher(patches.toSorted((a, b) => compareComponents(a.component, b.component)));
}

function parsePatch(operation: 'set' | 'inc', field: ElementReader): Patch | undefined {
  const component = field.name();
  if (component === '_id' || component.includes('.') || component.startsWith('$')) return undefined;
  if (operation === 'set' ? !SIZES.has(field.type) : !isSmallInteger(field)) return undefined;
  const increment = operation === 'inc' ? int32At(field.bytes, field.start) : 0;
  return { component, name: fieldName(component), operation, operand: field.value(), increment };
}

/** An int32, or an int64 that would widen an int32 field and therefore is not taken. */
function isSmallInteger(field: ElementReader): boolean {
  return field.type === BSON_TYPE.int32;
}

class Patcher implements InPlaceUpdate {
  readonly #patches: readonly Patch[];
  readonly #writer = new BsonWriter(128);
  /** Offsets of the values found in the document at hand; one per patch. */
  readonly #places: Int32Array;

  constructor(patches: readonly Patch[]) {
    this.#patches = patches;
    this.#places = new Int32Array(patches.length);
  }

  apply(document: Uint8Array): UpdateResult | undefined {
    if (!this.#findPlaces(document)) return undefined;
    const patched = document.slice();
    const writer = this.#writer
      .reset()
      .startDocument()
      .int32(VERSION, 2)
      .startSubdocument(DIFF)
      .startSubdocument(REPLACES);
    const emptyLength = writer.length;
    for (let i = 0; i < this.#patches.length; i++) {
      const patch = this.#patches[i];
      const at = this.#places[i];
      const type = document[at - patch.name.length - 2];
      if (!patchValue(patch, type, patched, at)) continue;
      const start = at - patch.name.length - 2;
      writer.element(patched, start, at + sizeOf(type));
    }
    if (writer.length === emptyLength) return NOOP;
    return { kind: 'changed', document: patched, diff: writer.end().end().endDocument().finish() };
  }

  #findPlaces(document: Uint8Array): boolean {
    for (let i = 0; i < this.#patches.length; i++) {
      const patch = this.#patches[i];
      const element = findElement(document, 0, patch.name);
      if (element < 0) return false;
      const at = element + patch.name.length + 2;
      if (!isPatchable(patch, document[element], document, at)) return false;
      this.#places[i] = at;
    }
    return true;
  }
}

function sizeOf(type: number): number {
  return SIZES.get(type) ?? 0;
}

/** Whether the new value has the type of the old one. */
function isPatchable(patch: Patch, type: number, document: Uint8Array, at: number): boolean {
  if (patch.operation === 'set') return type === patch.operand.type;
  switch (type) {
    case BSON_TYPE.int32: {
      const sum = int32At(document, at) + patch.increment;
      return sum === (sum | 0);
    }
    case BSON_TYPE.int64:
      return Number.isSafeInteger(int64AsNumberAt(document, at) + patch.increment) && isSafeInt64(document, at);
    default:
      return type === BSON_TYPE.double;
  }
}

function isSafeInt64(document: Uint8Array, at: number): boolean {
  return Number.isSafeInteger(int64AsNumberAt(document, at));
}

/** Writes the new value at `at`; false when it is the old one. */
function patchValue(patch: Patch, type: number, bytes: Uint8Array, at: number): boolean {
  if (patch.operation === 'set') return copyInto(patch.operand, bytes, at);
  switch (type) {
    case BSON_TYPE.int32:
      writeInt32(bytes, at, int32At(bytes, at) + patch.increment);
      return patch.increment !== 0;
    case BSON_TYPE.int64:
      writeInt64Number(bytes, at, int64AsNumberAt(bytes, at) + patch.increment);
      return patch.increment !== 0;
    default: {
      const before = doubleAt(bytes, at);
      const after = before + patch.increment;
      if (before === after) return false;
      writeDouble(bytes, at, after);
      return true;
    }
  }
}

function copyInto(value: RawValue, bytes: Uint8Array, at: number): boolean {
  let changed = false;
  for (let i = 0; i < value.end - value.start; i++) {
    if (bytes[at + i] === value.bytes[value.start + i]) continue;
    bytes[at + i] = value.bytes[value.start + i];
    changed = true;
  }
  return changed;
}
