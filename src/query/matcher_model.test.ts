import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BSON_TYPE } from '../bson/types.ts';
import {
  arraySample,
  decimalSample,
  doubleSample,
  int32Sample,
  int64Sample,
  numberSamples,
  objectSample,
  plainSamples,
  type Sample,
} from '../../tests/support/arbitrary_bson.ts';
import {
  encodeFilter,
  slowMatches,
  type BitsOperator,
  type Comparison,
  type Condition,
  type Filter,
} from '../../tests/support/slow_matcher.ts';
import { compileFilter } from './matcher.ts';

/** Few values, so that filters find what they ask for, in all types that can stand for the same one. */
const FEW: readonly Sample[] = [
  ...[0, 1, 2, -1].map(int32Sample),
  ...[0, -0, 1, 2.5, Number.NaN, Infinity, 2 ** 53].map(doubleSample),
  ...[1n, -1n, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 63n)].map(int64Sample),
  ...['1.0', '2.5', 'NaN', '-0', '9007199254740993', 'Infinity'].map(decimalSample),
];
const fewOthers = plainSamples.filter(({ raw }) => raw.end - raw.start < 12);
const leaves: fc.Arbitrary<Sample> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...FEW) },
  { weight: 4, arbitrary: fewOthers },
  { weight: 1, arbitrary: numberSamples },
  { weight: 1, arbitrary: plainSamples },
);
const binaries = plainSamples.filter(({ raw }) => raw.type === BSON_TYPE.binData);
const names = fc.constantFrom('a', 'b', '0', '1');
const { value: values } = fc.letrec<{ value: Sample }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 3, arbitrary: leaves },
    { weight: 2, arbitrary: fc.array(tie('value'), { maxLength: 3 }).map(arraySample) },
    {
      weight: 2,
      arbitrary: fc.array(fc.record({ name: names, sample: tie('value') }), { maxLength: 3 }).map(objectSample),
    },
  ),
}));
const documents = fc
  .array(fc.record({ name: fc.constantFrom('a', 'b', 'c'), sample: values }), { maxLength: 4 })
  .map(objectSample);
const paths = fc.array(names, { minLength: 1, maxLength: 3 }).map((components) => components.join('.'));

const REFUSED_OPERANDS: ReadonlySet<number> = new Set([BSON_TYPE.undefined, BSON_TYPE.regex]);
const operands = values.filter(({ raw }) => !REFUSED_OPERANDS.has(raw.type));
const TYPE_CODES = Object.values(BSON_TYPE);

const conditionList: fc.Arbitrary<readonly Condition[]> = fc.letrec<{
  condition: Condition;
  conditions: readonly Condition[];
  filters: readonly Filter[];
}>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    {
      weight: 6,
      arbitrary: fc.record({
        operator: fc.constantFrom<Comparison>('$eq', '$ne', '$gt', '$gte', '$lt', '$lte'),
        operand: operands,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        operator: fc.constantFrom<'$in' | '$nin' | '$all'>('$in', '$nin', '$all'),
        operands: fc.array(operands, { maxLength: 9 }),
      }),
    },
    fc.record({ operator: fc.constant<'$exists'>('$exists'), exists: fc.boolean() }),
    fc.record({ operator: fc.constant<'$size'>('$size'), size: fc.nat({ max: 3 }) }),
    fc.record({
      operator: fc.constant<'$type'>('$type'),
      types: fc.array(fc.constantFrom<number | 'number'>('number', ...TYPE_CODES), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({
      operator: fc.constant<'$mod'>('$mod'),
      divisor: fc.constantFrom(1n, 2n, -2n, 3n, 2n ** 53n, -(2n ** 63n)),
      remainder: fc.constantFrom(0n, 1n, -1n, 2n),
    }),
    fc.record({
      operator: fc.constantFrom<BitsOperator>('$bitsAllSet', '$bitsAllClear', '$bitsAnySet', '$bitsAnyClear'),
      positions: fc.array(fc.constantFrom(0, 1, 7, 8, 52, 53, 62, 63, 64, 200), { maxLength: 3 }),
    }),
    fc.record({ operator: fc.constant<'$regex'>('$regex'), text: fc.constantFrom('', 'a', 'b', 'ab') }),
    fc.record({ operator: fc.constant<'$not'>('$not'), conditions: tie('conditions') }),
    fc.record({ operator: fc.constant<'$elemMatch'>('$elemMatch'), conditions: tie('conditions') }),
    fc.record({ operator: fc.constant<'$elemMatch'>('$elemMatch'), filters: tie('filters') }),
  ),
  conditions: fc.uniqueArray(tie('condition'), { minLength: 1, maxLength: 2, selector: ({ operator }) => operator }),
  filters: fc.array(fc.record({ kind: fc.constant<'field'>('field'), path: paths, conditions: tie('conditions') }), {
    minLength: 1,
    maxLength: 2,
  }),
})).conditions;

