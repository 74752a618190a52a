import { describe, expect, test } from 'vitest';
import { CommandError } from '../../base/command_error.ts';
import { decodePlain, encodeDocument } from '../../bson/codec.ts';
import { compilePipeline } from '../pipeline.ts';
import { ListSource } from './list_source.ts';
import { PAUSE } from './source.ts';

function run(documents: readonly object[], stage: object): unknown[] {
  const source = compilePipeline([encodeDocument(stage)]).open(
    new ListSource(documents.map((document) => encodeDocument(document))),
    0,
  );
  const results: unknown[] = [];
  for (let next = source.next(); next !== undefined; next = source.next()) {
    if (next !== PAUSE) results.push(decodePlain(next));
  }
  return results;
}

function codeOf(documents: readonly object[], stage: object): string | number {
  try {
    run(documents, stage);
  } catch (error) {
    if (error instanceof CommandError) return error.code;
    throw error;
  }
  return 'accepted';
}

const at = (ms: number): Date => new Date(Date.UTC(2020, 0, 1) + ms);

const window = (output: object, sortBy: object = { x: 1 }): object => ({ $setWindowFields: { sortBy, output } });

describe('windows of values', () => {
  const DOCUMENTS = [1, 2, 2, 3].map((x) => ({ x }));
  const list = (range: readonly unknown[]): unknown[] =>
    run(DOCUMENTS, window({ l: { $push: '$x', window: { range } } })).map((one) => Object.assign({ l: 0 }, one).l);

  test('take in all alike by a bound of 0 and only the document itself by current', () => {
    expect(list(['unbounded', 0])).toEqual([[1], [1, 2, 2], [1, 2, 2], [1, 2, 2, 3]]);
    expect(list(['unbounded', 'current'])).toEqual([[1], [1, 2], [1, 2, 2], [1, 2, 2, 3]]);
    expect(list(['current', 1])).toEqual([[1, 2, 2], [2, 2, 3], [2, 3], [3]]);
    expect(list([-1, 'current'])).toEqual([[1], [1, 2], [1, 2, 2], [2, 2, 3]]);
  });

  test('have bounds that any constant expression gives', () => {
    expect(list([{ $subtract: [0, 1] }, { $add: [0, 0] }])).toEqual([[1], [1, 2, 2], [1, 2, 2], [2, 2, 3]]);
    expect(codeOf([], window({ l: { $push: '$x', window: { range: ['$x', 1] } } }))).toBe(9);
    expect(codeOf([], window({ l: { $push: '$x', window: { documents: [{ $const: 'current' }, 1] } } }))).toBe(9);
  });

  test.each([
    [5429414, [{ x: 2 }, { x: 'text' }], undefined],
    [5429413, [{ x: at(0) }], undefined],
    [5429513, [{ x: 1 }], 'day'],
  ])('refuse values of another type by %i', (code, documents, unit) => {
    const stage = window({ l: { $max: 5, window: { range: [3, 'unbounded'], ...(unit && { unit }) } } });
    expect(codeOf(documents, stage)).toBe(code);
  });
});

describe('functions that know their sort', () => {
  const dates = [5, 4, 6].map((y, i) => ({ x: at(i), y }));
  const lastTwo = { documents: [-1, 0] };

  test('$derivative and $integral count in their unit, exactly', () => {
    const derivative = { $derivative: { input: '$y', unit: 'minute' }, window: lastTwo };
    const integral = { $integral: { input: '$y', unit: 'second' }, window: lastTwo };
    expect(run(dates, window({ derivative, integral }))).toEqual([
      { x: at(0), y: 5, derivative: null, integral: 0 },
      { x: at(1), y: 4, derivative: -60_000, integral: 0.0045 },
      { x: at(2), y: 6, derivative: 120_000, integral: 0.005 },
    ]);
  });

  test.each([
    [5624901, dates, { $derivative: { input: '$y' }, window: lastTwo }],
    [5624900, [{ x: 1 }], { $derivative: { input: '$y', unit: 'day' }, window: lastTwo }],
    [5423902, dates, { $integral: { input: '$y' } }],
    [5423901, [{ x: 1 }], { $integral: { input: '$y', unit: 'day' } }],
    [5490710, [], { $integral: { input: '$y', unit: 'month' } }],
    [14, [{ x: 1, y: 1 }, { x: 2 }, { x: at(0), y: 2 }], { $linearFill: '$y' }],
  ])('refuse a wrong one by %i', (code, documents, field) => {
    expect(codeOf(documents, window({ field }))).toBe(code);
  });

  test('say that they need a sort before they look at their window', () => {
    const stage = (field: object): object => ({ $setWindowFields: { output: { field } } });
    expect(codeOf([], stage({ $derivative: { input: '$y' }, window: lastTwo }))).toBe(9);
    expect(codeOf([], stage({ $rank: {}, window: lastTwo }))).toBe(5371601);
    expect(codeOf([], stage({ $rank: {} }))).toBe(5371602);
    expect(codeOf([], window({ field: { $rank: {} } }, { x: 1, y: 1 }))).toBe(5371602);
  });
});

describe('specifications', () => {
  test.each([
    ['output is no object', 14, { output: 'text' }],
    ['output is missing', 40414, {}],
    ['two outputs are one inside the other', 6307900, { output: { a: { $sum: 1 }, 'a.b': { $sum: 1 } } }],
    ['partitionBy is always an array', 14, { partitionBy: { $literal: [] }, output: {} }],
    ['there is no window function', 9, { output: { a: { b: { $sum: 1 } } } }],
  ])('are refused when %s', (_name, code, operand) => {
    expect(codeOf([], { $setWindowFields: operand })).toBe(code);
  });

  test('of $fill are refused by the codes of each mistake', () => {
    const fill = (operand: object): string | number => codeOf([], { $fill: operand });
    expect(fill({ output: {} })).toBe(6050203);
    expect(fill({ output: { v: 'text' } })).toBe(6050200);
    expect(fill({ output: { v: { method: 'other' } } })).toBe(6050202);
    expect(fill({ sortBy: { x: 1 }, output: { v: { method: 'locf', more: 1 } } })).toBe(40415);
    expect(fill({ output: { v: { method: 'linear' } } })).toBe(605001);
    expect(fill({ partitionByFields: 'x', output: { v: { value: 1 } } })).toBe(14);
  });
});
