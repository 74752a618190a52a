/**
 * Long work does not keep others waiting: while one client scans, sorts or builds an index over a million documents, or
 * sends what is meant to hold the member up, no piece of work takes the loop for longer than 50 ms. Pieces are measured
 * in processor time of the loop's own thread, so a busy machine does not make them longer; what else may make one long
 * now and then (the collector of garbage, a cold cache) does not do so every time, so the shortest of a few runs counts.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeDocument } from '../src/bson/codec.ts';
import { MeteredMember } from './support/metered_member.ts';
import { RawClient, type Reply } from './support/raw_client.ts';
import { temporaryFolder, type TemporaryFolder } from './temporary_folder.ts';

const TEST_LIMIT_MS = 300_000;
const STALL_MS_MAX = 50;
const RUNS_MAX = 3;
const LONG_MS = 1000;
const BATCH = 10_000;
const MANY_DOCUMENTS = 1_000_000;
const DOCUMENTS = 50_000;

let folder: TemporaryFolder;
let member: MeteredMember;
let client: RawClient;
let other: RawClient;

beforeAll(async () => {
  folder = temporaryFolder();
  member = await MeteredMember.start(folder.path);
  client = await RawClient.connect(member.process.address);
  other = await RawClient.connect(member.process.address);
  await fill('c', DOCUMENTS, wideDocument);
  await fill('million', MANY_DOCUMENTS, (_id) => ({ _id, a: (_id * 7919) % 1_000_003, b: _id % 977 }));
  await client.command({ insert: 'one', documents: [{ _id: 1, n: 1 }], $db: 'test' });
}, TEST_LIMIT_MS);

afterAll(async () => {
  client.close();
  other.close();
  await member.process.kill();
  folder.remove();
});

async function fill(collection: string, count: number, documentOf: (_id: number) => object): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    const documents = Array.from({ length: BATCH }, (_, i) => encodeDocument(documentOf(from + i)));
    const reply = await client.command({ insert: collection, $db: 'test' }, [{ name: 'documents', documents }]);
    expect(reply).toMatchObject({ ok: 1, n: BATCH });
  }
}

function wideDocument(_id: number): object {
  return { _id, a: (_id * 7919) % 100_003, tags: [_id % 7, _id % 11], text: `text ${_id % 977} ${'x'.repeat(150)}` };
}

interface Measured {
  readonly reply: Reply;
  /** Answered while the command ran. */
  readonly hellos: number;
  /** Processor time of the longest round of the loop. */
  readonly stallMs: number;
  readonly totalMs: number;
}

/** Runs a command while another client says hello all the time. */
async function withHellos(command: object): Promise<Measured> {
  await member.measured();
  let isDone = false;
  let hellos = 0;
  const begin = performance.now();
  const running = client.command({ ...command, $db: 'test' }).finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await other.command({ hello: 1, $db: 'admin' });
    if (!isDone) hellos += 1;
  }
  const reply = await running;
  const totalMs = performance.now() - begin;
  const { longestMs } = await member.measured();
  return { reply, hellos, stallMs: longestMs[0] ?? 0, totalMs };
}

/** The run with the shortest stall. */
async function bestOf(command: object, undo?: object): Promise<Measured> {
  let best = await withHellos(command);
  for (let i = 1; i < RUNS_MAX && best.stallMs >= STALL_MS_MAX; i++) {
    if (undo !== undefined) await client.command({ ...undo, $db: 'test' });
    const again = await withHellos(command);
    if (again.stallMs < best.stallMs) best = again;
  }
  return best;
}

async function holds(name: string, command: object, undo?: object): Promise<void> {
  expect(await held(name, command, undo)).toMatchObject({ ok: 1 });
}

async function held(name: string, command: object, undo?: object): Promise<Reply> {
  const { reply, hellos, stallMs, totalMs } = await bestOf(command, undo);
  process.stdout.write(`${name}: ${stallMs.toFixed(1)} ms at most in one piece, ${hellos} hellos\n`);
  // What takes long enough for that is answered in between; shorter work may be done before a client on a busy machine asks.
  if (totalMs > LONG_MS) expect(hellos).toBeGreaterThan(0);
  expect(stallMs).toBeLessThan(STALL_MS_MAX);
  return reply;
}

function aggregate(collection: string, ...pipeline: object[]): object {
  return { aggregate: collection, pipeline, cursor: {} };
}

describe('over a million documents no piece of work takes 50 ms', () => {
  test.each<[string, object, object?]>([
    ['a scan', { count: 'million', query: { b: { $lt: 0 } } }],
    ['a sort', aggregate('million', { $sort: { b: 1, a: -1 } }, { $skip: 10_000 }, { $limit: 1 })],
    ['a sort with a limit', { find: 'million', sort: { b: 1, a: -1 }, limit: 10 }],
    ['a group', aggregate('million', { $group: { _id: '$b', n: { $sum: '$a' } } }, { $count: 'n' })],
    [
      'an index build',
      { createIndexes: 'million', indexes: [{ key: { b: 1, a: 1 }, name: 'b_a' }] },
      { dropIndexes: 'million', index: 'b_a' },
    ],
  ])('in %s', holds, TEST_LIMIT_MS);
});