const fieldFilters: fc.Arbitrary<Filter> = fc.record({
  kind: fc.constant<'field'>('field'),
  path: paths,
  conditions: conditionList,
});
const { filter: filters } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 2, depthSize: 'small' },
    { weight: 4, arbitrary: fieldFilters },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constantFrom<'$and' | '$or' | '$nor'>('$and', '$or', '$nor'),
        filters: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }),
      }),
    },
  ),
}));

function matches(list: readonly Filter[], document: Sample): boolean {
  const { bytes, start, end } = document.raw;
  return compileFilter(encodeFilter(list)).matcher.matches(bytes.slice(start, end), 0);
}

function check(list: readonly Filter[], document: Sample): void {
  expect(matches(list, document)).toBe(slowMatches(list, document));
}

const CONSTANT_TYPES: ReadonlySet<number> = new Set([
  BSON_TYPE.null,
  BSON_TYPE.undefined,
  BSON_TYPE.minKey,
  BSON_TYPE.maxKey,
  BSON_TYPE.bool,
]);
const constants = plainSamples.filter(({ raw }) => CONSTANT_TYPES.has(raw.type));

/** What operators on numbers and on constants look at closely. */
const closeValues: fc.Arbitrary<Sample> = fc.oneof(fc.constantFrom(...FEW), constants, numberSamples, binaries);

/** `FUZZ=50 npx vitest run …` tries that many times as much. */
const RUNS = 2_000 * Number(process.env['FUZZ'] ?? 1);

describe('the matcher and the definition agree', () => {
  test('on one condition', () => {
    fc.assert(
      fc.property(fieldFilters, documents, (filter, document) => check([filter], document)),
      { numRuns: 2 * RUNS },
    );
  });

  test('on whole filters', () => {
    fc.assert(fc.property(fc.array(filters, { minLength: 1, maxLength: 3 }), documents, check), { numRuns: RUNS });
  });

  test('on operators that look at one value closely', () => {
    const bits = fc.constantFrom<BitsOperator>('$bitsAllSet', '$bitsAllClear', '$bitsAnySet', '$bitsAnyClear');
    const positions = fc.array(fc.constantFrom(0, 1, 7, 8, 31, 32, 52, 53, 62, 63, 64, 200), { maxLength: 2 });
    const divisors = fc.constantFrom(1n, 2n, -2n, 3n, 10n, -(2n ** 63n));
    const remainders = fc.constantFrom(0n, 1n, -1n, 2n);
    fc.assert(
      fc.property(closeValues, operands, bits, positions, divisors, remainders, (value, other, ...numbers) => {
        const [operator, list, divisor, remainder] = numbers;
        const conditions: Condition[] = [
          { operator, positions: list },
          { operator: '$mod', divisor, remainder },
          { operator: '$in', operands: [other, ...FEW] },
          ...(REFUSED_OPERANDS.has(value.raw.type) ? [] : [{ operator: '$in' as const, operands: [value] }]),
        ];
        const document = objectSample([{ name: 'a', sample: value }]);
        for (const condition of conditions) check([{ kind: 'field', path: 'a', conditions: [condition] }], document);
      }),
      { numRuns: RUNS },
    );
  });

  test('on comparisons of constants', () => {
    const comparisons = fc.constantFrom<Comparison>('$eq', '$ne', '$gt', '$gte', '$lt', '$lte');
    const asked = fc.oneof(constants, fc.constantFrom(...FEW)).filter(({ raw }) => !REFUSED_OPERANDS.has(raw.type));
    fc.assert(
      fc.property(closeValues, comparisons, asked, fc.constantFrom('a', 'b'), (value, operator, operand, path) => {
        check(
          [{ kind: 'field', path, conditions: [{ operator, operand }] }],
          objectSample([{ name: 'a', sample: value }]),
        );
      }),
      { numRuns: RUNS },
    );
  });

  test('on comparisons with what a document holds', () => {
    const comparisons = fc.constantFrom<Comparison>('$eq', '$ne', '$gt', '$gte', '$lt', '$lte');
    fc.assert(
      fc.property(values, comparisons, fc.constantFrom('a', 'a.a', 'a.0', 'a.b'), (value, operator, path) => {
        const document = objectSample([{ name: 'a', sample: value }]);
        for (const operand of [value, ...(value.fields ?? []).map(({ sample }) => sample)]) {
          if (REFUSED_OPERANDS.has(operand.raw.type)) continue;
          check([{ kind: 'field', path, conditions: [{ operator, operand }] }], document);
        }
      }),
      { numRuns: RUNS },
    );
  });
});
