import { describe, expect, test } from 'vitest';
import { decodePlain, encodeDocument } from '../../bson/codec.ts';
import { BsonWriter } from '../../bson/writer.ts';
import { rawObject } from '../../bson/value.ts';
import { commandScope, compileExpression, type ExpressionScope } from '../expression.ts';
import { PAUSE } from '../pipeline/source.ts';
import { Interruptible } from './work.ts';
import type { Value } from './types.ts';

const DOCUMENT = {
  _id: 1,
  n: 5,
  a: [5, 3, 1, 4, 1],
  b: [1, 9, 5],
  d: [{ k: 3 }, { k: 1 }],
  s: 'a,b,,c',
  m: [[1, 2], [3]],
  p: [
    { k: 'x', v: 1 },
    { k: 'y', v: { z: 2 } },
  ],
  w: { x: 1, y: 2 },
  u: 'ä€\u{1F600}b',
};
const ROOT = encodeDocument(DOCUMENT);

function evaluator(expression: unknown, scope: ExpressionScope): (root: Uint8Array) => Value {
  const operand = rawObject(encodeDocument({ $let: { vars: {}, in: expression } }));
  const compiled = compileExpression(operand, scope);
  return (root) => compiled.evaluate(root);
}

function shown(value: Value): unknown {
  if (value === undefined) return undefined;
  return decodePlain(new BsonWriter().startDocument().value('v', value).endDocument().finish())['v'];
}

/** The value, and in how many turns it was reached. */
function inTurns(expression: unknown, turn: { leftMs(): number }): { value: unknown; turns: number } {
  const scope = commandScope({ turn });
  const evaluation = new Interruptible(scope.work, evaluator(expression, scope));
  for (let turns = 1; turns < 10_000; turns++) {
    const value = evaluation.run(ROOT);
    if (value !== PAUSE) return { value: shown(value), turns };
  }
  throw new Error('the evaluation comes to no end');
}

/** Over at every look. */
const NO_TIME = { leftMs: () => -1 };

/** Over at every so manieth look. */
function shortTurns(looks: number): { leftMs(): number } {
  let count = 0;
  return { leftMs: () => (++count % looks === 0 ? -1 : 1) };
}

const SUM_OF_PRODUCTS = {
  $sum: {
    $map: { input: '$a', as: 'x', in: { $sum: { $map: { input: '$b', as: 'y', in: { $multiply: ['$$x', '$$y'] } } } } },
  },
};

/** So long, but not before there is a document. */
const LONG_TEXT = { $concat: ['ab'.repeat(20_000), '€', { $substrCP: ['$s', 4, 0] }, 'c'] };

const LONG_ARRAY = { $concatArrays: [{ $range: [0, 3000] }, '$a', [7]] };
const LONG_OBJECT = {
  $setField: { field: 'x', input: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [i, i])), value: '$n' },
};

