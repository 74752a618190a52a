/**
 * Operations of the closed loop. Each belongs to one connection: it owns a prebuilt request, patches the varying
 * bytes before each send, and says what every reply must look like.
 */
import { serialize, type Document, type UUID } from 'bson';
import { paddedDocument, smallDocument } from './data.ts';
import { DATABASE } from './target.ts';
import { NO_N, buildRequest, longSlot, slot, slotOffsets, type DocumentSequence, type Reply } from './wire.ts';

export interface Operation {
  readonly request: Buffer;
  /** Changes the request for the next send. */
  readonly patch: () => void;
  /** What a reply counts for; 0 for a step inside a unit. */
  readonly units: number;
  /** The reply's `n`, checked on every reply. */
  readonly expectedN: number;
  /** A shorter reply is an error: a server that returns nothing is not fast. */
  readonly replyBytesMin: number;
  /** Called with some of the decoded replies; throws when one is wrong. */
  readonly verify: (reply: Reply) => void;
}

type Numbers = () => number;

function operation(parts: Partial<Operation> & Pick<Operation, 'request' | 'patch'>): Operation {
  return { units: 1, expectedN: NO_N, replyBytesMin: 0, verify: () => {}, ...parts };
}

/** Finds one document by _id; `nextId` chooses among ids that exist. */
export function findById(collection: string, nextId: Numbers): Operation {
  const request = buildRequest({
    find: collection,
    filter: { _id: slot(0) },
    limit: 1,
    singleBatch: true,
    $db: DATABASE,
  });
  const [idAt = 0] = slotOffsets(request, 1);
  const verify = ({ cursor }: Reply): void => {
    const found = cursor.firstBatch.map((document: Document) => document['_id']);
    if (found.length !== 1 || found[0] !== request.readInt32LE(idAt)) throw new Error(`find by _id returned ${found}`);
  };
  return operation({ request, patch: () => void request.writeInt32LE(nextId(), idAt), replyBytesMin: 250, verify });
}

/** Finds the document whose `field` has a value, by its index; `nextValue` chooses among values that exist once. */
export function findByKey(collection: string, field: string, nextValue: Numbers): Operation {
  const request = buildRequest({
    find: collection,
    filter: { [field]: slot(0) },
    limit: 1,
    singleBatch: true,
    $db: DATABASE,
  });
  const [valueAt = 0] = slotOffsets(request, 1);
  const verify = ({ cursor }: Reply): void => {
    const found = cursor.firstBatch.map((document: Document) => document[field]);
    if (found.length !== 1 || found[0] !== request.readInt32LE(valueAt)) throw new Error(`find by ${field}: ${found}`);
  };
  return operation({
    request,
    patch: () => void request.writeInt32LE(nextValue(), valueAt),
    replyBytesMin: 250,
    verify,
  });
}

/** Inserts one small document; `nextId` must never repeat. The text in it is the same each time: `textAt` chooses it. */
export function insertOne(collection: string, nextId: Numbers, options: Document, textAt = 0): Operation {
  const body = { insert: collection, ordered: true, ...options, $db: DATABASE };
  const request = buildRequest(body, { name: 'documents', documents: [smallDocument(slot(0), textAt)] });
  const [idAt = 0] = slotOffsets(request, 1);
  return operation({ request, patch: () => void request.writeInt32LE(nextId(), idAt), expectedN: 1 });
}

/** Inserts `count` documents of 1 KB at once. */
export function insertMany(collection: string, nextId: Numbers, count: number, options: Document): Operation {
  const documents = Array.from({ length: count }, (_, i) => paddedDocument({ _id: slot(i), n: 0 }, 1024, i));
  const request = buildRequest(
    { insert: collection, ordered: true, ...options, $db: DATABASE },
    { name: 'documents', documents },
  );
  const offsets = slotOffsets(request, count);
  const patch = (): void => {
    for (const offset of offsets) request.writeInt32LE(nextId(), offset);
  };
  return operation({ request, patch, units: count, expectedN: count });
}

