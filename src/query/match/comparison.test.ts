import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareModels, numberSamples, valueSamples, type Sample } from '../../../tests/support/arbitrary_bson.ts';
import { BSON_TYPE } from '../../bson/types.ts';
import { RAW_MAX_KEY, RAW_MIN_KEY, RAW_NULL, rawDouble, rawInt32, type RawValue } from '../../bson/value.ts';
import { BINARY_ORDER } from '../value_order.ts';
import { comparisonTest } from './comparison.ts';
import type { ComparisonOperator } from './predicate.ts';
import { MISSING } from './value_test.ts';

const OPERATORS: readonly ComparisonOperator[] = ['eq', 'lt', 'lte', 'gt', 'gte'];

function holds(operator: ComparisonOperator, comparison: number): boolean {
  switch (operator) {
    case 'eq':
      return comparison === 0;
    case 'lt':
      return comparison < 0;
    case 'lte':
      return comparison <= 0;
    case 'gt':
      return comparison > 0;
    case 'gte':
      return comparison >= 0;
  }
}

function isNaNSample({ model }: Sample): boolean {
  return model.kind === 'number' && model.special === -2;
}

/** What an operator means, from the models alone. */
function expected(operator: ComparisonOperator, value: Sample, operand: Sample): boolean {
  const isExtreme = operand.raw.type === BSON_TYPE.minKey || operand.raw.type === BSON_TYPE.maxKey;
  if (value.model.rank !== operand.model.rank) return isExtreme && operator !== 'eq';
  if (isNaNSample(value) || isNaNSample(operand)) {
    return isNaNSample(value) && isNaNSample(operand) && operator !== 'lt' && operator !== 'gt';
  }
  return holds(operator, compareModels(value.model, operand.model));
}

function passes(operator: ComparisonOperator, value: RawValue, operand: RawValue): boolean {
  return comparisonTest(operator, operand, BINARY_ORDER)(value.bytes, value.type, value.start, value.end);
}

describe('comparisons with an operand', () => {
  test.each(OPERATORS)('%s agrees with the model for values of all types', (operator) => {
    fc.assert(
      fc.property(valueSamples, valueSamples, (value, operand) => {
        expect(passes(operator, value.raw, operand.raw)).toBe(expected(operator, value, operand));
      }),
    );
  });

  test.each(OPERATORS)('%s agrees with the model for numbers of all types', (operator) => {
    fc.assert(
      fc.property(numberSamples, numberSamples, (value, operand) => {
        expect(passes(operator, value.raw, operand.raw)).toBe(expected(operator, value, operand));
      }),
    );
  });

  test('a value equals itself', () => {
    fc.assert(
      fc.property(valueSamples, ({ raw }) => {
        expect(passes('eq', raw, raw)).toBe(true);
      }),
    );
  });

  test('what is missing equals null and is in range of MinKey and MaxKey only', () => {
    const missing = (operator: ComparisonOperator, operand: RawValue): boolean =>
      comparisonTest(operator, operand, BINARY_ORDER)(new Uint8Array(0), MISSING, 0, 0);
    expect(OPERATORS.filter((operator) => missing(operator, RAW_NULL))).toEqual(['eq', 'lte', 'gte']);
    expect(OPERATORS.filter((operator) => missing(operator, RAW_MIN_KEY))).toEqual(['lt', 'lte', 'gt', 'gte']);
    expect(OPERATORS.filter((operator) => missing(operator, RAW_MAX_KEY))).toEqual(['lt', 'lte', 'gt', 'gte']);
    expect(OPERATORS.filter((operator) => missing(operator, rawInt32(0)))).toEqual([]);
  });

  test('zero equals minus zero', () => {
    expect(passes('eq', rawDouble(-0), rawInt32(0))).toBe(true);
    expect(passes('lt', rawDouble(-0), rawInt32(0))).toBe(false);
  });
});
