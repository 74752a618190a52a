import { Decimal128, Double, Long } from 'bson';
import { describe, expect, test } from 'vitest';
import { CommandError } from '../base/command_error.ts';
import { decodePlain, encodeDocument } from '../bson/codec.ts';
import { BARE_SCOPE } from './expression.ts';
import { compilePipeline, type CompiledPipeline, type Pushdown } from './pipeline.ts';
import { ListSource } from './pipeline/list_source.ts';
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
    [[{ $queryStats: {} }], '238 the stage $queryStats is not implemented'],
    [[{ $limit: 1 }, { $documents: [] }], '40602 $documents is only valid as the first stage in a pipeline.'],
    [[{ $facet: { a: [{ $out: 'x' }] } }], '40600 $out is not allowed to be used within a $facet stage'],
    [
      [{ $group: { _id: 1, n: { $accumulator: {} } } }],
      '238 the accumulator $accumulator is not implemented: there is no scripting',
    ],
    [[{ $limit: 0 }], '15958 the limit must be positive'],
    [[{ $group: { n: { $sum: 1 } } }], '15955 a group specification must include an _id'],
    [[{ $group: { _id: 1, n: { $nope: 1 } } }], "15952 unknown group operator '$nope'"],
    [[{ $group: { _id: { $nope: 1 } } }], "168 Unrecognized expression '$nope'"],
    [
      [{ $project: { a: 1, b: 0 } }],
      '31254 Invalid $project :: caused by :: Cannot do exclusion on field b in inclusion projection',
    ],
  ])('refuse %j', (stages, message) => {
    expect(refusal(...stages)).toBe(message);
  });
});

describe('stages', () => {
  const LISTS = [{ _id: 1, l: [{ b: 2 }, { b: 3 }] }, { _id: 2, l: [] }, { _id: 3 }];

  test('add fields where they are, or at the end', () => {
    expect(run([{ a: 1, b: 2 }], { $addFields: { c: '$a', a: '$b', 'd.e': 5 } })).toEqual([
      { a: 2, b: 2, c: 1, d: { e: 5 } },
    ]);
    expect(run([{ a: [{ b: 1 }, 2] }], { $set: { 'a.c': 'x' } })).toEqual([{ a: [{ b: 1, c: 'x' }, { c: 'x' }] }]);
    expect(run([{ a: 1, b: 2 }], { $unset: 'a' })).toEqual([{ b: 2 }]);
  });

  test('unwind arrays', () => {
    expect(run(LISTS, { $unwind: '$l' })).toEqual([
      { _id: 1, l: { b: 2 } },
      { _id: 1, l: { b: 3 } },
    ]);
    expect(run(LISTS, { $unwind: { path: '$l', preserveNullAndEmptyArrays: true } })).toHaveLength(4);
  });

  test('run several pipelines over the same documents', () => {
    const facets = { n: [{ $count: 'n' }], last: [{ $sort: { _id: -1 } }, { $limit: 1 }] };
    expect(run(LISTS, { $facet: facets })).toEqual([{ n: [{ n: 3 }], last: [{ _id: 3 }] }]);
  });

  test('group by boundaries', () => {
    const documents = [1, 5, 9, 12].map((v) => ({ v }));
    expect(run(documents, { $bucket: { groupBy: '$v', boundaries: [0, 5, 10], default: 'more' } })).toEqual([
      { _id: 0, count: 1 },
      { _id: 5, count: 2 },
      { _id: 'more', count: 1 },
    ]);
  });

  test('compute over windows', () => {
    const output = { s: { $sum: '$v', window: { documents: [-1, 0] } }, r: { $rank: {} } };
    const documents = [3, 1, 2].map((v) => ({ v }));
    expect(run(documents, { $setWindowFields: { sortBy: { v: 1 }, output } })).toEqual([
      { v: 1, s: 1, r: 1 },
      { v: 2, s: 3, r: 2 },
      { v: 3, s: 5, r: 3 },
    ]);
  });

  test('keep what accumulators rank', () => {
    const fields = {
      top: { $topN: { n: 2, sortBy: { n: -1 }, output: '$_id' } },
      low: { $minN: { n: 2, input: '$n' } },
      half: { $median: { input: '$n', method: 'approximate' } },
    };
    expect(run(DOCUMENTS, { $group: { _id: null, ...fields } })).toEqual([
      { _id: null, top: [4, 1], low: [1, 2], half: 2 },
    ]);
  });

  test('join other collections, with variables', () => {
    const others = [
      { _id: 1, k: 'a' },
      { _id: 2, k: 'b' },
    ].map((document) => encodeDocument(document));
    const settings = {
      scope: BARE_SCOPE,
      ns: 'db.c',
      system: () => [],
      db: 'd',
      random: () => 0,
      collections: {
        open: (ns: string, { filter }: Pushdown) =>
          new ListSource(others.filter((other) => ns === 'd.o' && filter?.matcher.matches(other, 0) !== false)),
      },
    };
    const lookup = { from: 'o', localField: 'k', foreignField: 'k', let: { i: '$_id' }, pipeline: [], as: 'o' };
    const stages = [{ $lookup: { ...lookup, pipeline: [{ $project: { i: '$$i' } }] } }];
    const pipeline = compilePipeline(
      stages.map((stage) => encodeDocument(stage)),
      settings,
    );
    expect(drain(pipeline.open(new PausingSource(DOCUMENTS.slice(0, 2)), 0))).toEqual([
      { ...DOCUMENTS[0], o: [{ _id: 1, i: 1 }] },
      { ...DOCUMENTS[1], o: [{ _id: 2, i: 2 }] },
    ]);
  });

  test('refuse to keep more than their memory', () => {
    const text = 'x'.repeat(1_000_000);
    const documents = Array.from({ length: 120 }, () => encodeDocument({ text }));
    const pipeline = compile({ $group: { _id: null, all: { $push: '$text' } } });
    expect(() => drain(pipeline.open(new ListSource(documents), 0))).toThrow(
      '$push used too much memory and cannot spill to disk',
    );
  });
});

describe('what storage may do instead', () => {
  test('one filter, sort, skip and limit at the front', () => {
    const stages = [{ $match: { a: 1 } }, { $sort: { n: -1 } }, { $skip: 2 }, { $limit: 3 }, { $unwind: '$n' }];
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
