/** `$slice`, `$elemMatch` and the positional `$`: what find's projections have beyond those of pipelines. */
import { CommandError } from '../../base/command_error.ts';
import { fieldName } from '../../bson/bytes.ts';
import { ElementReader, findField } from '../../bson/elements.ts';
import { BSON_TYPE, isNumericType, typeAlias } from '../../bson/types.ts';
import { integerOf, rawObject, type RawValue } from '../../bson/value.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { Expression, ExpressionScope } from '../expression.ts';
import { compileItemTest } from '../match/elem_match_operator.ts';
import { filterParser } from '../match/parse.ts';
import { itemsOf, rawArrayOf } from '../update/array_value.ts';
import type { ValueChange } from './tree.ts';

/**
 * `$slice: count` and `$slice: [skip, limit]`; undefined when the operand has another form, which is that of the
 * expression. Values that are no arrays stay as they are.
 */
export function sliceChange(operand: RawValue): ValueChange | undefined {
  const range = sliceRange(operand);
  if (range === undefined) return undefined;
  return (value) => {
    if (value.type !== BSON_TYPE.array) return value;
    const items = itemsOf(value);
    const start = range.skip < 0 ? Math.max(0, items.length + range.skip) : range.skip;
    return rawArrayOf(items.slice(start, start + range.limit));
  };
}

interface SliceRange {
  /** From the end when negative. */
  readonly skip: number;
  readonly limit: number;
}

function sliceRange(operand: RawValue): SliceRange | undefined {
  if (isNumericType(operand.type)) {
    const count = int32Of(operand);
    return count < 0 ? { skip: count, limit: -count } : { skip: 0, limit: count };
  }
  if (operand.type !== BSON_TYPE.array) return undefined;
  const [skip, limit, ...rest] = itemsOf(operand);
  if (skip === undefined || limit === undefined || rest.length > 0) return undefined;
  if (!isNumericType(skip.type) || !isNumericType(limit.type)) return undefined;
  const count = int32Of(limit);
  return count > 0 ? { skip: int32Of(skip), limit: count } : undefined;
}

function int32Of(value: RawValue): number {
  return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Number(integerOf(value))));
}

/** The first item of the array `field` that matches, alone in an array; missing when there is none. */
export function elemMatchExpression(field: string, operand: RawValue, scope: ExpressionScope): Expression {
  if (operand.type !== BSON_TYPE.object) {
    throw new CommandError(31274, `elemMatch: Invalid argument, object required, but got ${typeAlias(operand.type)}`);
  }
  const test = compileItemTest(operand, filterParser(scope));
  const name = fieldName(field);
  const evaluate: Expression['evaluate'] = (root) => {
    const value = findField(root, name);
    if (value?.type !== BSON_TYPE.array) return undefined;
    const reader = new ElementReader(value.bytes, value.start);
    while (reader.next()) {
      if (test(reader.bytes, reader.type, reader.start, reader.end)) return rawArrayOf([reader.value()]);
    }
    return undefined;
  };
  return { constant: undefined, evaluate };
}

/** The document with the first array on the path cut to the item at `index`. Throws when there is no such item. */
export function withPositionalItem(
  document: Uint8Array,
  names: readonly Uint8Array[],
  index: number | undefined,
): Uint8Array {
  return cut(rawObject(document), names, index).bytes;
}

function cut(value: RawValue, names: readonly Uint8Array[], index: number | undefined): RawValue {
  if (value.type === BSON_TYPE.array) {
    const item = index === undefined ? undefined : itemsOf(value)[index];
    if (item !== undefined) return rawArrayOf([item]);
    throw new CommandError(
      index === undefined ? 51246 : 51247,
      "Executor error during find command :: caused by :: positional operator '.$' couldn't find a matching element in the array",
    );
  }
  const [name, ...rest] = names;
  if (name === undefined || value.type !== BSON_TYPE.object) return value;
  const inner = findField(value.bytes, name, value.start);
  if (inner === undefined) return value;
  const changed = cut(inner, rest, index);
  const writer = new BsonWriter().startDocument();
  const reader = new ElementReader(value.bytes, value.start);
  while (reader.next()) {
    if (reader.nameEquals(name)) writer.value(name, changed);
    else writer.element(reader.bytes, reader.elementStart, reader.end);
  }
  return rawObject(writer.endDocument().finish());
}
