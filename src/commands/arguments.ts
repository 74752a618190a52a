/** Walking the arguments of a command that has a fixed set of them. */
import { CommandError } from '../base/command_error.ts';
import { int32At } from '../bson/bytes.ts';
import { ElementReader } from '../bson/elements.ts';
import { BSON_TYPE, isNumericType, type ValueSpan } from '../bson/types.ts';
import { isTruthy, numberOf, stringOf, type RawValue } from '../bson/value.ts';
import { duplicateField, unknownField, wrongType } from './fields.ts';
import { isGenericArgument } from './request.ts';

const NONE: ReadonlySet<string> = new Set();

/** The subtype of binary data that is a UUID. */
const BINARY_UUID = 4;

const NUMERIC = ['long', 'int', 'decimal', 'double'] as const;

/**
 * Stops at each argument in turn; the accessors are about the one it stopped at and throw TypeMismatch (14) in the
 * words of MongoDB's strict parsers. `path` is what messages call the document, as 'insert' or 'update.updates'.
 */
export class Arguments {
  readonly #path: string;
  readonly #reader: ElementReader;
  readonly #seen: string[] = [];
  readonly #isCommand: boolean;
  readonly #optional: ReadonlySet<string>;
  #name = '';

  /**
   * For a command's own body: its first element is the command itself and is passed over. Arguments among `optional` are
   * passed over, too, when they are null: that is the same as if they were not given.
   */
  static ofCommand(path: string, body: Uint8Array, optional: ReadonlySet<string> = NONE): Arguments {
    const found = new Arguments(path, body, 0, { isCommand: true, optional });
    found.#reader.next();
    return found;
  }

  /** For a document among the arguments. */
  static ofDocument(path: string, bytes: Uint8Array, at: number, optional: ReadonlySet<string> = NONE): Arguments {
    return new Arguments(path, bytes, at, { isCommand: false, optional });
  }

  private constructor(
    path: string,
    bytes: Uint8Array,
    at: number,
    { isCommand, optional }: { readonly isCommand: boolean; readonly optional: ReadonlySet<string> },
  ) {
    this.#path = path;
    this.#reader = new ElementReader(bytes, at);
    this.#isCommand = isCommand;
    this.#optional = optional;
  }

  get name(): string {
    return this.#name;
  }

  /** The current argument, until the next call of `next`. */
  get value(): ElementReader {
    return this.#reader;
  }

  /** Throws when a name appears twice. */
  next(): boolean {
    if (!this.#reader.next()) return false;
    this.#name = this.#reader.name();
    if (this.#seen.includes(this.#name)) {
      throw duplicateField(`${this.#isCommand ? 'APIParametersFromClient' : this.#path}.${this.#name}`);
    }
    this.#seen.push(this.#name);
    return this.#isLeftOut() ? this.next() : true;
  }

  #isLeftOut(): boolean {
    const { type } = this.#reader;
    return (type === BSON_TYPE.null || type === BSON_TYPE.undefined) && this.#optional.has(this.#name);
  }

