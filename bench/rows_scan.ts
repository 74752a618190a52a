/** Rows over many documents: scans, ranges, groups, sorts, mass updates, index builds. */
import type { Document } from 'bson';
import type { Connection } from './connection.ts';
import {
  EVEN_VALUES,
  KEYS,
  MATCH_ONE_IN,
  ensureIndex,
  ensureLoaded,
  sharedCollections,
  type SharedCollection,
} from './data.ts';
import { repeatTimed, runClosedLoop, type TimedOperation } from './load.ts';
import { DOCS, OPS } from './metrics.ts';
import { findRange } from './operations.ts';
import { randomIntegers, sequence } from './random.ts';
import type { Row, RowOptions } from './row.ts';
import { DATABASE, type Target } from './target.ts';
import { buildRequest, checkReply, decodeReply, readBatch, type Reply } from './wire.ts';

const RANGE_LENGTH = 100;
const SORT_LIMIT = 100;

export function scanRows({ seconds, scale }: RowOptions): Row[] {
  const { large, many } = sharedCollections(scale);
  return [
    scanRow(large, seconds),
    rangeRow(large, seconds),
    groupRow(large, seconds),
    sortRow(large, seconds),
    updateManyRow(many, seconds),
    indexBuildRow(large, seconds),
    countRow(large, seconds),
  ];
}

const thousands = (count: number): string => count.toLocaleString('en-US');

interface RepeatedRow {
  readonly name: string;
  readonly title: string;
  readonly aim: string;
  readonly comparedWith?: string;
  readonly units: number;
  readonly collection: SharedCollection;
  readonly seconds: number;
  readonly indexed?: string;
  readonly operationOf: (connection: Connection) => Omit<TimedOperation, 'units'>;
}

/** A row that repeats one operation on one connection. */
function repeatedRow({ units, collection, seconds, indexed, operationOf, ...rest }: RepeatedRow): Row {
  return {
    ...rest,
    metrics: [DOCS],
    prepare: async (target) => {
      await ensureLoaded(target, collection);
      if (indexed !== undefined) await ensureIndex(target, collection.name, indexed);
    },
    run: async (target) => {
      const connection = await oneConnection(target);
      try {
        return await repeatTimed({ units, ...operationOf(connection) }, seconds);
      } finally {
        connection.close();
      }
    },
  };
}

async function oneConnection(target: Target): Promise<Connection> {
  const [connection] = await target.openConnections(1);
  if (connection === undefined) throw new Error('no connection');
  return connection;
}

