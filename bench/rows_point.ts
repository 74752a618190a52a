/** Rows with one small operation at a time per connection: reads and writes by _id, batches, transactions. */
import { UUID, type Document } from 'bson';
import { ensureIndex, ensureLoaded, sharedCollections, type SharedCollection } from './data.ts';
import { runClosedLoop, type Result } from './load.ts';
import { DOCS, OPS, P50, P99, TRANSACTIONS, type Metric } from './metrics.ts';
import {
  findById,
  findByKey,
  incrementById,
  insertMany,
  insertOne,
  transaction,
  type Operation,
} from './operations.ts';
import { randomIntegers, sequence } from './random.ts';
import type { Row, RowOptions } from './row.ts';
import type { Target } from './target.ts';

/** Holds what a row inserts; made anew before each round. */
const SCRATCH = 'scratch';
const W1 = { writeConcern: { w: 1 } };
const MAJORITY = { writeConcern: { w: 'majority' } };
const MAJORITY_JOURNALED = { writeConcern: { w: 'majority', j: true } };
const LATENCIES = [P50, P99];

export function pointRows({ seconds, longSeconds, scale }: RowOptions): Record<'reads' | 'writes' | 'mixed', Row[]> {
  const { small, keyed } = sharedCollections(scale);
  const majority = 'insertOne w:majority j:true';
  return {
    reads: [
      findRow({ name: 'P1', connections: 16, seconds, aim: '45 % of echo16' }, small),
      findRow({ name: 'P1a', connections: 1, seconds }, small),
      findRow({ name: 'P1b', connections: 64, seconds }, small),
      indexedRow({ name: 'P1c', connections: 16, seconds, aim: '80 % of P1' }, keyed),
    ],
    writes: [
      insertRow({ name: 'P2', what: 'insertOne w:1', connections: 16, options: W1, seconds, aim: '14 % of echo16' }),
      insertRow({ name: 'P2b', what: 'insertOne w:1', connections: 64, options: W1, seconds }),
      insertRow({
        name: 'P3',
        what: majority,
        connections: 16,
        options: MAJORITY_JOURNALED,
        seconds,
        aim: '8 % of echo16',
      }),
      insertRow({
        name: 'P3b',
        what: majority,
        connections: 1,
        options: MAJORITY_JOURNALED,
        seconds,
        metrics: LATENCIES,
        aim: 'p50 < 2 ms',
      }),
      insertRow({
        name: 'P3c',
        what: majority,
        connections: 64,
        options: MAJORITY_JOURNALED,
        seconds,
        aim: '12 % of echo16',
      }),
      updateRow(small, longSeconds),
      insertManyRow(seconds),
    ],
    mixed: [
      insertRow({
        name: 'P8b',
        what: 'insertOne w:majority',
        connections: 1,
        options: MAJORITY,
        seconds,
        metrics: LATENCIES,
      }),
      transactionRow(small, seconds),
      mixedRow(small, seconds),
    ],
  };
}

const plural = (connections: number): string => `${connections} connection${connections === 1 ? '' : 's'}`;

interface Loop {
  readonly connections: number;
  readonly seconds: number;
  readonly operationsOf: (index: number) => readonly Operation[];
}

/** A closed loop with the operations of each connection, sent in turn. */
async function loop(target: Target, { connections, seconds, operationsOf }: Loop): Promise<Result> {
  const opened = await target.openConnections(connections);
  const clients = opened.map((connection, index) => {
    const operations = operationsOf(index);
    let turn = 0;
    const chooseOperation = (): Operation => operations[turn++ % operations.length];
    return { connection, chooseOperation };
  });
  return runClosedLoop(clients, seconds);
}

/** Chooses ids at random among a collection's; each connection draws its own. */
function randomIds({ count }: SharedCollection, index: number): () => number {
  const random = randomIntegers(88172645 + index);
  return () => random(count);
}

interface PointRow {
  readonly name: string;
  readonly connections: number;
  readonly seconds: number;
  readonly aim?: string;
}

function findRow({ name, connections, seconds, ...rest }: PointRow, small: SharedCollection): Row {
  return {
    name,
    title: `find by _id, ${plural(connections)}`,
    comparedWith: `echo${connections}`,
    metrics: [OPS],
    ...rest,
    prepare: (target) => ensureLoaded(target, small),
    run: (target) =>
      loop(target, { connections, seconds, operationsOf: (index) => [findById(small.name, randomIds(small, index))] }),
  };
}

