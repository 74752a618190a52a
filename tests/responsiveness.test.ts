/**
 * Long work does not keep others waiting: while one client scans, sorts or builds an index over many documents, the
 * hellos of another are answered in between. How soon depends on the machine, so the longest time without an answer, which
 * is printed, is held against the length of the whole.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeDocument } from '../src/bson/codec.ts';
import { MemberProcess } from '../src/set/member_process.ts';
import { bundleProgram } from './support/bundled_program.ts';
import { RawClient, type Reply } from './support/raw_client.ts';
import { startPrimary } from './support/single_member.ts';
import { temporaryFolder, type TemporaryFolder } from './temporary_folder.ts';

const TEST_LIMIT_MS = 180_000;
const DOCUMENTS = 50_000;
const BATCH = 5_000;

let folder: TemporaryFolder;
let member: MemberProcess;
let client: RawClient;
let other: RawClient;

beforeAll(async () => {
  folder = temporaryFolder();
  const program = await bundleProgram(folder.path);
  member = new MemberProcess({ setName: 'rs0', dbpath: folder.path, host: '127.0.0.1', port: 0, program });
  await startPrimary(member);
  client = await RawClient.connect(member.address);
  other = await RawClient.connect(member.address);
  for (let from = 0; from < DOCUMENTS; from += BATCH) {
    const documents = Array.from({ length: BATCH }, (_, i) => encodeDocument(documentOf(from + i)));
    const reply = await client.command({ insert: 'c', $db: 'test' }, [{ name: 'documents', documents }]);
    expect(reply).toMatchObject({ ok: 1, n: BATCH });
  }
}, TEST_LIMIT_MS);

afterAll(async () => {
  client.close();
  other.close();
  await member.kill();
  folder.remove();
});

function documentOf(_id: number): object {
  return { _id, a: (_id * 7919) % 100_003, tags: [_id % 7, _id % 11], text: `text ${_id % 977} ${'x'.repeat(150)}` };
}

/** A busy machine stops everything for this long now and then. */
const STALL_MS_MIN = 250;

/** Part of the whole that may pass without an answer. */
const STALL_SHARE_MAX = 1 / 3;

interface Measured {
  readonly reply: Reply;
  /** Answered while the command ran. */
  readonly hellos: number;
  readonly longestMs: number;
  readonly totalMs: number;
}

/** Runs a command while another client says hello all the time. */
async function withHellos(command: object): Promise<Measured> {
  let isDone = false;
  let hellos = 0;
  let longestMs = 0;
  const begin = performance.now();
  const running = client.command({ ...command, $db: 'test' }).finally(() => {
    isDone = true;
  });
  while (!isDone) {
    const asked = performance.now();
    await other.command({ hello: 1, $db: 'admin' });
    longestMs = Math.max(longestMs, performance.now() - asked);
    if (!isDone) hellos += 1;
  }
  return { reply: await running, hellos, longestMs, totalMs: performance.now() - begin };
}

const GROUP = [{ $group: { _id: '$a', n: { $sum: 1 } } }, { $sort: { n: -1, _id: 1 } }, { $limit: 3 }];
const GROUPS = [{ $group: { _id: '$_id', n: { $sum: 1 } } }];
const WINDOW = { sortBy: { a: 1 }, output: { sum: { $sum: '$a', window: { documents: [-2, 0] } } } };
const WORST = { $facet: { sorted: [{ $sort: { a: 1 } }, { $limit: 1 }], groups: [...GROUPS, { $count: 'n' }] } };
const MANY = Array.from({ length: 20_000 }, (_, i) => i * 3);
const UPDATE = { q: {}, u: { $inc: { a: 1 } }, multi: true };

describe('hellos are answered', () => {
  test.each<[string, object]>([
    ['a scan', { count: 'c', query: { text: { $regex: 'nothing' } } }],
    ['a sort', { find: 'c', sort: { text: 1, a: -1 }, limit: 10 }],
    ['a sort of whole documents', { find: 'c', sort: { text: 1, a: -1 }, batchSize: DOCUMENTS }],
    ['a group', { aggregate: 'c', pipeline: GROUP, cursor: {} }],
    [
      'a sort of groups',
      { aggregate: 'c', pipeline: [...GROUPS, { $sort: { n: 1, _id: -1 } }, { $limit: 3 }], cursor: {} },
    ],
    ['a filter of groups', { aggregate: 'c', pipeline: [...GROUPS, { $match: { n: 5 } }], cursor: {} }],
    ['a group of sorted documents', { aggregate: 'c', pipeline: [{ $sort: { a: 1 } }, ...GROUP], cursor: {} }],
    ['buckets', { aggregate: 'c', pipeline: [{ $bucketAuto: { groupBy: '$a', buckets: 5 } }], cursor: {} }],
    ['window functions', { aggregate: 'c', pipeline: [{ $setWindowFields: WINDOW }, { $count: 'n' }], cursor: {} }],
    ['facets', { aggregate: 'c', pipeline: [WORST], cursor: {} }],
    ['a batch of 16 MB', { find: 'c', batchSize: DOCUMENTS }],
    ['a comparison with many values', { count: 'c', query: { a: { $in: MANY } } }],
    ['a pipeline that fills a collection', { aggregate: 'c', pipeline: [{ $out: 'copy' }], cursor: {} }],
    ['a distinct', { distinct: 'c', key: 'text' }],
    ['an index build', { createIndexes: 'c', indexes: [{ key: { a: 1, text: 1 }, name: 'a_text' }] }],
    ['the build of a multikey index', { createIndexes: 'c', indexes: [{ key: { tags: 1 }, name: 'tags' }] }],
    ['an update of all documents', { update: 'c', updates: [UPDATE] }],
    ['a hash', { dbHash: 1 }],
    ['a check', { validate: 'c', full: true }],
    ['a delete of all documents', { delete: 'c', deletes: [{ q: { a: { $gte: 0 } }, limit: 0 }] }],
  ])(
    'during %s',
    async (name, command) => {
      const { reply, hellos, longestMs, totalMs } = await withHellos(command);
      process.stdout.write(`${name}: ${Math.round(longestMs)} ms of ${Math.round(totalMs)} ms without an answer\n`);
      expect(reply).toMatchObject({ ok: 1 });
      expect(hellos).toBeGreaterThan(2);
      expect(longestMs).toBeLessThan(Math.max(STALL_MS_MIN, totalMs * STALL_SHARE_MAX));
    },
    TEST_LIMIT_MS,
  );
});
