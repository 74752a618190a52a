/** `$convert` and its short forms. What a type becomes in another is in `conversions.ts`. */
import { CommandError, isCommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType, typeAlias } from '../../bson/types.ts';
import { maybeStringOf, RAW_NULL, type RawValue } from '../../bson/value.ts';
import { int32Of } from '../number/whole.ts';
import { folded, nullableOperator } from './arguments.ts';
import { isNullish } from './build.ts';
import { BINARY_FORMATS, type BinaryFormat, type ConversionTarget } from './conversion_target.ts';
import { convertValue, unsupported } from './conversions.ts';
import { given } from './date_to.ts';
import type { ExpressionOperator } from './operator.ts';
import type { Expression, Value } from './types.ts';

const OPERANDS = ['input', 'to', 'onError', 'onNull', 'format'];
const TYPE = fieldName('type');
const SUBTYPE = fieldName('subtype');

function parseFailure(message: string): CommandError {
  return new CommandError('FailedToParse', message);
}

/** `onError` catches values that cannot be converted, not a wrong target. */
export const convertOperator: ExpressionOperator = {
  name: '$convert',
  compile(operand, scope) {
    if (operand.type !== BSON_TYPE.object) {
      throw parseFailure(`$convert expects an object of named arguments but found: ${typeAlias(operand.type)}`);
    }
    const operands = new Map<string, Expression>();
    const reader = new ElementReader(operand.bytes, operand.start);
    while (reader.next()) {
      const name = reader.name();
      if (!OPERANDS.includes(name)) throw parseFailure(`$convert found an unknown argument: ${name}`);
      operands.set(name, scope.compile(reader.value()));
    }
    const input = operands.get('input');
    const to = operands.get('to');
    if (input === undefined) throw parseFailure("Missing 'input' parameter to $convert");
    if (to === undefined) throw parseFailure("Missing 'to' parameter to $convert");
    const [onError, onNull, format] = OPERANDS.slice(2).map((name) => operands.get(name));
    return folded(given(input, to, onError, onNull, format), (root) => {
      const target = targetOf(to.evaluate(root));
      const value = input.evaluate(root);
      if (isNullish(value)) return onNull === undefined ? RAW_NULL : onNull.evaluate(root);
      if (target === undefined) return RAW_NULL;
      const chosen = formatOf(format?.evaluate(root));
      try {
        return convertValue(value, { ...target, format: chosen });
      } catch (error) {
        if (onError !== undefined && isCommandError(error, 'ConversionFailure')) return onError.evaluate(root);
        throw error;
      }
    });
  },
};

type TargetType = Pick<ConversionTarget, 'type' | 'subtype'>;

/** Undefined for null. */
function targetOf(to: Value): TargetType | undefined {
  if (isNullish(to)) return undefined;
  if (to.type !== BSON_TYPE.object) return { type: typeOf(to), subtype: 0 };
  const type = findField(to.bytes, TYPE, to.start);
  if (type === undefined) throw parseFailure("$convert's 'to' argument must have a 'type'");
  const subtype = findField(to.bytes, SUBTYPE, to.start);
  return { type: typeOf(type), subtype: subtype === undefined ? 0 : subtypeOf(subtype) };
}

/** Subtypes that BSON gives a meaning, and those of applications. */
const KNOWN_SUBTYPE_MAX = 9;
const OWN_SUBTYPE_MIN = 128;

function subtypeOf(value: RawValue): number {
  if (!isNumericType(value.type)) {
    throw new CommandError(4341108, `$convert's 'subtype' argument must be a number, but is ${typeAlias(value.type)}`);
  }
  const number = int32Of(value);
  if (number === undefined) {
    throw new CommandError(4341106, "In $convert, numeric 'subtype' argument is not an integer");
  }
  const isKnown = (number >= 0 && number <= KNOWN_SUBTYPE_MAX) || (number >= OWN_SUBTYPE_MIN && number <= 255);
  if (!isKnown) {
    throw new CommandError(
      4341107,
      `In $convert, numeric value for 'subtype' does not correspond to a BinData type: ${number}`,
    );
  }
  return number;
}

/** Known as a target, but nothing converts to it. */
const NO_TYPE = 0;

function typeOf(to: RawValue): number {
  const name = maybeStringOf(to);
  if (name !== undefined) {
    if (name === 'missing') return NO_TYPE;
    for (const type of Object.values(BSON_TYPE)) if (typeAlias(type) === name) return type;
    throw new CommandError('BadValue', `Unknown type name: ${name}`);
  }
  if (!isNumericType(to.type)) {
    throw parseFailure(`$convert's 'to' argument must be a string or number, but is ${typeAlias(to.type)}`);
  }
  const number = int32Of(to);
  if (number === undefined) throw parseFailure("In $convert, numeric 'to' argument is not an integer");
  if (number === NO_TYPE) return NO_TYPE;
  for (const type of Object.values(BSON_TYPE)) if (type === (number === -1 ? BSON_TYPE.minKey : number)) return type;
  throw parseFailure(`In $convert, numeric value for 'to' does not correspond to a BSON type: ${number}`);
}

function formatOf(value: Value): BinaryFormat | undefined {
  if (isNullish(value)) return undefined;
  const name = maybeStringOf(value);
  if (name === undefined) throw new CommandError(4341114, "$convert requires that 'format' be a string");
  const format = BINARY_FORMATS.find((known) => known === name);
  if (format === undefined) throw new CommandError(4341125, `Invalid 'format' argument for $convert: ${name}`);
  return format;
}

function shortForm(name: `$${string}`, type: number, format?: BinaryFormat): ExpressionOperator {
  return nullableOperator(name, (value) => convertValue(value, { type, subtype: 0, format }));
}

export const CONVERSION_OPERATORS: readonly ExpressionOperator[] = [
  shortForm('$toBool', BSON_TYPE.bool),
  shortForm('$toDate', BSON_TYPE.date),
  shortForm('$toDecimal', BSON_TYPE.decimal128),
  shortForm('$toDouble', BSON_TYPE.double),
  shortForm('$toInt', BSON_TYPE.int32),
  shortForm('$toLong', BSON_TYPE.int64),
  shortForm('$toObjectId', BSON_TYPE.objectId),
  shortForm('$toString', BSON_TYPE.string, 'auto'),
  nullableOperator('$toUUID', (value) => {
    if (isNumericType(value.type)) throw unsupported(value, BSON_TYPE.binData);
    return convertValue(value, { type: BSON_TYPE.binData, subtype: 4, format: 'uuid' });
  }),
  convertOperator,
];