const GROUP = [{ $group: { _id: '$a', n: { $sum: 1 } } }, { $sort: { n: -1, _id: 1 } }, { $limit: 3 }];
const GROUPS = { $group: { _id: '$_id', n: { $sum: 1 } } };
const WINDOW = { sortBy: { a: 1 }, output: { sum: { $sum: '$a', window: { documents: [-2, 0] } } } };
const WORST = { $facet: { sorted: [{ $sort: { a: 1 } }, { $limit: 1 }], groups: [GROUPS, { $count: 'n' }] } };
const MANY = Array.from({ length: 20_000 }, (_, i) => i * 3);
const UPDATE = { q: {}, u: { $inc: { a: 1 } }, multi: true };

describe('no piece of work takes 50 ms', () => {
  test.each<[string, object, object?]>([
    ['a scan by a regular expression', { count: 'c', query: { text: { $regex: 'nothing' } } }],
    ['a sort of whole documents', { find: 'c', sort: { text: 1, a: -1 }, batchSize: DOCUMENTS }],
    ['a group', aggregate('c', ...GROUP)],
    ['a sort of groups', aggregate('c', GROUPS, { $sort: { n: 1, _id: -1 } }, { $limit: 3 })],
    ['a filter of groups', aggregate('c', GROUPS, { $match: { n: 5 } })],
    ['a group of sorted documents', aggregate('c', { $sort: { a: 1 } }, ...GROUP)],
    ['buckets', aggregate('c', { $bucketAuto: { groupBy: '$a', buckets: 5 } })],
    ['window functions', aggregate('c', { $setWindowFields: WINDOW }, { $count: 'n' })],
    ['facets', aggregate('c', WORST)],
    ['a batch of 16 MB', { find: 'c', batchSize: DOCUMENTS }],
    ['a comparison with many values', { count: 'c', query: { a: { $in: MANY } } }],
    ['a pipeline that fills a collection', aggregate('c', { $out: 'copy' })],
    ['a distinct', { distinct: 'c', key: 'text' }],
    [
      'the build of a multikey index',
      { createIndexes: 'c', indexes: [{ key: { tags: 1 }, name: 'tags' }] },
      { dropIndexes: 'c', index: 'tags' },
    ],
    ['an update of all documents', { update: 'c', updates: [UPDATE] }],
    ['a hash', { dbHash: 1 }],
    ['a check', { validate: 'c', full: true }],
  ])('in %s', holds, TEST_LIMIT_MS);
});

/** So many numbers, but not before there is a document. */
function numbers(count: number): object {
  return { $range: [0, { $multiply: ['$n', count] }] };
}

const PRODUCTS = { $sum: { $map: { input: numbers(1000), as: 'b', in: { $multiply: ['$$this', '$$b'] } } } };

describe('one expression does not take 50 ms in one piece', () => {
  test.each<[string, object]>([
    ['a map', { $size: { $map: { input: numbers(500_000), in: { $add: ['$$this', 1] } } } }],
    ['maps inside each other', { $sum: { $map: { input: numbers(500), in: PRODUCTS } } }],
    ['a reduction', { $reduce: { input: numbers(500_000), initialValue: 0, in: { $add: ['$$value', '$$this'] } } }],
    ['a union', { $size: { $setUnion: [numbers(200_000), numbers(100_000)] } }],
    ['a sort', { $size: { $sortArray: { input: numbers(300_000), sortBy: -1 } } }],
  ])('in %s', (name, expression) => holds(name, aggregate('one', { $project: { v: expression } })), TEST_LIMIT_MS);
});

const LONG_TEXT = { $concat: ['a'.repeat(5000), { $toString: '$n' }] };

describe('a pattern that backtracks for ever ends without taking 50 ms in one piece', () => {
  test.each<[string, object]>([
    ['a filter', { find: 'c', filter: { text: { $regex: '(x+x+)+[yz]' } } }],
    ['a filter of alternatives', { find: 'c', filter: { $or: [{ a: -1 }, { text: /^(.|x)*[yz]$/ }] } }],
    ['an expression', { find: 'one', projection: { v: { $regexMatch: { input: LONG_TEXT, regex: '(a+)+$' } } } }],
    ['a search', aggregate('one', { $set: { v: { $regexFindAll: { input: LONG_TEXT, regex: '(a|aa)+$' } } } })],
    [
      'an expression with a back reference',
      aggregate('one', { $match: { $expr: { $regexMatch: { input: LONG_TEXT, regex: '((a*)\\2)+[bc]' } } } }),
    ],
  ])(
    'in %s',
    async (name, command) => {
      expect(await held(name, command)).toMatchObject({ ok: 0, code: 51_156 });
    },
    TEST_LIMIT_MS,
  );
});