function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what}: ${String(actual)}, expected ${String(expected)}`);
}

function scanRow(large: SharedCollection, seconds: number): Row {
  const expected = large.count / MATCH_ONE_IN;
  const body = { find: large.name, filter: { a: 5, b: { $gt: 10 } }, $db: DATABASE };
  return repeatedRow({
    name: 'P6',
    title: `scan ${thousands(large.count)} × 1 KB, filter {a, b: {$gt}} matches 1 %`,
    aim: '1,800,000 docs/s',
    comparedWith: 'store',
    units: large.count,
    collection: large,
    seconds,
    operationOf: (connection) => ({
      operation: async () => expectEqual('documents matched', await countCursor(connection, body), expected),
    }),
  });
}

/** Reads a cursor to its end and counts its documents, without decoding them: that would cost as much as some scans. */
async function countCursor(connection: Connection, body: Document): Promise<number> {
  const readChecked = (bytes: Buffer, length: number): { count: number; cursorId: bigint } => {
    checkReply(bytes, length);
    return readBatch(bytes, length);
  };
  let { count, cursorId } = await connection.exchange(buildRequest(body), readChecked);
  while (cursorId !== 0n) {
    const getMore = buildRequest({ getMore: cursorId, collection: body['find'], $db: DATABASE });
    const batch = await connection.exchange(getMore, readChecked);
    count += batch.count;
    cursorId = batch.cursorId;
  }
  return count;
}

function rangeRow(large: SharedCollection, seconds: number): Row {
  return {
    name: 'P6b',
    title: `indexed range of ${RANGE_LENGTH} × 1 KB, 8 connections`,
    aim: '8,000 ops/s',
    comparedWith: 'gather8x100k',
    metrics: [OPS],
    prepare: async (target) => {
      await ensureLoaded(target, large);
      await ensureIndex(target, large.name, 'r');
    },
    run: async (target) => {
      const clients = (await target.openConnections(8)).map((connection, index) => {
        const random = randomIntegers(521288629 + index);
        const operation = findRange(large.name, 'r', RANGE_LENGTH, () => random(large.count - RANGE_LENGTH));
        return { connection, chooseOperation: () => operation };
      });
      return runClosedLoop(clients, seconds);
    },
  };
}

/** Runs a prebuilt command and resolves to its decoded, checked reply. */
function runPrebuilt(connection: Connection, body: Document): () => Promise<Reply> {
  const request = buildRequest({ ...body, $db: DATABASE });
  const read = (bytes: Buffer, length: number): Reply => {
    checkReply(bytes, length);
    return decodeReply(bytes);
  };
  return () => connection.exchange(request, read);
}

function groupRow(large: SharedCollection, seconds: number): Row {
  const group = { $group: { _id: '$key', total: { $sum: '$n' }, documents: { $sum: 1 } } };
  return repeatedRow({
    name: 'P7',
    title: `$group by a string of ${thousands(KEYS)} values, $sum, ${thousands(large.count)} documents`,
    aim: '600,000 docs/s',
    comparedWith: 'store',
    units: large.count,
    collection: large,
    seconds,
    operationOf: (connection) => {
      const aggregate = runPrebuilt(connection, {
        aggregate: large.name,
        pipeline: [group],
        cursor: { batchSize: 2 * KEYS },
      });
      const operation = async (): Promise<void> => {
        const groups: Document[] = (await aggregate())['cursor'].firstBatch;
        expectEqual('groups', groups.length, KEYS);
        const grouped = groups.reduce((sum, { documents }) => sum + Number(documents), 0);
        expectEqual('documents in groups', grouped, large.count);
      };
      return { operation };
    },
  });
}

function sortRow(large: SharedCollection, seconds: number): Row {
  return repeatedRow({
    name: 'P7b',
    title: `sort ${thousands(large.count)} × 1 KB on an unindexed field, limit ${SORT_LIMIT}`,
    aim: '1,500,000 docs/s',
    comparedWith: 'store',
    units: large.count,
    collection: large,
    seconds,
    operationOf: (connection) => {
      const find = runPrebuilt(connection, { find: large.name, sort: { s: 1 }, limit: SORT_LIMIT });
      const operation = async (): Promise<void> => {
        const sorted: { s: number }[] = (await find())['cursor'].firstBatch;
        expectEqual('documents returned', sorted.length, SORT_LIMIT);
        const isInOrder = sorted.every(({ s }, i) => i === 0 || (sorted[i - 1]?.s ?? 0) <= s);
        expectEqual('documents in order', isInOrder, true);
      };
      return { operation };
    },
  });
}

/** The new status differs each time, so that every run changes every document. */
function updateManyRow(many: SharedCollection, seconds: number): Row {
  const turn = sequence();
  return repeatedRow({
    name: 'P7c',
    title: `updateMany $set $inc w:1 over ${thousands(many.count)} × 250 bytes`,
    aim: '38,000 docs/s',
    units: many.count,
    collection: many,
    seconds,
    operationOf: (connection) => ({
      operation: async () => {
        const update = { q: {}, u: { $set: { status: `status-${turn()}` }, $inc: { n: 1 } }, multi: true };
        const reply = await connection.command(DATABASE, {
          update: many.name,
          updates: [update],
          writeConcern: { w: 1 },
        });
        expectEqual('documents modified', Number(reply['nModified']), many.count);
      },
    }),
  });
}

function indexBuildRow(large: SharedCollection, seconds: number): Row {
  const index = { key: { x: 1 }, name: 'x_1' };
  return repeatedRow({
    name: 'P7d',
    title: `createIndexes on an int field, ${thousands(large.count)} documents`,
    aim: '320,000 docs/s',
    comparedWith: 'store',
    units: large.count,
    collection: large,
    seconds,
    operationOf: (connection) => ({
      operation: async () => {
        const reply = await connection.command(DATABASE, { createIndexes: large.name, indexes: [index] });
        expectEqual('indexes made', reply['numIndexesAfter'] - reply['numIndexesBefore'], 1);
      },
      between: () => connection.command(DATABASE, { dropIndexes: large.name, index: index.name }),
    }),
  });
}

/** The aggregation that drivers send for countDocuments. */
function countRow(large: SharedCollection, seconds: number): Row {
  const expected = large.count / EVEN_VALUES;
  const pipeline = [{ $match: { e: 7 } }, { $group: { _id: 1, n: { $sum: 1 } } }];
  return repeatedRow({
    name: 'P7e',
    title: `countDocuments through an index, ${thousands(expected)} matches`,
    aim: '4,000,000 docs/s',
    units: expected,
    collection: large,
    seconds,
    indexed: 'e',
    operationOf: (connection) => {
      const count = runPrebuilt(connection, { aggregate: large.name, pipeline, cursor: {} });
      const operation = async (): Promise<void> => {
        expectEqual('count', Number((await count())['cursor'].firstBatch[0]?.n), expected);
      };
      return { operation };
    },
  });
}
