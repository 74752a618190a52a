import { Decimal128, Double, Long } from 'bson';
import { describe, expect, test } from 'vitest';
import { CommandError } from '../base/command_error.ts';
import { decodePlain, encodeDocument } from '../bson/codec.ts';
import { compilePipeline, type CompiledPipeline } from './pipeline.ts';
import { PAUSE, type Source } from './pipeline/source.ts';

function compile(...stages: object[]): CompiledPipeline {
  return compilePipeline(stages.map((stage) => encodeDocument(stage)));
}

/** A source that pauses before every document. */
class PausingSource implements Source {
  readonly #documents: readonly Uint8Array[];
  #at = 0;
  #hasPaused = false;
  closed = 0;

  constructor(documents: readonly object[]) {
    this.#documents = documents.map((document) => encodeDocument(document));
  }

  next(): ReturnType<Source['next']> {
    this.#hasPaused = !this.#hasPaused;
    return this.#hasPaused ? PAUSE : this.#documents[this.#at++];
  }

  close(): void {
    this.closed++;
  }
}

function drain(source: Source): unknown[] {
  const results: unknown[] = [];
  for (let next = source.next(); next !== undefined; next = source.next()) {
    if (next !== PAUSE) results.push(decodePlain(next));
  }
  return results;
}

function run(documents: readonly object[], ...stages: object[]): unknown[] {
  return drain(compile(...stages).open(new PausingSource(documents), 0));
}

