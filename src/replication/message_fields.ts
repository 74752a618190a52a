/** Reading messages of other members without decoding them. What is malformed throws a CommandError. */
import { CommandError } from '../base/command_error.ts';
import { isTerm, type OpTime, type Term, type Timestamp } from '../base/optime.ts';
import { unixMs, type UnixMs } from '../base/units.ts';
import { ElementReader } from '../bson/elements.ts';
import { readOpTime, timestampFromRaw } from '../bson/optime.ts';
import { BSON_TYPE, isNumericType, type ValueSpan } from '../bson/types.ts';
import { dateOf, isTruthy, maybeStringOf, numberOf } from '../bson/value.ts';
import type { Position } from './progress.ts';

/** The fields of one small document, found by walking it: there are few, and they come in any order. */
export class Fields {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #what: string;
  readonly #reader = new ElementReader();

  /** `what`: where the document stands in its message, for errors; '' for the message itself. */
  constructor({ bytes, start }: Pick<ValueSpan, 'bytes' | 'start'>, what: string) {
    this.#bytes = bytes;
    this.#start = start;
    this.#what = what;
  }

  optionalNumber(name: Uint8Array): number | undefined {
    const found = this.#find(name);
    if (found === undefined) return undefined;
    if (!isNumericType(found.type)) throw this.#wrong(name, 'number');
    const number = numberOf(found);
    if (!Number.isSafeInteger(number)) throw this.#wrong(name, 'whole number');
    return number;
  }

  term(name: Uint8Array): Term | undefined {
    const number = this.optionalNumber(name);
    if (number === undefined || isTerm(number)) return number;
    throw this.#wrong(name, 'term');
  }

  number(name: Uint8Array): number {
    const number = this.optionalNumber(name);
    if (number === undefined) throw this.#missing(name);
    return number;
  }

  requiredTerm(name: Uint8Array): Term {
    const term = this.term(name);
    if (term === undefined) throw this.#missing(name);
    return term;
  }

  flag(name: Uint8Array): boolean {
    const found = this.#find(name);
    return found !== undefined && isTruthy(found);
  }

  /** '' when absent. */
  text(name: Uint8Array): string {
    const found = this.#find(name);
    return (found === undefined ? undefined : maybeStringOf(found)) ?? '';
  }

  optionalText(name: Uint8Array): string | undefined {
    const found = this.#find(name);
    if (found === undefined) return undefined;
    const text = maybeStringOf(found);
    if (text === undefined) throw this.#wrong(name, 'string');
    return text;
  }

  requiredText(name: Uint8Array): string {
    const text = this.optionalText(name);
    if (text === undefined) throw this.#missing(name);
    return text;
  }

  /** The value of a field that is a document; it changes with the next question. */
  document(name: Uint8Array): ValueSpan | undefined {
    const found = this.#find(name);
    return found?.type === BSON_TYPE.object ? found : undefined;
  }

  /** The 64 bits of a timestamp in a date, as `electionTime` has them. */
  timestampInDate(name: Uint8Array): Timestamp | undefined {
    const found = this.#find(name);
    return found?.type === BSON_TYPE.date ? timestampFromRaw(found) : undefined;
  }

  objectId(name: Uint8Array): string | undefined {
    const found = this.#find(name);
    if (found?.type !== BSON_TYPE.objectId) return undefined;
    return hexOf(found.bytes, found.start, found.end);
  }

  optime(name: Uint8Array): OpTime | undefined {
    const found = this.#find(name);
    if (found === undefined) return undefined;
    const optime = readOpTime(found);
    if (optime === undefined) throw this.#wrong(name, 'object');
    return optime;
  }

  requiredOptime(name: Uint8Array): OpTime {
    const optime = this.optime(name);
    if (optime === undefined) throw this.#missing(name);
    return optime;
  }

  position(name: Uint8Array, wall: Uint8Array): Position {
    return { optime: this.requiredOptime(name), wall: this.#date(wall) };
  }

  /** Undefined when there is no such optime. */
  optionalPosition(name: Uint8Array, wall: Uint8Array): Position | undefined {
    return this.#find(name) === undefined ? undefined : this.position(name, wall);
  }

  #date(name: Uint8Array): UnixMs {
    const found = this.#find(name);
    return unixMs(found?.type === BSON_TYPE.date ? dateOf(found) : 0);
  }

  #find(name: Uint8Array): ElementReader | undefined {
    const reader = this.#reader;
    reader.reset(this.#bytes, this.#start);
    while (reader.next()) if (reader.nameEquals(name)) return reader;
    return undefined;
  }

  #missing(name: Uint8Array): CommandError {
    return new CommandError('NoSuchKey', `Missing expected field "${this.#path(name)}"`);
  }

  #wrong(name: Uint8Array, expected: string): CommandError {
    return wrongType(this.#path(name), expected);
  }

  #path(name: Uint8Array): string {
    return this.#what === '' ? textOfName(name) : `${this.#what}.${textOfName(name)}`;
  }
}

export function wrongType(path: string, expected: string): CommandError {
  return new CommandError('TypeMismatch', `Expected field "${path}" to have type ${expected}`);
}

function textOfName(name: Uint8Array): string {
  return String.fromCharCode(...name);
}

/** Two digits each. */
const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function hexOf(bytes: Uint8Array, start: number, end: number): string {
  let hex = '';
  for (let at = start; at < end; at += 1) hex += HEX_OF_BYTE[bytes[at]];
  return hex;
}
