import fc from 'fast-check';
import { Decimal128, Long } from 'bson';
import { describe, expect, test } from 'vitest';
import { CommandError } from '../base/command_error.ts';
import { encodeDocument } from '../bson/codec.ts';
import { compileFilter } from './matcher.ts';

type Json = null | number | string | boolean | readonly Json[] | { readonly [name: string]: Json };
type Fields = Readonly<Record<string, Json>>;

function isFields(value: Json | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** Everything a path leads to; undefined for "missing". Straight from the definition, without regard to cost. */
function valuesAt(value: Json, path: readonly string[]): (Json | undefined)[] {
  const [first, ...rest] = path;
  if (first === undefined) return isList(value) ? [...value, value] : [value];
  if (isFields(value)) return Object.hasOwn(value, first) ? valuesAt(value[first], rest) : [undefined];
  return isList(value) ? value.flatMap((item, i) => valuesInItem(item, i, path)) : [undefined];
}

function valuesInItem(item: Json, i: number, path: readonly string[]): (Json | undefined)[] {
  const [first, ...rest] = path;
  const inside = isFields(item) ? valuesAt(item, path) : [];
  if (first !== String(i)) return inside;
  if (rest.length === 0) return [...inside, item];
  return isFields(item) || isList(item) ? [...inside, ...valuesAt(item, rest)] : inside;
}

function slowCompare(a: Json, b: Json): number {
  if (isList(a) && isList(b)) return compareLists(a, b);
  if (isFields(a) && isFields(b)) return compareLists(orderedParts(a), orderedParts(b));
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (a === b || a === null || b === null) return 0;
  return a < b ? -1 : 1;
}

/** Documents order field by field: type of the value, then name, then value. */
function orderedParts(fields: Fields): Json[] {
  return Object.entries(fields).flatMap(([name, value]) => [rank(value), name, value]);
}

function compareLists(a: readonly Json[], b: readonly Json[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const comparison = slowCompare(a[i], b[i]);
    if (comparison !== 0) return comparison;
  }
  return a.length - b.length;
}

function rank(value: Json): number {
  if (value === null) return 1;
  if (isList(value)) return 5;
  return { number: 2, string: 3, object: 4, boolean: 6 }[typeof value as string] ?? 0;
}

function slowTest(operator: string, operand: Json): (value: Json | undefined) => boolean {
  switch (operator) {
    case '$eq':
      return (value) => (value === undefined ? operand === null : slowCompare(value, operand) === 0);
    case '$gt':
      return (value) => value !== undefined && rank(value) === rank(operand) && slowCompare(value, operand) > 0;
    case '$lt':
      return (value) => value !== undefined && rank(value) === rank(operand) && slowCompare(value, operand) < 0;
    case '$in':
      return (value) => isList(operand) && operand.some((item) => slowTest('$eq', item)(value));
    default:
      return (value) => value !== undefined;
  }
}

function slowMatches(filter: Fields, document: Fields): boolean {
  return Object.entries(filter).every(([name, condition]) => {
    const children = isList(condition) ? condition.filter(isFields) : [];
    if (name === '$and') return children.every((child) => slowMatches(child, document));
    if (name === '$or') return children.some((child) => slowMatches(child, document));
    if (name === '$nor') return !children.some((child) => slowMatches(child, document));
    return slowOperators(name, isFields(condition) ? condition : {}, document);
  });
}

function slowOperators(path: string, operators: Fields, document: Fields): boolean {
  return Object.entries(operators).every(([operator, operand]) => {
    if (operator === '$not') return !slowOperators(path, isFields(operand) ? operand : {}, document);
    if (operator === '$ne') return !slowOperators(path, { $eq: operand }, document);
    if (operator === '$nin') return !slowOperators(path, { $in: operand }, document);
    const exists = valuesAt(document, path.split('.')).some(slowTest(operator, operand));
    return operator === '$exists' && operand === false ? !exists : exists;
  });
}

const scalars = fc.constantFrom<Json>(null, 0, 1, 2.5, 'x', 'y', true);
const names = fc.constantFrom('a', 'b', '0', '1');
const { value: values } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    { weight: 3, arbitrary: scalars },
    { weight: 2, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
    { weight: 2, arbitrary: fc.dictionary(names, tie('value'), { maxKeys: 3, noNullPrototype: true }) },
  ),
}));
const documents: fc.Arbitrary<Fields> = fc.dictionary(fc.constantFrom('a', 'b', 'c'), values, {
  maxKeys: 3,
  noNullPrototype: true,
});
const paths = fc.array(names, { minLength: 1, maxLength: 3 }).map((components) => components.join('.'));
const operators: fc.Arbitrary<Fields> = fc.oneof(
  fc.tuple(fc.constantFrom('$eq', '$ne', '$gt', '$lt'), values).map(([name, operand]) => ({ [name]: operand })),
  fc
    .tuple(fc.constantFrom('$in', '$nin'), fc.array(values, { maxLength: 9 }))
    .map(([name, list]) => ({ [name]: list })),
  fc.boolean().map((exists) => ({ $exists: exists })),
);
const conditions: fc.Arbitrary<Fields> = fc.oneof(
  operators,
  operators.map((operator) => ({ $not: operator })),
  fc.tuple(operators, operators).map(([a, b]) => ({ ...a, ...b })),
);
const { filter: filters } = fc.letrec<{ filter: Fields }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 2 },
    { weight: 4, arbitrary: fc.dictionary(paths, conditions, { minKeys: 1, maxKeys: 3, noNullPrototype: true }) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom('$and', '$or', '$nor'), fc.array(tie('filter'), { minLength: 1, maxLength: 3 }))
        .map(([name, children]) => ({ [name]: children })),
    },
  ),
}));

