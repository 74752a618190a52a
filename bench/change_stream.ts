/** P8: how long after sending an insert its event arrives at a change stream. Both ends live in this process: one clock. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Document } from 'bson';
import type { Connection } from './connection.ts';
import { Latencies } from './latencies.ts';
import type { Result } from './load.ts';
import { P50, P99 } from './metrics.ts';
import type { Row, RowOptions } from './row.ts';
import { DATABASE, type Target } from './target.ts';

const COLLECTION = 'events';
const INSERT_EVERY_MS = 20;
const AWAIT_DATA_MS = 1000;
const LAST_EVENT_WAIT_MS = 30_000;

export function changeStreamRow({ seconds }: RowOptions): Row {
  return {
    name: 'P8',
    title: `change stream: insert w:1 sent → event received, one each ${INSERT_EVERY_MS} ms`,
    metrics: [P50, P99],
    before: (target) => target.recreate(COLLECTION),
    run: (target) => measureDelivery(target, seconds),
    after: (target) => target.drop(COLLECTION),
  };
}

async function measureDelivery(target: Target, seconds: number): Promise<Result> {
  const [reader, writer] = await target.openConnections(2);
  if (reader === undefined || writer === undefined) throw new Error('no connections');
  const inserts = Math.max(10, Math.round((seconds * 1000) / INSERT_EVERY_MS));
  try {
    const { cursor } = await reader.command(DATABASE, {
      aggregate: COLLECTION,
      pipeline: [{ $changeStream: {} }],
      cursor: {},
    });
    const stream = new Stream(reader, cursor.id);
    const [latencies] = await Promise.all([stream.receive(inserts), insertAtIntervals(writer, inserts, stream.sentAt)]);
    await reader.command(DATABASE, { killCursors: COLLECTION, cursors: [cursor.id] });
    return { ...latencies.summary(), events: latencies.count };
  } finally {
    reader.close();
    writer.close();
  }
}

class Stream {
  /** _id → when its insert was sent. */
  readonly sentAt = new Map<number, number>();
  readonly #reader: Connection;
  readonly #cursorId: bigint;

  constructor(reader: Connection, cursorId: bigint) {
    this.#reader = reader;
    this.#cursorId = cursorId;
  }

  /** One getMore after the other until every insert was seen; throws when events stay out. */
  async receive(inserts: number): Promise<Latencies> {
    const latencies = new Latencies();
    let lastEventAt = performance.now();
    while (latencies.count < inserts) {
      const getMore = { getMore: this.#cursorId, collection: COLLECTION, maxTimeMS: AWAIT_DATA_MS };
      const { cursor } = await this.#reader.command(DATABASE, getMore);
      const now = performance.now();
      if (cursor.id === 0n) throw new Error('the server closed the change stream');
      for (const event of cursor.nextBatch) {
        latencies.add(now - this.#takeSendTime(event));
        lastEventAt = now;
      }
      if (now - lastEventAt > LAST_EVENT_WAIT_MS)
        throw new Error(`${inserts - latencies.count} of ${inserts} events never came`);
    }
    return latencies;
  }

  #takeSendTime({ operationType, documentKey }: Document): number {
    const sent = this.sentAt.get(documentKey?._id);
    if (operationType !== 'insert' || sent === undefined) {
      throw new Error(`unexpected event: ${operationType} of ${documentKey?._id}`);
    }
    this.sentAt.delete(documentKey._id);
    return sent;
  }
}

/** Keeps to a schedule; an insert that takes longer than the interval delays those after it. */
async function insertAtIntervals(writer: Connection, inserts: number, sentAt: Map<number, number>): Promise<void> {
  const started = performance.now();
  for (let _id = 0; _id < inserts; _id++) {
    await sleep(Math.max(0, started + _id * INSERT_EVERY_MS - performance.now()));
    sentAt.set(_id, performance.now());
    const body = { insert: COLLECTION, documents: [{ _id, at: new Date() }], writeConcern: { w: 1 } };
    const { n } = await writer.command(DATABASE, body);
    if (n !== 1) throw new Error(`${n} documents inserted instead of 1`);
  }
}
