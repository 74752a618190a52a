/** `$in` and `$nin`. */
import { CommandError } from '../../base/command_error.ts';
import { ElementReader } from '../../bson/elements.ts';
import { BSON_TYPE, canonicalType } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { isCollatable, type ValueOrder } from '../value_order.ts';
import { comparisonTest } from './comparison.ts';
import type { FieldOperator, FilterParser } from './field_operator.ts';
import type { Collated, Predicate } from './predicate.ts';
import { regexParts, regexTest } from './regex.ts';
import { MovableSpan } from './span.ts';
import { anyOf, MISSING, type ValueTest } from './value_test.ts';

/** Up to this many values are tried one by one; more are sorted and searched. */
const LINEAR_VALUES_MAX = 6;

export const inOperator: FieldOperator = {
  name: '$in',
  parse: (path, operand, parser) => parseIn('$in', path, operand, parser),
};

export const ninOperator: FieldOperator = {
  name: '$nin',
  parse: (path, operand, parser) => ({ kind: 'not', child: parseIn('$nin', path, operand, parser) }),
};

function parseIn(name: string, path: string, operand: RawValue, parser: FilterParser): Predicate {
  if (operand.type !== BSON_TYPE.array) throw new CommandError('BadValue', `${name} needs an array`);
  const values: RawValue[] = [];
  const regexes: ValueTest[] = [];
  const reader = new ElementReader(operand.bytes, operand.start);
  while (reader.next()) {
    if (parser.isOperatorDocument(reader)) throw new CommandError('BadValue', `cannot nest $ under ${name}`);
    if (reader.type === BSON_TYPE.undefined) {
      throw new CommandError('BadValue', 'InMatchExpression equality cannot be undefined');
    }
    if (reader.type === BSON_TYPE.regex) regexes.push(regexTest(regexParts(reader)));
    values.push(reader.value());
  }
  const { order } = parser.scope;
  const membership = membershipTest(values, order);
  const test = regexes.length === 0 ? membership : anyOf([membership, ...regexes]);
  return { kind: 'in', path, values, test, expandArrays: true, ...collatedBy(order, values) };
}

function collatedBy({ collation }: ValueOrder, values: readonly RawValue[]): Collated {
  return collation !== undefined && values.some(isCollatable) ? { collation } : {};
}

/** The condition that a path leads to one of the values, each meaning just itself. */
export function membership(path: string, values: readonly RawValue[], order: ValueOrder): Predicate {
  const test = membershipTest(values, order);
  return { kind: 'in', path, values, test, expandArrays: true, ...collatedBy(order, values) };
}

/** Whether a value equals one of `values`. */
export function membershipTest(values: readonly RawValue[], order: ValueOrder): ValueTest {
  if (values.length <= LINEAR_VALUES_MAX) return anyOf(values.map((value) => comparisonTest('eq', value, order)));
  const { compare } = order;
  // An index may find all that matches, and no value is ever tested.
  let sorted: readonly RawValue[] | undefined;
  const classes = new Uint8Array(256);
  for (const value of values) classes[canonicalType(value.type)] = 1;
  const hasNull = classes[canonicalType(BSON_TYPE.null)] === 1;
  const span = new MovableSpan();
  return (bytes, type, start, end) => {
    if (type === MISSING) return hasNull;
    if (classes[canonicalType(type)] !== 1) return false;
    sorted ??= values.toSorted(compare);
    return includes(sorted, span.set(bytes, type, start, end), compare);
  };
}

/** Binary search in ascending `sorted`. */
function includes(sorted: readonly RawValue[], wanted: MovableSpan, compare: ValueOrder['compare']): boolean {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const comparison = compare(sorted[middle], wanted);
    if (comparison === 0) return true;
    if (comparison < 0) low = middle + 1;
    else high = middle;
  }
  return false;
}