  /** For names the command does not know; those that every command takes pass. */
  refuseUnknown(): void {
    if (this.#isCommand && isGenericArgument(this.#reader)) return;
    throw unknownField(`${this.#path}.${this.#name}`);
  }

  /** For what MongoDB knows and this program does not do. */
  refuseUnsupported(): never {
    throw new CommandError('NotImplemented', `the field '${this.#path}.${this.#name}' is not implemented`);
  }

  raw(): RawValue {
    return this.#reader.value();
  }

  /** A view of the document's bytes. */
  document(): Uint8Array {
    if (this.#reader.type !== BSON_TYPE.object) throw this.#wrongType('object');
    return this.#reader.bytes.subarray(this.#reader.start, this.#reader.end);
  }

  /** An array of documents, each as a view. */
  documents(): Uint8Array[] {
    const list: Uint8Array[] = [];
    const items = new ElementReader(this.#reader.bytes, this.arrayStart());
    for (let i = 0; items.next(); i++) {
      if (items.type !== BSON_TYPE.object) throw wrongType(`${this.#fieldPath}.${i}`, items, 'object');
      list.push(items.bytes.subarray(items.start, items.end));
    }
    return list;
  }

  /** The offset of an array whose names are '0', '1', … */
  arrayStart(): number {
    const reader = this.#reader;
    if (reader.type === BSON_TYPE.object) {
      const items = new ElementReader(reader.bytes, reader.start);
      const name = items.next() ? items.name() : '';
      throw new CommandError(
        40_422,
        `BSON array field '${this.#fieldPath}' has an invalid value '${name}' for an array field name.`,
      );
    }
    if (reader.type !== BSON_TYPE.array) {
      throw new CommandError(10_065, `invalid parameter: expected an object (${this.#name})`);
    }
    return reader.start;
  }

  bool(): boolean {
    if (this.#reader.type !== BSON_TYPE.bool) throw this.#wrongType('bool');
    return this.#reader.bytes[this.#reader.start] !== 0;
  }

  /** A bool, or a number that stands for one. */
  flag(): boolean {
    const { type } = this.#reader;
    if (type !== BSON_TYPE.bool && !isNumericType(type)) throw this.#wrongType('bool', ...NUMERIC);
    return isTruthy(this.#reader);
  }

  string(): string {
    if (this.#reader.type !== BSON_TYPE.string) throw this.#wrongType('string');
    return stringOf(this.#reader);
  }

  /** A number cut off to a whole one. */
  integer(): number {
    if (!isNumericType(this.#reader.type)) throw this.#wrongType(...NUMERIC);
    const number = Math.trunc(numberOf(this.#reader));
    return Number.isNaN(number) ? 0 : number;
  }

  int32(): number {
    if (this.#reader.type !== BSON_TYPE.int32) throw this.#wrongType('int');
    return int32At(this.#reader.bytes, this.#reader.start);
  }

  /** A whole number of statements' ids. */
  int32List(): number[] {
    const list: number[] = [];
    const items = new ElementReader(this.#reader.bytes, this.arrayStart());
    for (let i = 0; items.next(); i++) {
      if (items.type !== BSON_TYPE.int32) throw wrongType(`${this.#fieldPath}.${i}`, items, 'int');
      list.push(int32At(items.bytes, items.start));
    }
    return list;
  }

  stringList(): string[] {
    const list: string[] = [];
    const items = new ElementReader(this.#reader.bytes, this.arrayStart());
    for (let i = 0; items.next(); i++) {
      if (items.type !== BSON_TYPE.string) throw wrongType(`${this.#fieldPath}.${i}`, items, 'string');
      list.push(stringOf(items));
    }
    return list;
  }

  /** A hint: a name or a document. */
  hint(): RawValue {
    const { type } = this.#reader;
    if (type !== BSON_TYPE.string && type !== BSON_TYPE.object) {
      throw new CommandError('FailedToParse', 'Hint must be a string or an object');
    }
    return this.raw();
  }

  /** A UUID, as binary data of its subtype. */
  uuid(): RawValue {
    const reader = this.#reader;
    if (reader.type !== BSON_TYPE.binData) throw this.#wrongType('binData');
    const isUuid = reader.bytes[reader.start + 4] === BINARY_UUID && int32At(reader.bytes, reader.start) === 16;
    if (isUuid) return this.raw();
    const text = `BSON field '${this.#fieldPath}' is the wrong binData type, expected type 'UUID'`;
    throw new CommandError('TypeMismatch', text);
  }

  #wrongType(...expected: readonly string[]): CommandError {
    return wrongType(this.#fieldPath, this.#reader, ...expected);
  }

  get #fieldPath(): string {
    return `${this.#path}.${this.#name}`;
  }
}

/** find's `skip`, `limit` and `batchSize`: numbers that are not negative, cut off to whole ones. */
export function nonNegative(label: string, value: ValueSpan, field: string): number {
  if (!isNumericType(value.type)) {
    throw new CommandError('FailedToParse', `Failed to parse: ${field}: '${field}' field must be numeric.`);
  }
  const number = Math.trunc(numberOf(value));
  if (number >= 0) return number;
  throw new CommandError('BadValue', `${label} value must be non-negative, but received: ${number}`);
}