function matches(filter: object, document: object): boolean {
  return compileFilter(encodeDocument(filter)).matcher.matches(encodeDocument(document), 0);
}

function refusal(filter: object): string {
  try {
    compileFilter(encodeDocument(filter));
  } catch (error) {
    if (error instanceof CommandError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'accepted';
}

describe('filters', () => {
  test('agree with a slow matcher over decoded values', () => {
    fc.assert(
      fc.property(filters, documents, (filter, document) => {
        expect(matches(filter, document)).toBe(slowMatches(filter, document));
      }),
      { numRuns: 3000 },
    );
  });

  test('do not care where in a buffer the document lies', () => {
    fc.assert(
      fc.property(filters, documents, fc.nat({ max: 9 }), (filter, document, offset) => {
        const bytes = encodeDocument(document);
        const buffer = new Uint8Array(bytes.length + offset + 5).fill(0xff);
        buffer.set(bytes, offset);
        const { matcher } = compileFilter(encodeDocument(filter));
        expect(matcher.matches(buffer, offset)).toBe(matcher.matches(bytes, 0));
      }),
    );
  });

  test('with more fields than one walk takes still look at all of them', () => {
    const document = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`f${i}`, i]));
    expect(matches(document, document)).toBe(true);
    expect(matches({ ...document, f69: 0 }, document)).toBe(false);
    expect(matches({ ...document, missing: 0 }, document)).toBe(false);
  });

  test('empty means every document', () => {
    expect(compileFilter(encodeDocument({})).matchesAll).toBe(true);
    expect(compileFilter(encodeDocument({ a: 1 })).matchesAll).toBe(false);
    expect(matches({}, { a: 1 })).toBe(true);
  });

  test('$elemMatch wants one element that meets all conditions', () => {
    const document = {
      a: [
        { b: 1, c: 2 },
        { b: 2, c: 1 },
      ],
      n: [1, 10],
    };
    expect(matches({ a: { $elemMatch: { b: 1, c: 1 } } }, document)).toBe(false);
    expect(matches({ a: { $elemMatch: { b: 2, c: { $lt: 2 } } } }, document)).toBe(true);
    expect(matches({ n: { $gt: 3, $lt: 7 } }, document)).toBe(true);
    expect(matches({ n: { $elemMatch: { $gt: 3, $lt: 7 } } }, document)).toBe(false);
  });

  test('$all, $size, $type, $mod and the bit operators', () => {
    const document = { a: [1, 2, 3], n: Long.fromBigInt(2n ** 62n), s: 'x' };
    expect(matches({ a: { $all: [1, 3] } }, document)).toBe(true);
    expect(matches({ a: { $all: [1, 4] } }, document)).toBe(false);
    expect(matches({ a: { $all: [] } }, document)).toBe(false);
    expect(matches({ a: { $size: 3 } }, document)).toBe(true);
    expect(matches({ a: { $type: ['string', 'int'] }, n: { $type: 'long' }, s: { $type: 2 } }, document)).toBe(true);
    expect(matches({ a: { $mod: [3, 2] } }, document)).toBe(true);
    expect(matches({ n: { $bitsAllSet: [62] } }, document)).toBe(true);
    expect(matches({ n: { $bitsAnySet: [61, 63] } }, document)).toBe(false);
  });

  test('the bit operators round decimals and pass over doubles with a fraction', () => {
    const bitOne = { n: { $bitsAllSet: [1] } };
    expect(matches(bitOne, { n: Decimal128.fromString('1.50') })).toBe(true);
    expect(matches(bitOne, { n: Decimal128.fromString('1.4') })).toBe(false);
    expect(matches(bitOne, { n: Decimal128.fromString('NaN') })).toBe(false);
    expect(matches({ n: { $bitsAllClear: [0] } }, { n: Decimal128.fromString('1E+30') })).toBe(false);
    expect(matches(bitOne, { n: 2.5 })).toBe(false);
  });

  test('an option that $regex does not have is refused', () => {
    expect(() => matches({ a: { $regex: 'x', $options: 'iq' } }, { a: 'x' })).toThrow(
      'invalid flag in regex options: q',
    );
  });

  test('a schema that requires very many fields', () => {
    const required = Array.from({ length: 20_000 }, (_, i) => `f${i}`);
    const document = Object.fromEntries(required.map((name) => [name, 1]));
    expect(matches({ $jsonSchema: { required } }, document)).toBe(true);
    const { f7: _, ...rest } = document;
    expect(matches({ $jsonSchema: { required } }, { ...rest, other: 1 })).toBe(false);
  });

  test('conditions on very many fields', () => {
    const names = Array.from({ length: 20_000 }, (_, i) => `f${i}`);
    const document = Object.fromEntries(names.map((name, i) => [name, i]));
    expect(matches({ ...document, gone: null, or: { $exists: false } }, { other: 1, ...document })).toBe(true);
    expect(matches({ ...document, gone: 1 }, document)).toBe(false);
    expect(matches({ ...document, f19999: 0 }, document)).toBe(false);
    expect(matches({ ...document, 'f7.x': null, $or: [{ f8: 1 }, { f9: 9 }] }, document)).toBe(true);
    expect(matches({ ...document, $or: [{ f8: 1 }, { f9: 1 }] }, document)).toBe(false);
  });

  test('a DBRef is a literal', () => {
    const document = { a: { $ref: 'c', $id: 1 } };
    expect(matches({ a: { $ref: 'c', $id: 1 } }, document)).toBe(true);
    expect(matches({ 'a.$id': 1 }, document)).toBe(true);
  });

  test.each([
    [{ a: { $foo: 1 } }, '2 unknown operator: $foo'],
    [
      { $foo: 1 },
      "2 unknown top level operator: $foo. If you have a field name that starts with a '$' symbol, consider using " +
        '$getField or $setField.',
    ],
    [{ a: { $gt: 1, b: 1 } }, '2 unknown operator: b'],
    [{ $and: [] }, '2 $and/$or/$nor must be a nonempty array'],
    [{ $or: [1] }, '2 $or/$and/$nor entries need to be full objects'],
    [{ a: { $in: 1 } }, '2 $in needs an array'],
    [{ a: { $in: [{ $gt: 1 }] } }, '2 cannot nest $ under $in'],
    [{ a: { $not: 1 } }, '2 $not needs a regex or a document'],
    [{ a: { $type: 'nope' } }, '2 Unknown type name alias: nope'],
    [{ a: { $regex: '(' } }, '51091 Regular expression is invalid: missing )'],
    [{ a: { $options: 'i' } }, '2 $options needs a $regex'],
    [{ $jsonSchema: { nope: 1 } }, '9 Unknown $jsonSchema keyword: nope'],
    [{ $where: 'true' }, '238 $where is not implemented'],
  ])('refuse %j', (filter, message) => {
    expect(refusal(filter)).toBe(message);
  });
});