/** Adds 1 to the field n of one document; `nextId` chooses among ids that exist. */
export function incrementById(collection: string, nextId: Numbers, options: Document): Operation {
  const update = serialize({ q: { _id: slot(0) }, u: { $inc: { n: 1 } } });
  const body = { update: collection, ordered: true, ...options, $db: DATABASE };
  const request = buildRequest(body, { name: 'updates', documents: [update] });
  const [idAt = 0] = slotOffsets(request, 1);
  const verify = ({ nModified }: Reply): void => {
    if (nModified !== 1) throw new Error(`$inc modified ${nModified} documents`);
  };
  return operation({ request, patch: () => void request.writeInt32LE(nextId(), idAt), expectedN: 1, verify });
}

/** Reads the `length` documents with field in [start, start + length); `nextStart` chooses start. */
export function findRange(collection: string, field: string, length: number, nextStart: Numbers): Operation {
  const filter = { [field]: { $gte: slot(0), $lt: slot(1) } };
  const request = buildRequest({ find: collection, filter, batchSize: length + 1, $db: DATABASE });
  const [startAt = 0, endAt = 0] = slotOffsets(request, 2);
  const patch = (): void => {
    const start = nextStart();
    request.writeInt32LE(start, startAt);
    request.writeInt32LE(start + length, endAt);
  };
  const verify = ({ cursor }: Reply): void => {
    const start = request.readInt32LE(startAt);
    const values: number[] = cursor.firstBatch.map((document: Document) => document[field]);
    const inRange = values.filter((value) => value >= start && value < start + length);
    if (inRange.length !== length || cursor.id !== 0n)
      throw new Error(`a range returned ${inRange.length} of ${length} documents`);
  };
  return operation({ request, patch, replyBytesMin: length * 1024, verify });
}

export interface TransactionOptions {
  readonly lsid: { readonly id: UUID };
  readonly insertInto: string;
  readonly nextInsertId: Numbers;
  readonly update: string;
  readonly nextUpdateId: Numbers;
}

/** A transaction on one session as three operations, to be sent in turn; the commit completes the unit. */
export function transaction({ lsid, insertInto, nextInsertId, update, nextUpdateId }: TransactionOptions): Operation[] {
  let txnNumber = 0;
  const session = { lsid, txnNumber: longSlot(0), autocommit: false };
  const commit = { commitTransaction: 1, ...session, writeConcern: { w: 'majority' }, $db: 'admin' };
  const insertBody = { insert: insertInto, ...session, startTransaction: true, $db: DATABASE };
  const inserted = { name: 'documents', documents: [smallDocument(slot(1), 1)] };
  const updateBody = { update, ...session, $db: DATABASE };
  const updated = { name: 'updates', documents: [serialize({ q: { _id: slot(1) }, u: { $inc: { n: 1 } } })] };
  return [
    operation({ ...numbered([insertBody, inserted], () => ++txnNumber, nextInsertId), units: 0, expectedN: 1 }),
    operation({ ...numbered([updateBody, updated], () => txnNumber, nextUpdateId), units: 0, expectedN: 1 }),
    operation(numbered([commit], () => txnNumber)),
  ];
}

/** A request with its txnNumber in slot 0 and, when nextId is given, an _id in slot 1. */
function numbered(
  [body, documents]: [Document, DocumentSequence?],
  nextTxnNumber: Numbers,
  nextId?: Numbers,
): Pick<Operation, 'request' | 'patch'> {
  const request = buildRequest(body, documents);
  const [txnNumberAt = 0, idAt = 0] = slotOffsets(request, nextId === undefined ? 1 : 2);
  const patch = (): void => {
    request.writeInt32LE(nextTxnNumber(), txnNumberAt);
    if (nextId !== undefined) request.writeInt32LE(nextId(), idAt);
  };
  return { request, patch };
}
