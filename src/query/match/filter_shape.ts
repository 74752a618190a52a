/**
 * The shape of a filter as bytes: which fields are compared in which way with values of which types. Filters of one shape
 * differ in values alone, and only in such as make no difference to how a query is planned; where these stand are the
 * shape's *holes*. Any other value belongs to the shape.
 *
 * Not every filter has a shape: those with operators on whole documents or with conditions that an index of its own kind
 * answers, and large ones, have none.
 */
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType, type ValueSpan } from '../../bson/types.ts';
import { numberOf } from '../../bson/value.ts';

/** Longer shapes are not made. */
const SHAPE_BYTES_MAX = 1024;

/** More holes have no shape. */
const HOLES_MAX = 16;

const DOLLAR = 0x24;

/** What stands behind the name of a field. */
const EQUALITY = 1;
const OPERATORS = 2;
const CONSTANT = 3;
const END = 0;

/** Behind the name of an operator whose operand is a hole; a constant has {@link CONSTANT}. */
const HOLE = 1;

/** Lists of none, of one, of more values. */
const LIST_SIZES_TOLD = 2;

/** Types whose values as operands mean just themselves. */
const PLAIN = new Uint8Array(256);
for (const type of [
  BSON_TYPE.double,
  BSON_TYPE.string,
  BSON_TYPE.binData,
  BSON_TYPE.objectId,
  BSON_TYPE.bool,
  BSON_TYPE.date,
  BSON_TYPE.int32,
  BSON_TYPE.timestamp,
  BSON_TYPE.int64,
  BSON_TYPE.decimal128,
]) {
  PLAIN[type] = 1;
}

/** How an operand is taken. */
type Operand = 'value' | 'orderedValue' | 'list' | 'constant';

/** The operators that filters with a shape may have, by the length of their names. */
const OPERANDS: { readonly name: Uint8Array; readonly operand: Operand }[][] = [];

function operators(operand: Operand, ...names: readonly string[]): void {
  for (const text of names) {
    const name = fieldName(text);
    (OPERANDS[name.length] ??= []).push({ name, operand });
  }
}

operators('value', '$eq');
operators('orderedValue', '$gt', '$gte', '$lt', '$lte');
operators('list', '$in');
operators('constant', '$ne', '$nin', '$exists', '$type', '$size', '$not', '$regex', '$options', '$mod', '$all');

/** Where in a filter a value is that its shape leaves out. An array is a list of such values. */
export interface Hole {
  type: number;
  /** The value is [start, end). */
  start: number;
  end: number;
}

/** Writes shapes, and what else belongs to the shape of a query around its filter; reused. */
export class ShapeWriter {
  /** The shape is [0, length). */
  bytes = new Uint8Array(SHAPE_BYTES_MAX);
  length = 0;
  hash = 0;
  /** The first `holeCount` of these are holes of the filter, in the order in which they stand there. */
  readonly holes: Hole[] = Array.from({ length: HOLES_MAX }, () => ({ type: 0, start: 0, end: 0 }));
  holeCount = 0;
  readonly #reader = new ElementReader();
  readonly #inner = new ElementReader();
  readonly #items = new ElementReader();

  reset(): this {
    this.length = 0;
    this.hash = 0;
    this.holeCount = 0;
    return this;
  }

  byte(value: number): void {
    this.bytes[this.length++] = value;
    this.hash = Math.imul(this.hash ^ value, 0x0100_0193);
  }

  /** False when the shape would become too long. */
  range(bytes: Uint8Array, start: number, end: number): boolean {
    // Some room is left for single bytes, of which few follow each other.
    if (this.length + end - start > SHAPE_BYTES_MAX - 64) return false;
    const to = this.bytes;
    let { length, hash } = this;
    for (let i = start; i < end; i++) {
      const byte = bytes[i];
      to[length++] = byte;
      hash = Math.imul(hash ^ byte, 0x0100_0193);
    }
    this.length = length;
    this.hash = hash;
    return true;
  }

  /** Adds the shape of a filter, a whole document. False when it has none. */
  filter(bytes: Uint8Array): boolean {
    const reader = this.#reader.reset(bytes, 0);
    while (reader.next()) {
      if (bytes[reader.nameStart] === DOLLAR) return false;
      if (!this.range(bytes, reader.nameStart, reader.nameEnd + 1) || !this.#condition(reader)) return false;
    }
    this.byte(END);
    return true;
  }

  #condition(value: ElementReader): boolean {
    const { bytes, type, start, end } = value;
    if (PLAIN[type] === 1) {
      this.byte(EQUALITY);
      return this.#hole(type, start, end);
    }
    if (type === BSON_TYPE.object && bytes[start + 4] !== 0 && bytes[start + 5] === DOLLAR) {
      this.byte(OPERATORS);
      return this.#operators(bytes, start);
    }
    this.byte(CONSTANT);
    this.byte(type);
    return this.range(bytes, start, end);
  }

  #operators(bytes: Uint8Array, at: number): boolean {
    const reader = this.#inner.reset(bytes, at);
    while (reader.next()) {
      const operand = operandOf(reader);
      if (operand === undefined || !this.range(bytes, reader.nameStart, reader.nameEnd + 1)) return false;
      if (!this.#operand(reader, operand)) return false;
    }
    this.byte(END);
    return true;
  }

  #operand(value: ElementReader, operand: Operand): boolean {
    const { type, start, end } = value;
    if (operand === 'list' && type === BSON_TYPE.array) return this.#list(value);
    if (operand === 'constant' || operand === 'list' || PLAIN[type] !== 1) {
      this.byte(CONSTANT);
      this.byte(type);
      return this.range(value.bytes, start, end);
    }
    // Nothing is above or below NaN.
    if (operand === 'orderedValue' && isNumericType(type) && Number.isNaN(numberOf(value))) return false;
    this.byte(HOLE);
    return this.#hole(type, start, end);
  }

  #list({ bytes, type, start, end }: ValueSpan): boolean {
    const items = this.#items.reset(bytes, start);
    let count = 0;
    while (items.next()) {
      if (PLAIN[items.type] !== 1) return false;
      count += 1;
    }
    this.byte(HOLE);
    this.byte(Math.min(count, LIST_SIZES_TOLD));
    return this.#hole(type, start, end);
  }

  #hole(type: number, start: number, end: number): boolean {
    if (this.holeCount === HOLES_MAX) return false;
    this.byte(type);
    const hole = this.holes[this.holeCount++];
    hole.type = type;
    hole.start = start;
    hole.end = end;
    return true;
  }
}

function operandOf(reader: ElementReader): Operand | undefined {
  const candidates = OPERANDS[reader.nameEnd - reader.nameStart];
  if (candidates === undefined) return undefined;
  for (const { name, operand } of candidates) if (reader.nameEquals(name)) return operand;
  return undefined;
}