describe('what a planner learns', () => {
  function conjuncts(filter: object): string[] {
    return compileFilter(encodeDocument(filter)).conjuncts.map(({ kind, path }) => `${kind} ${path}`);
  }

  test('conditions of conjunctions, not of alternatives or negations', () => {
    const filter = {
      a: 1,
      b: { $gt: 1, $lte: 5 },
      $and: [{ c: { $in: [1, 2] } }],
      $or: [{ d: 1 }, { e: 1 }],
      f: { $ne: 1 },
    };
    expect(conjuncts(filter)).toEqual(['eq a', 'gt b', 'lte b', 'in c']);
  });

  test('nothing of operands that index bounds cannot express', () => {
    expect(conjuncts({ a: [1], b: { $gt: Number.NaN }, c: { $in: [[1]] }, d: { $lt: null } })).toEqual([]);
  });

  test('the _id that a filter pins', () => {
    const idOf = (filter: object): number | undefined => compileFilter(encodeDocument(filter)).idEquality?.type;
    expect(idOf({ _id: 5 })).toBe(16);
    expect(idOf({ $and: [{ x: 1 }, { _id: { $eq: 'a' } }] })).toBe(2);
    expect(idOf({ _id: { $gt: 5 } })).toBeUndefined();
    expect(idOf({ _id: [1] })).toBeUndefined();
    expect(idOf({ $or: [{ _id: 1 }, { a: 1 }] })).toBeUndefined();
  });
});
