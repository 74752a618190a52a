/** What `$densify` is told: the field, the partitions, the step and how far. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType, typeAlias } from '../../bson/types.ts';
import { isWholeNumber, maybeStringOf, numberOf, stringOf, type RawValue } from '../../bson/value.ts';
import { timeUnitOf, type TimeUnit } from '../date/units.ts';
import { BARE_SCOPE } from '../expression.ts';
import { fieldPathComponents } from '../field_path.ts';
import { itemsOf } from '../update/array_value.ts';

export interface Step {
  readonly amount: RawValue;
  /** Of dates; undefined: numbers. */
  readonly unit: TimeUnit | undefined;
}

/** The whole range of all values, that of each partition, or the given one, whose upper end does not belong to it. */
export type Bounds = 'full' | 'partition' | { readonly lower: RawValue; readonly upper: RawValue };

export interface DensifySpec {
  readonly field: readonly Uint8Array[];
  readonly partitionBy: readonly (readonly Uint8Array[])[];
  /** The same with dots. */
  readonly paths: { readonly field: string; readonly partitionBy: readonly string[] };
  readonly step: Step;
  readonly bounds: Bounds;
}

export function parseDensify(operand: RawValue): DensifySpec {
  if (operand.type !== BSON_TYPE.object) {
    const type = typeAlias(operand.type);
    throw new CommandError('FailedToParse', `The $densify stage specification must be an object, found ${type}`);
  }
  const options = optionsOf('$densify', operand, ['field', 'partitionByFields', 'range']);
  const field = textOf('$densify.field', required('$densify', options, 'field'));
  const partitions = options.get('partitionByFields');
  const range = rangeOptions(required('$densify', options, 'range'));
  const step = stepOf(required('$densify.range', range, 'step'), range.get('unit'));
  const bounds = boundsOf(required('$densify.range', range, 'bounds'), step);
  const partitionBy = partitions === undefined ? [] : partitionPaths(partitions);
  for (const path of partitionBy) checkApart(path, field);
  if (bounds === 'partition' && partitionBy.length === 0) {
    throw new CommandError(
      5733408,
      "One cannot specify the bounds as 'partition' without specifying a non-empty array of partitionByFields. " +
        "You may have meant to specify 'full' bounds.",
    );
  }
  const paths = { field, partitionBy };
  return { field: pathOf(field), partitionBy: partitionBy.map(pathOf), paths, step, bounds };
}

function rangeOptions(range: RawValue): ReadonlyMap<string, RawValue> {
  if (range.type !== BSON_TYPE.object) throw wrongType('$densify.range', range, 'object');
  return optionsOf('$densify.range', range, ['step', 'unit', 'bounds']);
}

function optionsOf(name: string, operand: RawValue, known: readonly string[]): ReadonlyMap<string, RawValue> {
  const options = new Map<string, RawValue>();
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    if (!known.includes(reader.name()))
      throw new CommandError(40415, `BSON field '${name}.${reader.name()}' is an unknown field.`);
    options.set(reader.name(), reader.value());
  }
  return options;
}

function required(path: string, options: ReadonlyMap<string, RawValue>, name: string): RawValue {
  const value = options.get(name);
  if (value !== undefined) return value;
  throw new CommandError(40414, `BSON field '${path}.${name}' is missing but a required field`);
}

function textOf(path: string, value: RawValue): string {
  if (value.type !== BSON_TYPE.string) throw wrongType(path, value, 'string');
  return stringOf(value);
}

function partitionPaths(value: RawValue): string[] {
  if (value.type !== BSON_TYPE.array) throw wrongType('$densify.partitionByFields', value, 'array');
  return itemsOf(value).map((item, i) => textOf(`$densify.partitionByFields.${i}`, item));
}

/** The field that is densified is in none of the others, and none of them is in it. */
function checkApart(partition: string, densified: string): void {
  if (`${partition}.`.startsWith(`${densified}.`)) {
    throw new CommandError(
      8993000,
      "BSON field '$densify.partitionByFields' contains the field that is being densified",
    );
  }
  if (densified.startsWith(`${partition}.`)) {
    throw new CommandError(
      9554500,
      "The field that is being densified contains the BSON field '$densify.partitionByFields'",
    );
  }
}

function pathOf(path: string): Uint8Array[] {
  return fieldPathComponents(path).map(fieldName);
}

function stepOf(amount: RawValue, unit: RawValue | undefined): Step {
  if (!isNumericType(amount.type)) {
    const type = typeAlias(amount.type);
    const types = `'${type}', expected types '[int, decimal, double, long]'`;
    throw new CommandError('TypeMismatch', `BSON field '$densify.range.step' is the wrong type ${types}`);
  }
  if (!(numberOf(amount) > 0)) {
    throw new CommandError(
      5733401,
      'The step parameter in a range statement must be a strictly positive numeric value',
    );
  }
  if (unit === undefined) return { amount, unit: undefined };
  const name = maybeStringOf(unit);
  if (name === undefined) throw wrongType('$densify.range.unit', unit, 'string');
  if (!isWholeNumber(amount)) {
    throw new CommandError(
      6586400,
      'The step parameter in a range statement must be a whole number when densifying a date range',
    );
  }
  return { amount, unit: timeUnitOf(name) };
}

function boundsOf(value: RawValue, step: Step): Bounds {
  if (value.type === BSON_TYPE.array) return givenBounds(itemsOf(value), step);
  const text = maybeStringOf(value);
  if (text === 'full' || text === 'partition') return text;
  if (text !== undefined) throw new CommandError(5946802, "Bounds string must either be 'full' or 'partition'");
  throw new CommandError(
    5733404,
    "The bounds in a range statement must be the string 'full', 'partition', " +
      'or an ascending array of two numbers or two dates',
  );
}

function givenBounds([lower, upper, ...rest]: readonly RawValue[], { amount, unit }: Step): Bounds {
  if (lower === undefined || upper === undefined || rest.length > 0) {
    throw new CommandError(5733403, 'A bounding array in a range statement must have exactly two elements');
  }
  if (BARE_SCOPE.order.compare(lower, upper) > 0) {
    throw new CommandError(5733402, 'A bounding array must be an ascending array of either two dates or two numbers');
  }
  const mixed = 'A bounding array must contain either both dates or both numeric types';
  if (isNumericType(lower.type)) {
    if (unit !== undefined) throw new CommandError(5733409, 'Numeric bounds may not have unit parameter');
    if (!isNumericType(upper.type)) throw new CommandError(5733406, mixed);
    if (lower.type !== upper.type || lower.type !== amount.type) {
      throw new CommandError(5876900, 'Upper bound, lower bound, and step must all have the same type');
    }
    return { lower, upper };
  }
  if (lower.type !== BSON_TYPE.date) throw new CommandError(5946800, 'Explicit bounds must be numeric or dates');
  if (upper.type !== BSON_TYPE.date) throw new CommandError(5733405, mixed);
  if (unit === undefined) throw new CommandError(5733410, 'A bounding array of dates must specify a unit');
  return { lower, upper };
}

function wrongType(path: string, value: RawValue, expected: string): CommandError {
  const type = typeAlias(value.type);
  return new CommandError(
    'TypeMismatch',
    `BSON field '${path}' is the wrong type '${type}', expected type '${expected}'`,
  );
}
