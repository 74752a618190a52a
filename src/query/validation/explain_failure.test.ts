import { describe, expect, test } from 'vitest';
import { decodePlain, encodeDocument } from '../../bson/codec.ts';
import { compileFilter } from '../matcher.ts';
import { explainFailure } from './explain_failure.ts';

type Plain = Record<string, unknown>;

function explain(filter: Plain, document: Plain): unknown {
  const [filterBytes, bytes] = [encodeDocument(filter), encodeDocument(document)];
  expect(compileFilter(filterBytes).matcher.matches(bytes, 0)).toBe(false);
  return decodePlain(explainFailure(filterBytes, bytes));
}

/** What is said about a value that breaks one rule of a schema. */
function rule(schema: Plain, value: unknown): unknown {
  const details = explain({ $jsonSchema: { properties: { v: schema } } }, { _id: 1, v: value });
  expect(details).toMatchObject({
    operatorName: '$jsonSchema',
    schemaRulesNotSatisfied: [{ operatorName: 'properties', propertiesNotSatisfied: [{ propertyName: 'v' }] }],
  });
  const rules = (details as { schemaRulesNotSatisfied: { propertiesNotSatisfied: { details: unknown[] }[] }[] })
    .schemaRulesNotSatisfied[0].propertiesNotSatisfied[0].details;
  return rules.length === 1 ? rules[0] : rules;
}

describe('a condition on a path', () => {
  test.each<[Plain, Plain, Plain]>([
    [{ a: { $gt: 0 } }, { a: 0 }, { operatorName: '$gt', reason: 'comparison failed', consideredValue: 0 }],
    [{ a: 1 }, { a: [2, 3] }, { operatorName: '$eq', reason: 'comparison failed', consideredValues: [2, 3] }],
    [{ 'a.b': 1 }, { a: [{ b: 2 }] }, { operatorName: '$eq', reason: 'comparison failed', consideredValue: 2 }],
    [{ a: 1 }, { b: 1 }, { operatorName: '$eq', reason: 'field was missing' }],
    [{ a: { $ne: 1 } }, { a: 1 }, { operatorName: '$ne', reason: 'comparison succeeded', consideredValue: 1 }],
    [{ a: { $in: [1] } }, { a: 2 }, { operatorName: '$in', reason: 'no matching value found in array' }],
    [{ a: { $nin: [1] } }, { a: 1 }, { operatorName: '$nin', reason: 'matching value found in array' }],
    [{ a: { $exists: true } }, { b: 1 }, { operatorName: '$exists', reason: 'path does not exist' }],
    [{ a: { $exists: false } }, { a: 1 }, { operatorName: '$exists', reason: 'path does exist' }],
    [
      { a: { $type: 'int' } },
      { a: 'x' },
      { operatorName: '$type', reason: 'type did not match', consideredValue: 'x', consideredType: 'string' },
    ],
    [
      { a: { $size: 2 } },
      { a: 'x' },
      { operatorName: '$size', reason: 'type did not match', consideredType: 'string', expectedType: 'array' },
    ],
    [{ a: { $size: 2 } }, { a: [1] }, { operatorName: '$size', consideredValue: [1] }],
    [
      { a: { $mod: [2, 1] } },
      { a: 'x' },
      { operatorName: '$mod', expectedTypes: ['decimal', 'double', 'int', 'long'], consideredValue: 'x' },
    ],
    [{ a: { $all: [1, 2] } }, { a: [1] }, { reason: 'array did not contain all specified values' }],
    [{ a: { $elemMatch: { b: 1 } } }, { a: [{ b: 2 }] }, { reason: 'array did not satisfy the child predicate' }],
    [{ a: /^b/ }, { a: 'abc' }, { operatorName: '$regex', reason: 'regular expression did not match' }],
    [{ a: { $bitsAllSet: [0] } }, { a: 2 }, { reason: 'bitwise operator failed to match' }],
  ])('%j on %j', (filter, document, details) => {
    expect(explain(filter, { _id: 1, ...document })).toMatchObject({ ...details, specifiedAs: filter });
  });

  test('many values are cut off', () => {
    const details = explain({ a: 100 }, { a: Array.from({ length: 30 }, (_, i) => i) });
    expect(details).toMatchObject({
      consideredValues: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
      consideredValuesTruncated: true,
    });
  });
});

describe('several conditions', () => {
  test('those that failed are listed with their place', () => {
    expect(explain({ a: { $gt: 0, $lt: 5 }, b: 1 }, { a: 9, b: 2 })).toMatchObject({
      operatorName: '$and',
      clausesNotSatisfied: [
        { index: 1, details: { operatorName: '$lt' } },
        { index: 2, details: { operatorName: '$eq' } },
      ],
    });
  });

  test('$or lists all, $nor those that matched', () => {
    expect(explain({ $or: [{ a: 1 }, { a: 2 }] }, { a: 3 })).toMatchObject({
      operatorName: '$or',
      clausesNotSatisfied: [{ index: 0 }, { index: 1 }],
    });
    expect(explain({ $nor: [{ a: 1 }, { a: 2 }] }, { a: 2 })).toMatchObject({
      operatorName: '$nor',
      clausesNotSatisfied: [{ index: 1, details: { reason: 'comparison succeeded' } }],
    });
  });

  test('under $not everything is said the other way round', () => {
    expect(explain({ a: { $not: { $gt: 0, $lt: 9 } } }, { a: 5 })).toMatchObject({
      operatorName: '$not',
      details: {
        operatorName: '$and',
        clausesSatisfied: [{ index: 0, details: { reason: 'comparison succeeded' } }, { index: 1 }],
      },
    });
    expect(explain({ $nor: [{ a: { $ne: 1 } }] }, { a: 2 })).toMatchObject({
      clausesNotSatisfied: [{ details: { operatorName: '$ne', reason: 'comparison failed' } }],
    });
  });

  test('$expr tells its result, or why there is none', () => {
    const filter = { $expr: { $lt: ['$a', 100] } };
    expect(explain(filter, { a: 100 })).toEqual({
      operatorName: '$expr',
      specifiedAs: filter,
      reason: 'expression did not match',
      expressionResult: false,
    });
  });
});

