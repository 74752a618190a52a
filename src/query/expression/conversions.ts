/** What a value of one type becomes in another. Throws ConversionFailure where it becomes nothing. */
import { CommandError } from '../../base/command_error.ts';
import { int64At } from '../../bson/bytes.ts';
import { BSON_TYPE, typeAlias } from '../../bson/types.ts';
import {
  integerOf,
  isTruthy,
  numberOf,
  rawBool,
  rawDouble,
  rawInt32,
  rawInt64,
  rawString,
  rawValue,
  stringOf,
  type RawValue,
} from '../../bson/value.ts';
import { isoText } from '../date/iso_text.ts';
import { parseDate } from '../date/parse.ts';
import { decimalOf, rawDecimal, decimalOfInteger } from '../number/decimal.ts';
import { parseDecimal, parseDouble, parseWhole } from '../number/parse_number.ts';
import { printedDecimal } from '../number/print_number.ts';
import { printedDouble } from '../number/print_double.ts';
import { isInt64 } from '../number/whole.ts';
import { binaryFromText, textFromBinary } from './binary_conversions.ts';
import type { ConversionTarget } from './conversion_target.ts';
import { instantOf, rawInstant } from './date_operand.ts';

function conversionFailure(message: string): CommandError {
  return new CommandError('ConversionFailure', message);
}

/** The value is not null. */
export function convertValue(value: RawValue, target: ConversionTarget): RawValue {
  switch (target.type) {
    case BSON_TYPE.bool:
      return rawBool(isTruthy(value));
    case BSON_TYPE.double:
    case BSON_TYPE.int32:
    case BSON_TYPE.int64:
    case BSON_TYPE.decimal128:
      return toNumber(value, target.type);
    case BSON_TYPE.string:
      return value.type === BSON_TYPE.binData ? textFromBinary(value, target) : toText(value);
    case BSON_TYPE.objectId:
      return toObjectId(value);
    case BSON_TYPE.date:
      return toDate(value);
    case BSON_TYPE.binData:
      return toBinary(value, target);
    default:
      throw unsupported(value, target.type);
  }
}

export function unsupported(value: RawValue, type: number): CommandError {
  const names = `from ${typeAlias(value.type)} to ${typeAlias(type)}`;
  return conversionFailure(`Unsupported conversion ${names} in $convert with no onError value`);
}

function overflow(): CommandError {
  return conversionFailure('Conversion would overflow target type in $convert with no onError value');
}

function toNumber(value: RawValue, type: number): RawValue {
  if (value.type === type) return value;
  switch (value.type) {
    case BSON_TYPE.bool:
      return fromWhole(BigInt(value.bytes[value.start]), type);
    case BSON_TYPE.date: {
      if (type === BSON_TYPE.int32) throw unsupported(value, type);
      return fromWhole(int64At(value.bytes, value.start), type);
    }
    case BSON_TYPE.string:
      return fromText(stringOf(value), type);
    case BSON_TYPE.int32:
    case BSON_TYPE.int64:
      return fromWhole(integerOf(value) ?? 0n, type);
    case BSON_TYPE.double:
    case BSON_TYPE.decimal128:
      return fromFraction(value, type);
    default:
      throw unsupported(value, type);
  }
}

function fromWhole(whole: bigint, type: number): RawValue {
  switch (type) {
    case BSON_TYPE.double:
      return rawDouble(Number(whole));
    case BSON_TYPE.decimal128:
      return rawDecimal(decimalOfInteger(whole));
    case BSON_TYPE.int32:
      if (BigInt.asIntN(32, whole) !== whole) throw overflow();
      return rawInt32(Number(whole));
    default:
      if (!isInt64(whole)) throw overflow();
      return rawInt64(whole);
  }
}

function fromText(text: string, type: number): RawValue {
  switch (type) {
    case BSON_TYPE.double:
      return rawDouble(parseDouble(text));
    case BSON_TYPE.decimal128:
      return rawDecimal(parseDecimal(text));
    default:
      return fromWhole(parseWhole(text), type);
  }
}

function fromFraction(value: RawValue, type: number): RawValue {
  switch (type) {
    case BSON_TYPE.double: {
      const near = numberOf(value);
      if (!Number.isFinite(near) && decimalOf(value).kind === 'finite') throw overflow();
      return rawDouble(near);
    }
    case BSON_TYPE.decimal128:
      return rawDecimal(decimalOf(value));
    default:
      return fromWhole(truncated(value, type), type);
  }
}