function indexedRow({ name, connections, seconds, ...rest }: PointRow, keyed: SharedCollection): Row {
  return {
    name,
    title: `find by an indexed field, ${plural(connections)}`,
    comparedWith: 'P1',
    metrics: [OPS],
    ...rest,
    prepare: async (target) => {
      await ensureLoaded(target, keyed);
      await ensureIndex(target, keyed.name, 'k');
    },
    run: (target) =>
      loop(target, {
        connections,
        seconds,
        operationsOf: (index) => [findByKey(keyed.name, 'k', randomIds(keyed, index))],
      }),
  };
}

interface InsertRow extends PointRow {
  readonly what: string;
  readonly options: Document;
  readonly metrics?: readonly Metric[];
}

function insertRow({ name, what, connections, options, metrics = [OPS], seconds, ...rest }: InsertRow): Row {
  return {
    name,
    title: `${what}, ${plural(connections)}`,
    metrics,
    ...(metrics[0] === OPS ? { comparedWith: 'echo16' } : {}),
    ...rest,
    before: (target) => target.recreate(SCRATCH),
    run: (target) => {
      const nextId = sequence();
      return loop(target, {
        connections,
        seconds,
        operationsOf: (index) => [insertOne(SCRATCH, nextId, options, index)],
      });
    },
    after: (target) => target.drop(SCRATCH),
  };
}

function updateRow(small: SharedCollection, seconds: number): Row {
  return {
    name: 'P4',
    title: `updateOne by _id $inc w:1, ${plural(16)}, ${seconds} s`,
    metrics: [OPS],
    comparedWith: 'echo16',
    aim: '10 % of echo16',
    prepare: (target) => ensureLoaded(target, small),
    run: (target) =>
      loop(target, {
        connections: 16,
        seconds,
        operationsOf: (index) => [incrementById(small.name, randomIds(small, index), W1)],
      }),
  };
}

function insertManyRow(seconds: number): Row {
  return {
    name: 'P5',
    title: `insertMany 1,000 × 1 KB w:1, ${plural(2)}`,
    metrics: [DOCS],
    aim: '60,000 docs/s',
    before: (target) => target.recreate(SCRATCH),
    run: (target) => {
      const nextId = sequence();
      return loop(target, { connections: 2, seconds, operationsOf: () => [insertMany(SCRATCH, nextId, 1000, W1)] });
    },
    after: (target) => target.drop(SCRATCH),
  };
}

/** Finds and updates take turns on each connection: exactly half each. */
function mixedRow(small: SharedCollection, seconds: number): Row {
  return {
    name: 'T2',
    title: `50 % find, 50 % update $inc by _id w:1, ${plural(16)}`,
    metrics: [OPS, P99],
    prepare: (target) => ensureLoaded(target, small),
    run: (target) => {
      const operationsOf = (index: number): Operation[] => {
        const nextId = randomIds(small, index);
        return [findById(small.name, nextId), incrementById(small.name, nextId, W1)];
      };
      return loop(target, { connections: 16, seconds, operationsOf });
    },
  };
}

/** Each connection updates documents of its own, so that no transaction meets a write conflict. */
function transactionRow(small: SharedCollection, seconds: number): Row {
  const connections = 8;
  return {
    name: 'T1',
    title: `transaction: insert, update, commit w:majority, ${plural(connections)}`,
    metrics: [TRANSACTIONS],
    prepare: (target) => ensureLoaded(target, small),
    before: (target) => target.recreate(SCRATCH),
    run: async (target) => {
      const sessions = Array.from({ length: connections }, () => ({ id: new UUID() }));
      const nextInsertId = sequence();
      const operationsOf = (index: number): Operation[] => {
        const turn = sequence();
        const nextUpdateId = (): number => (turn() * connections + index) % small.count;
        const lsid = sessions[index];
        return transaction({ lsid, insertInto: SCRATCH, nextInsertId, update: small.name, nextUpdateId });
      };
      const result = await loop(target, { connections, seconds, operationsOf });
      await target.command({ endSessions: sessions }, 'admin');
      return result;
    },
    after: (target) => target.drop(SCRATCH),
  };
}