function refusal(...stages: object[]): string {
  try {
    compile(...stages);
  } catch (error) {
    if (error instanceof CommandError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'accepted';
}

const DOCUMENTS = [
  { _id: 1, k: 'a', n: 3 },
  { _id: 2, k: 'b', n: 1 },
  { _id: 3, k: 'a', n: 2 },
  { _id: 4, n: 5 },
];

describe('pipelines', () => {
  test('without stages give the documents', () => {
    expect(run(DOCUMENTS)).toEqual(DOCUMENTS);
  });

  test('filter, sort, skip, limit and reshape', () => {
    const stages = [{ $match: { n: { $gt: 1 } } }, { $sort: { n: 1 } }, { $skip: 1 }, { $limit: 1 }];
    expect(run(DOCUMENTS, ...stages, { $project: { n: 1, _id: 0 } })).toEqual([{ n: 3 }]);
    expect(run(DOCUMENTS, { $limit: 2 }, { $sort: { n: 1 } }, { $project: { _id: 1 } })).toEqual([
      { _id: 2 },
      { _id: 1 },
    ]);
  });

  test('group by a field, missing as null', () => {
    const group = { $group: { _id: '$k', n: { $sum: '$n' }, ids: { $push: '$_id' }, low: { $min: '$n' } } };
    expect(run(DOCUMENTS, group, { $sort: { _id: 1 } })).toEqual([
      { _id: null, n: 5, ids: [4], low: 5 },
      { _id: 'a', n: 5, ids: [1, 3], low: 2 },
      { _id: 'b', n: 1, ids: [2], low: 1 },
    ]);
  });

  test('group equal numbers of different types together', () => {
    const documents = [{ a: 1 }, { a: new Double(1) }, { a: Long.fromNumber(1) }, { a: Decimal128.fromString('1.0') }];
    expect(run(documents, { $group: { _id: '$a', n: { $sum: 1 } } })).toEqual([{ _id: 1, n: 4 }]);
  });

  test('accumulate first, last, average and sets', () => {
    const fields = { first: { $first: '$k' }, last: { $last: '$k' }, avg: { $avg: '$n' }, set: { $addToSet: '$k' } };
    expect(run(DOCUMENTS, { $group: { _id: 0, ...fields, n: { $count: {} }, high: { $max: '$n' } } })).toEqual([
      { _id: 0, first: 'a', last: null, avg: 2.75, set: ['a', 'b'], n: 4, high: 5 },
    ]);
  });

  test.each([
    [[2 ** 31 - 1, 1], 2 ** 31],
    [[Long.MAX_VALUE, 1], 2 ** 63],
    [[0.1, 0.2, 0.3, -0.3, -0.2, -0.1], 0],
    [[1e16, 1, 1, -1e16], 2],
    [['x', null, 5], 5],
    [[Infinity, -Infinity], Number.NaN],
  ])('sum %j to %d', (values, sum) => {
    const documents = values.map((v) => ({ v }));
    expect(run(documents, { $group: { _id: null, s: { $sum: '$v' } } })).toEqual([{ _id: null, s: sum }]);
  });

  test('count, and give nothing for no documents', () => {
    expect(run(DOCUMENTS, { $count: 'n' })).toEqual([{ n: 4 }]);
    expect(run([], { $count: 'n' })).toEqual([]);
    expect(run([], { $group: { _id: 1, n: { $sum: 1 } } })).toEqual([]);
  });

  test('close what is below', () => {
    const source = new PausingSource(DOCUMENTS);
    const opened = compile({ $match: {} }, { $sort: { n: 1 } }, { $limit: 1 }, { $group: { _id: '$k' } }).open(
      source,
      0,
    );
    drain(opened);
    opened.close();
    expect(source.closed).toBe(1);
  });

  test.each([
    [[{ $nope: {} }], "40324 Unrecognized pipeline stage name: '$nope'"],
    [[{ $match: {}, $limit: 1 }], '40323 A pipeline stage specification object must contain exactly one field.'],
    [[{}], '40323 A pipeline stage specification object must contain exactly one field.'],
    [[{ $lookup: {} }], '238 the stage $lookup is not implemented'],
    [[{ $limit: 0 }], '15958 the limit must be positive'],
    [[{ $group: { n: { $sum: 1 } } }], '15955 a group specification must include an _id'],
    [[{ $group: { _id: 1, n: { $nope: 1 } } }], "15952 unknown group operator '$nope'"],
    [[{ $group: { _id: { $nope: 1 } } }], "168 Unrecognized expression '$nope'"],
    [[{ $group: { _id: { $add: [1, 2] } } }], '238 the expression $add is not implemented'],
    [
      [{ $project: { a: 1, b: 0 } }],
      '31254 Invalid $project :: caused by :: Cannot do exclusion on field b in inclusion projection',
    ],
  ])('refuse %j', (stages, message) => {
    expect(refusal(...stages)).toBe(message);
  });
});

describe('what storage may do instead', () => {
  test('one filter, sort, skip and limit at the front', () => {
    const stages = [{ $match: { a: 1 } }, { $sort: { n: -1 } }, { $skip: 2 }, { $limit: 3 }, { $limit: 1 }];
    const { pushdown } = compile(...stages);
    expect(pushdown).toMatchObject({ skip: 2, limit: 3, stages: 4 });
    expect(pushdown.filter?.conjuncts).toHaveLength(1);
    expect(pushdown.sort?.fields).toEqual([{ path: 'n', descending: true }]);
  });

  test('nothing that comes in another order', () => {
    expect(compile({ $limit: 3 }, { $match: { a: 1 } }).pushdown).toMatchObject({
      filter: undefined,
      limit: 3,
      stages: 1,
    });
    expect(compile({ $project: { a: 1 } }).pushdown.stages).toBe(0);
  });

  test('the rest runs on what storage selected', () => {
    const pipeline = compile({ $match: { k: 'a' } }, { $sort: { n: 1 } }, { $project: { n: 1, _id: 0 } });
    const selected = new PausingSource([DOCUMENTS[2], DOCUMENTS[0]]);
    expect(drain(pipeline.open(selected, pipeline.pushdown.stages))).toEqual([{ n: 2 }, { n: 3 }]);
  });

  test('counting, as countDocuments asks for it', () => {
    const { countOnly } = compile(
      { $match: { a: 1 } },
      { $skip: 1 },
      { $limit: 5 },
      { $group: { _id: 1, n: { $sum: 1 } } },
    );
    const result = countOnly?.(7);
    expect(result && decodePlain(result)).toEqual({ _id: 1, n: 7 });
    expect(countOnly?.(0)).toBeUndefined();
    expect(compile({ $group: { _id: '$a', n: { $sum: 1 } } }).countOnly).toBeUndefined();
    expect(compile({ $group: { _id: 1, n: { $sum: '$a' } } }).countOnly).toBeUndefined();
    expect(compile({ $count: 'n' }, { $limit: 1 }).countOnly).toBeUndefined();
  });
});