/** Cut off towards zero. A double must itself lie within the range, a decimal only what is left of it. */
function truncated(value: RawValue, type: number): bigint {
  const near = numberOf(value);
  if (Number.isNaN(near)) {
    throw conversionFailure('Attempt to convert NaN value to integer type in $convert with no onError value');
  }
  const decimal = value.type === BSON_TYPE.decimal128 ? decimalOf(value) : undefined;
  if (decimal === undefined ? !Number.isFinite(near) : decimal.kind === 'infinity') {
    throw conversionFailure('Attempt to convert infinity value to integer type in $convert with no onError value');
  }
  const whole = integerOf(value) ?? 0n;
  // At the ends of int64 the value may have been cut down to fit.
  const isCut = isInt64(whole + 1n) && isInt64(whole - 1n) ? false : Math.abs(near) >= 2 ** 63 && !isEnd(value, near);
  const isBeyond = type === BSON_TYPE.int32 && decimal === undefined && (near > 2 ** 31 - 1 || near < -(2 ** 31));
  if (isCut || isBeyond) throw overflow();
  return whole;
}

/** Whether a value that is near an end of int64 does lie within. */
function isEnd(value: RawValue, near: number): boolean {
  if (value.type === BSON_TYPE.double) return near === -(2 ** 63);
  const { coefficient, exponent, negative } = decimalOf(value);
  if (exponent > 0) return false;
  const size = coefficient / 10n ** BigInt(-exponent);
  return negative ? size <= 2n ** 63n : size < 2n ** 63n;
}

function toText(value: RawValue): RawValue {
  switch (value.type) {
    case BSON_TYPE.string:
      return value;
    case BSON_TYPE.bool:
      return rawString(isTruthy(value) ? 'true' : 'false');
    case BSON_TYPE.int32:
    case BSON_TYPE.int64:
      return rawString(String(integerOf(value) ?? 0n));
    case BSON_TYPE.double: {
      const number = numberOf(value);
      return rawString(Number.isFinite(number) ? printedDouble(number) : String(number));
    }
    case BSON_TYPE.decimal128:
      return rawString(printedDecimal(value));
    case BSON_TYPE.date:
      return rawString(isoText(int64At(value.bytes, value.start)));
    case BSON_TYPE.objectId: {
      const hex = [...value.bytes.subarray(value.start, value.end)].map((byte) => byte.toString(16).padStart(2, '0'));
      return rawString(hex.join(''));
    }
    default:
      throw unsupported(value, BSON_TYPE.string);
  }
}

function toObjectId(value: RawValue): RawValue {
  if (value.type === BSON_TYPE.objectId) return value;
  if (value.type !== BSON_TYPE.string) throw unsupported(value, BSON_TYPE.objectId);
  const text = stringOf(value);
  if (!/^[\da-f]{24}$/i.test(text)) {
    throw conversionFailure(`Failed to parse objectId '${text}' in $convert with no onError value`);
  }
  return rawValue(
    BSON_TYPE.objectId,
    Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)),
  );
}

function toDate(value: RawValue): RawValue {
  switch (value.type) {
    case BSON_TYPE.date:
      return value;
    case BSON_TYPE.objectId:
      return rawInstant(instantOf(value));
    case BSON_TYPE.string:
      return rawInstant(parseDate(stringOf(value), undefined));
    case BSON_TYPE.int64:
      return rawInstant(integerOf(value) ?? 0n);
    case BSON_TYPE.double:
    case BSON_TYPE.decimal128:
      return rawInstant(truncated(value, BSON_TYPE.int64));
    default:
      throw unsupported(value, BSON_TYPE.date);
  }
}

function toBinary(value: RawValue, target: ConversionTarget): RawValue {
  switch (value.type) {
    case BSON_TYPE.binData:
      if (value.bytes[value.start + 4] !== target.subtype) {
        throw conversionFailure('Conversions between differing binary subtypes are not supported');
      }
      return value;
    case BSON_TYPE.string:
      return binaryFromText(stringOf(value), target);
    default:
      throw unsupported(value, BSON_TYPE.binData);
  }
}
