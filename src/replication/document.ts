/** Reading decoded documents: configurations and the messages between members. */
import { Decimal128, Double, Int32, ObjectId, Timestamp } from 'bson';
import { CommandError } from '../base/command_error.ts';
import { isTerm, TERM_UNINITIALIZED, type Term } from '../base/optime.ts';

/** A document as `bson/codec.ts` decodes it: int64 is a bigint, double a `Double`. */
export type PlainDocument = Readonly<Record<string, unknown>>;

/** Anything with BSON's numeric types, as a number; undefined for everything else. */
export function numberIn(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Double || value instanceof Int32) return Number(value.value);
  if (value instanceof Decimal128) return Number(value.toString());
  return undefined;
}

/** A document of fields, not one of the value classes of the package `bson`. */
export function isSubdocument(value: unknown): value is PlainDocument {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return !('_bsontype' in value) && !(value instanceof Date);
}

/** MongoDB's name of a decoded value's type, as its error messages have it. */
export function typeNameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value instanceof Date) return 'date';
  if (value instanceof Double) return 'double';
  if (value instanceof Decimal128) return 'decimal';
  if (value instanceof ObjectId) return 'objectId';
  if (value instanceof Timestamp) return 'timestamp';
  switch (typeof value) {
    case 'number':
      return Number.isInteger(value) ? 'int' : 'double';
    case 'bigint':
      return 'long';
    case 'boolean':
      return 'bool';
    default:
      return typeof value;
  }
}

/** A whole number; so are all numbers in the messages between members. */
export function requiredNumber(document: PlainDocument, name: string): number {
  const value = document[name];
  if (value === undefined) throw new CommandError('NoSuchKey', `Missing expected field "${name}"`);
  const number = numberIn(value);
  if (number === undefined) throw wrongType(name, 'number', value);
  if (!Number.isSafeInteger(number)) throw new CommandError('BadValue', `Field "${name}" must be a whole number`);
  return number;
}

export function requiredTerm(document: PlainDocument, name: string): Term {
  const term = requiredNumber(document, name);
  if (!isTerm(term)) throw new CommandError('BadValue', `Field "${name}" must be a term, not ${term}`);
  return term;
}

/** {@link TERM_UNINITIALIZED} when absent. */
export function optionalTerm(document: PlainDocument, name: string): Term {
  return document[name] === undefined ? TERM_UNINITIALIZED : requiredTerm(document, name);
}

export function requiredString(document: PlainDocument, name: string): string {
  const value = document[name];
  if (value === undefined) throw new CommandError('NoSuchKey', `Missing expected field "${name}"`);
  if (typeof value !== 'string') throw wrongType(name, 'string', value);
  return value;
}

export function optionalString(document: PlainDocument, name: string): string | undefined {
  return document[name] === undefined ? undefined : requiredString(document, name);
}

/** False when absent. Numbers count as MongoDB counts them: only zero is false. */
export function flag(document: PlainDocument, name: string): boolean {
  const value = document[name];
  if (value === undefined) return false;
  if (typeof value === 'boolean') return value;
  const number = numberIn(value);
  if (number === undefined) throw wrongType(name, 'boolean', value);
  return number !== 0;
}

export function requiredDocument(document: PlainDocument, name: string): PlainDocument {
  const value = document[name];
  if (value === undefined) throw new CommandError('NoSuchKey', `Missing expected field "${name}"`);
  if (!isSubdocument(value)) throw wrongType(name, 'object', value);
  return value;
}

function wrongType(name: string, expected: string, value: unknown): CommandError {
  return new CommandError(
    'TypeMismatch',
    `Expected field "${name}" to have type ${expected}, but found ${typeNameOf(value)}`,
  );
}