describe('$jsonSchema', () => {
  test.each<[Plain, unknown, Plain]>([
    [{ minimum: 10 }, 4, { operatorName: 'minimum', reason: 'comparison failed', consideredValue: 4 }],
    [
      { maximum: 10, exclusiveMaximum: true },
      10,
      { operatorName: 'maximum', specifiedAs: { maximum: 10, exclusiveMaximum: true } },
    ],
    [{ multipleOf: 3 }, 4, { reason: 'considered value is not a multiple of the specified value' }],
    [{ maxLength: 3 }, 'long', { reason: 'specified string length was not satisfied', consideredValue: 'long' }],
    [{ pattern: '^a' }, 'b', { operatorName: 'pattern', reason: 'regular expression did not match' }],
    [{ enum: [1, 2] }, 3, { operatorName: 'enum', reason: 'value was not found in enum', consideredValue: 3 }],
    [{ not: { type: 'number' } }, 3, { operatorName: 'not', reason: 'child expression matched' }],
    [{ bsonType: 'string' }, 3, { operatorName: 'bsonType', consideredValue: 3, consideredType: 'int' }],
    [{ maxItems: 1 }, [1, 2], { reason: 'array did not match specified length', numberOfItems: 2 }],
    [{ uniqueItems: true }, [1, 2, 1], { reason: 'found a duplicate item', duplicatedValue: 1 }],
    [
      { items: { type: 'string' } },
      ['a', 1],
      { reason: 'At least one item did not match the sub-schema', itemIndex: 1, details: [{ operatorName: 'type' }] },
    ],
    [{ items: [{ type: 'string' }] }, [1], { operatorName: 'items', details: [{ itemIndex: 0 }] }],
    [
      { items: [{}], additionalItems: false },
      [1, 2, 3],
      { operatorName: 'additionalItems', reason: 'found additional items', additionalItems: [2, 3] },
    ],
    [{ required: ['b', 'a'] }, {}, { operatorName: 'required', missingProperties: ['a', 'b'] }],
    [{ minProperties: 1 }, {}, { operatorName: 'minProperties', numberOfProperties: 0 }],
    [
      { properties: { a: {} }, additionalProperties: false },
      { a: 1, b: 2 },
      { operatorName: 'additionalProperties', additionalProperties: ['b'] },
    ],
    [
      { additionalProperties: { type: 'string' } },
      { a: 1 },
      { failingProperty: 'a', reason: 'at least one additional property did not match the subschema' },
    ],
    [
      { patternProperties: { '^x': { type: 'string' } } },
      { x1: 1 },
      { operatorName: 'patternProperties', details: [{ propertyName: 'x1', regexMatched: '^x' }] },
    ],
    [
      { dependencies: { a: ['b'] } },
      { a: 1 },
      { operatorName: 'dependencies', failingDependencies: [{ conditionalProperty: 'a', missingProperties: ['b'] }] },
    ],
    [
      { anyOf: [{ type: 'string' }, { minimum: 5 }] },
      1,
      { operatorName: 'anyOf', schemasNotSatisfied: [{ index: 0 }, { index: 1 }] },
    ],
    [{ allOf: [{ minimum: 0 }, { minimum: 5 }] }, 1, { operatorName: 'allOf', schemasNotSatisfied: [{ index: 1 }] }],
    [
      { oneOf: [{ minimum: 0 }, { minimum: 1 }] },
      3,
      { reason: 'more than one subschema matched', matchingSchemaIndexes: [0, 1] },
    ],
  ])('%j on %j', (schema, value, details) => {
    expect(rule(schema, value)).toMatchObject(details);
  });

  test('titles and descriptions stand beside what failed', () => {
    const schema = { title: 'T', properties: { a: { description: 'an a', type: 'string' } }, required: ['b'] };
    expect(explain({ $jsonSchema: schema }, { a: 1 })).toEqual({
      operatorName: '$jsonSchema',
      title: 'T',
      schemaRulesNotSatisfied: [
        {
          operatorName: 'properties',
          propertiesNotSatisfied: [
            {
              propertyName: 'a',
              description: 'an a',
              details: [
                {
                  operatorName: 'type',
                  specifiedAs: { type: 'string' },
                  reason: 'type did not match',
                  consideredValue: 1,
                  consideredType: 'int',
                },
              ],
            },
          ],
        },
        { operatorName: 'required', specifiedAs: { required: ['b'] }, missingProperties: ['b'] },
      ],
    });
  });

  test('a schema that should not match is not gone into', () => {
    expect(explain({ $nor: [{ $jsonSchema: { required: ['a'] } }] }, { a: 1 })).toMatchObject({
      clausesNotSatisfied: [{ details: { operatorName: '$jsonSchema', reason: 'schema matched' } }],
    });
  });
});