describe.each<[string, unknown, unknown]>([
  ['$map', { $map: { input: '$a', in: { $add: ['$$this', 1] } } }, [6, 4, 2, 5, 2]],
  ['$filter', { $filter: { input: '$a', cond: { $gt: ['$$this', 2] } } }, [5, 3, 4]],
  ['$filter with a limit', { $filter: { input: '$a', cond: { $gt: ['$$this', 2] }, limit: 2 } }, [5, 3]],
  ['$reduce', { $reduce: { input: '$a', initialValue: 0, in: { $add: ['$$value', '$$this'] } } }, 14],
  ['loops inside a loop', SUM_OF_PRODUCTS, 210],
  [
    'loops beside each other',
    { $add: [SUM_OF_PRODUCTS, { $size: { $filter: { input: '$b', cond: { $gt: ['$$this', 1] } } } }] },
    212,
  ],
  [
    'a loop over what a loop made',
    { $map: { input: { $map: { input: '$a', in: { $add: ['$$this', 1] } } }, in: { $multiply: ['$$this', 2] } } },
    [12, 8, 4, 10, 4],
  ],
  [
    'a reduction whose steps are loops',
    { $reduce: { input: '$m', initialValue: [], in: { $concatArrays: ['$$value', { $reverseArray: '$$this' }] } } },
    [2, 1, 3],
  ],
  [
    'variables around a loop',
    {
      $let: {
        vars: { k: { $size: { $setUnion: ['$a', '$b'] } } },
        in: { $map: { input: '$b', in: { $add: ['$$this', '$$k'] } } },
      },
    },
    [6, 14, 10],
  ],
  ['$range', { $slice: [{ $range: [0, { $multiply: ['$n', 500] }] }, -2] }, [2498, 2499]],
  [
    '$zip',
    { $zip: { inputs: ['$a', '$b'] } },
    [
      [5, 1],
      [3, 9],
      [1, 5],
    ],
  ],
  [
    '$concatArrays',
    { $slice: [{ $concatArrays: [{ $range: [0, 200] }, '$a', [], '$b'] }, 199, 9] },
    [199, 5, 3, 1, 4, 1, 1, 9, 5],
  ],
  ['$setUnion', { $setUnion: ['$a', '$b'] }, [1, 3, 4, 5, 9]],
  ['$setIntersection', { $setIntersection: ['$a', '$b'] }, [1, 5]],
  ['$setIntersection that gets empty', { $setIntersection: ['$a', [7], '$b'] }, []],
  ['$setDifference', { $setDifference: ['$a', '$b'] }, [3, 4]],
  ['$setIsSubset', { $setIsSubset: [[1, 5], '$a'] }, true],
  ['$setEquals', { $setEquals: ['$a', [1, 3, 4, 5]] }, true],
  ['$setEquals of others', { $setEquals: ['$a', '$b'] }, false],
  ['$sortArray', { $sortArray: { input: '$a', sortBy: 1 } }, [1, 1, 3, 4, 5]],
  ['$sortArray by a field', { $sortArray: { input: '$d', sortBy: { k: 1 } } }, [{ k: 1 }, { k: 3 }]],
  ['$reverseArray', { $reverseArray: '$a' }, [1, 4, 1, 3, 5]],
  ['$firstN', { $firstN: { input: '$a', n: 2 } }, [5, 3]],
  ['$lastN', { $lastN: { input: '$a', n: 2 } }, [4, 1]],
  ['$maxN', { $maxN: { input: '$a', n: 2 } }, [5, 4]],
  ['$minN', { $minN: { input: '$a', n: 3 } }, [1, 1, 3]],
  ['$sum', { $sum: { $map: { input: '$a', in: '$$this' } } }, 14],
  ['$max', { $max: { $map: { input: '$a', in: '$$this' } } }, 5],
  [
    '$replaceAll',
    {
      $strLenBytes: {
        $replaceAll: { input: { $concat: ['$s', 'x,'.repeat(3000)] }, find: ',', replacement: { $literal: '$&' } },
      },
    },
    9009,
  ],
  [
    '$replaceAll of an empty text',
    { $replaceAll: { input: '$u', find: '', replacement: { $literal: '-' } } },
    '-ä-€-\u{1F600}-b-',
  ],
  ['$replaceOne', { $replaceOne: { input: LONG_TEXT, find: 'c', replacement: '' } }, `${'ab'.repeat(20_000)}€`],
  ['$slice', { $slice: [LONG_ARRAY, 2998, 7] }, [2998, 2999, 5, 3, 1, 4, 1]],
  ['$slice from the end', { $slice: [LONG_ARRAY, -3] }, [4, 1, 7]],
  ['$percentile', { $percentile: { input: LONG_ARRAY, p: [0, 0.5, 1], method: 'approximate' } }, [0, 1496, 2999]],
  ['$median', { $median: { input: LONG_ARRAY, method: 'approximate' } }, 1496],
  ['$arrayToObject', { $arrayToObject: { $zip: { inputs: [['x', 'y', 'x'], '$a'] } } }, { x: 1, y: 3 }],
  ['$arrayToObject of pairs', { $arrayToObject: '$p' }, { x: 1, y: { z: 2 } }],
  [
    '$objectToArray',
    { $slice: [{ $objectToArray: LONG_OBJECT }, 299, 2] },
    [
      { k: '299', v: 299 },
      { k: 'x', v: 5 },
    ],
  ],
  ['$mergeObjects', { $mergeObjects: ['$w', null, { y: '$n' }, { z: { $sum: '$a' }, x: 7 }] }, { x: 7, y: 5, z: 14 }],
  ['$mergeObjects of an array', { $mergeObjects: '$d' }, { k: 1 }],
  ['$mergeObjects of many fields', { $size: { $objectToArray: { $mergeObjects: LONG_OBJECT } } }, 301],
  ['$trim', { $trim: { input: { $concat: [' '.repeat(5000), '$u', '\u2003'.repeat(5000)] } } }, 'ä€\u{1F600}b'],
  ['$ltrim', { $ltrim: { input: { $concat: ['€ä'.repeat(5000), '$u', ' '] }, chars: 'ä€' } }, '\u{1F600}b '],
  ['$rtrim', { $rtrim: { input: { $concat: [' ', '$u', '\u{1F600}b'.repeat(5000)] }, chars: 'b\u{1F600}' } }, ' ä€'],
  ['$indexOfBytes', { $indexOfBytes: [LONG_TEXT, 'c'] }, 40_003],
  ['$indexOfCP', { $indexOfCP: [LONG_TEXT, 'c', 1] }, 40_001],
  ['$indexOfCP before an end', { $indexOfCP: [LONG_TEXT, 'c', 1, 40_001] }, -1],
  ['$split', { $split: ['$s', ','] }, ['a', 'b', '', 'c']],
  ['$regexFindAll', { $size: { $regexFindAll: { input: '$s', regex: '[a-z]' } } }, 3],
])('%s', (_, expression, expected) => {
  test('gives the same in one turn and in as many as it has steps', () => {
    expect(shown(evaluator(expression, commandScope({}))(ROOT))).toEqual(expected);
    const { value, turns } = inTurns(expression, NO_TIME);
    expect(value).toEqual(expected);
    expect(turns).toBeGreaterThan(1);
  });

  test.each([2, 3, 5, 7])('gives the same in turns of %i looks', (looks) => {
    expect(inTurns(expression, shortTurns(looks)).value).toEqual(expected);
  });
});

test('an error in a later turn is thrown, and the next document begins anew', () => {
  const scope = commandScope({ turn: NO_TIME });
  const divided = { $map: { input: '$a', in: { $divide: [6, { $subtract: ['$$this', '$n'] }] } } };
  const evaluation = new Interruptible(scope.work, evaluator(divided, scope));
  const run = (document: object): unknown => {
    const root = encodeDocument(document);
    for (;;) {
      const value = evaluation.run(root);
      if (value !== PAUSE) return shown(value);
    }
  };
  expect(() => run(DOCUMENT)).toThrow(expect.objectContaining({ code: 16608 }));
  expect(run({ a: [2, 3], n: 0 })).toEqual([3, 2]);
  expect(() => run({ a: [2, 1, 0], n: 0 })).toThrow(/divide by zero/);
});

test('outside of an attempt nothing is left in the middle', () => {
  const scope = commandScope({ turn: NO_TIME });
  expect(shown(evaluator(SUM_OF_PRODUCTS, scope)(ROOT))).toBe(210);
});
