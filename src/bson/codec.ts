/**
 * Documents as JavaScript values, for the edges: configuration documents, small replies, tools. Never on a hot path.
 *
 * JavaScript objects reorder integer-like names and drop repeated ones, so stored documents of users do not pass
 * through here.
 */
import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Code,
  DBRef,
  Decimal128,
  Double,
  MaxKey,
  MinKey,
  ObjectId,
  serialize,
  Timestamp,
  UUID,
} from 'bson';
import { CommandError } from '../base/command_error.ts';
import { copyRange, doubleAt, int32At, int64AsNumberAt, int64At, textOf, uint64At } from './bytes.ts';
import { ElementReader } from './elements.ts';
import { BSON_TYPE, type ValueSpan } from './types.ts';
import { stringOf } from './value.ts';

const UUID_SUBTYPE = 4;
const OLD_BINARY_SUBTYPE = 2;

/**
 * A whole number in the range of int32 becomes int32, every other number a double; bigint becomes int64; `Double`
 * forces a double. Fields that are undefined are left out. The result is a plain array of its own.
 */
export function encodeDocument(document: object): Uint8Array {
  const bytes = serialize(document, { ignoreUndefined: true });
  return copyRange(bytes, 0, bytes.length);
}

/**
 * Encoding the result gives the same bytes again, the reordering above and the types `undefined` and DBPointer aside:
 * int32 and fractional doubles are numbers, whole doubles are `Double`, int64 is bigint; dates are `Date`; the other
 * types are the classes of the package `bson`, which copy their bytes.
 */
export function decodeDocument(bytes: Uint8Array, at = 0): Record<string, unknown> {
  return decodeFields(bytes, at, false);
}

/** As {@link decodeDocument}, with every double and every safe int64 as a number: to read, not to encode again. */
export function decodePlain(bytes: Uint8Array, at = 0): Record<string, unknown> {
  return decodeFields(bytes, at, true);
}

/** One value, as {@link decodeDocument} has it. */
export function decodeValue(value: ValueSpan): unknown {
  return decode(value, false);
}

function decodeFields(bytes: Uint8Array, at: number, plain: boolean): Record<string, unknown> {
  const document: Record<string, unknown> = {};
  const reader = new ElementReader(bytes, at);
  while (reader.next()) {
    const name = reader.name();
    const value = decode(reader, plain);
    if (name === '__proto__') {
      Object.defineProperty(document, name, { value, enumerable: true, configurable: true, writable: true });
    } else {
      document[name] = value;
    }
  }
  return document;
}

function decodeItems(bytes: Uint8Array, at: number, plain: boolean): unknown[] {
  const items: unknown[] = [];
  const reader = new ElementReader(bytes, at);
  while (reader.next()) items.push(decode(reader, plain));
  return items;
}

function decode(value: ValueSpan, plain: boolean): unknown {
  const { bytes, start, end } = value;
  switch (value.type) {
    case BSON_TYPE.double:
      return decodeDouble(doubleAt(bytes, start), plain);
    case BSON_TYPE.int32:
      return int32At(bytes, start);
    case BSON_TYPE.int64:
      return decodeInt64(value, plain);
    case BSON_TYPE.string:
      return stringOf(value);
    case BSON_TYPE.object:
      return decodeFields(bytes, start, plain);
    case BSON_TYPE.array:
      return decodeItems(bytes, start, plain);
    case BSON_TYPE.bool:
      return bytes[start] !== 0;
    case BSON_TYPE.date:
      return new Date(int64AsNumberAt(bytes, start));
    case BSON_TYPE.null:
      return null;
    case BSON_TYPE.undefined:
      return undefined;
    case BSON_TYPE.objectId:
      return new ObjectId(copyRange(bytes, start, end));
    case BSON_TYPE.timestamp:
      return new Timestamp(uint64At(bytes, start));
    default:
      return decodeRare(value);
  }
}

function decodeRare(value: ValueSpan): unknown {
  const { bytes, start, end } = value;
  switch (value.type) {
    case BSON_TYPE.binData:
      return decodeBinary(value);
    case BSON_TYPE.decimal128:
      return new Decimal128(copyRange(bytes, start, end));
    case BSON_TYPE.regex:
      return decodeRegex(value);
    case BSON_TYPE.symbol:
      return new BSONSymbol(stringOf(value));
    case BSON_TYPE.javascript:
      return new Code(stringOf(value));
    case BSON_TYPE.javascriptWithScope: {
      const codeEnd = start + 8 + int32At(bytes, start + 4);
      return new Code(textOf(bytes, start + 8, codeEnd - 1), decodeFields(bytes, codeEnd, false));
    }
    case BSON_TYPE.dbPointer:
      return new DBRef(textOf(bytes, start + 4, end - 13), new ObjectId(copyRange(bytes, end - 12, end)));
    case BSON_TYPE.minKey:
      return new MinKey();
    default:
      return new MaxKey();
  }
}

/** The class takes known options only; documents may hold any. */
function decodeRegex({ bytes, start, end }: ValueSpan): BSONRegExp {
  const patternEnd = bytes.indexOf(0, start);
  const options = textOf(bytes, patternEnd + 1, end - 1);
  if (!/^[imxlsu]*$/.test(options)) {
    throw new CommandError('BadValue', `invalid options of a regular expression: ${options}`);
  }
  return new BSONRegExp(textOf(bytes, start, patternEnd), options);
}

function decodeDouble(value: number, plain: boolean): unknown {
  return plain || !Number.isInteger(value) ? value : new Double(value);
}

function decodeInt64(value: ValueSpan, plain: boolean): unknown {
  const near = int64AsNumberAt(value.bytes, value.start);
  return plain && Number.isSafeInteger(near) ? near : int64At(value.bytes, value.start);
}

function decodeBinary(value: ValueSpan): Binary {
  const { bytes, start, end } = value;
  const subtype = bytes[start + 4];
  if (subtype === UUID_SUBTYPE && end - start === 21) return new UUID(copyRange(bytes, start + 5, end));
  // The old form repeats its length; the class keeps the data alone.
  const dataStart = subtype === OLD_BINARY_SUBTYPE ? start + 9 : start + 5;
  return new Binary(copyRange(bytes, dataStart, end), subtype);
}
