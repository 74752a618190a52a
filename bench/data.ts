/**
 * The collections. Their fields are made so that each row's filter matches a known number of documents, which
 * the rows check.
 */
import { serialize, type Document } from 'bson';
import { filler, scattered } from './random.ts';
import { DATABASE, type Target } from './target.ts';
import { assertOk, buildRequest, decodeReply } from './wire.ts';

const LOAD_BATCH = 1000;

/** Distinct values of large.key. */
export const KEYS = 1000;
/** One document in this many matches {a: 5, b: {$gt: 10}}. */
export const MATCH_ONE_IN = 100;
/** Distinct values of large.e. */
export const EVEN_VALUES = 20;

export interface SharedCollection {
  readonly name: string;
  readonly count: number;
  readonly document: (i: number, count: number) => Uint8Array;
}

/** Collections that rows share. `scale` shrinks the two big ones, for smoke tests. */
export function sharedCollections(scale: number): Record<'small' | 'keyed' | 'many' | 'large', SharedCollection> {
  const scaled = (count: number): number => Math.max(KEYS, Math.round((count * scale) / KEYS) * KEYS);
  return {
    small: { name: 'small', count: 10_000, document: (i) => smallDocument(i, i) },
    keyed: { name: 'keyed', count: 10_000, document: keyedDocument },
    many: { name: 'many', count: scaled(50_000), document: (i) => smallDocument(i, i) },
    large: { name: 'large', count: scaled(200_000), document: largeDocument },
  };
}

/** About 250 bytes. `_id` may be a slot; `at` chooses the filler. */
export function smallDocument(_id: unknown, at: number): Uint8Array {
  return paddedDocument({ _id, n: 0, name: 'Ada Lovelace', status: 'new', created: new Date(1.7e12) }, 250, at);
}

/** As the small ones; `k` is a permutation of the ids. */
function keyedDocument(i: number, count: number): Uint8Array {
  return paddedDocument({ _id: i, k: (i * 7919) % count, name: 'Ada Lovelace', status: 'new' }, 250, i);
}

/** 1 KB. `r` is a permutation of the ids, so that a range of it lies scattered over the collection. */
export function largeDocument(i: number, count: number): Uint8Array {
  const fields = {
    _id: i,
    a: i % 10,
    b: 2 + (Math.floor(i / 10) % 10),
    key: `key-${String(i % KEYS).padStart(6, '0')}`,
    n: i % 7,
    r: (i * 7919) % count,
    s: scattered(i),
    x: scattered(i + count),
    e: i % EVEN_VALUES,
  };
  return paddedDocument(fields, 1024, i);
}

/** The serialized document, filled up with text to a size in bytes. */
export function paddedDocument(fields: Document, bytes: number, at: number): Uint8Array {
  const missing = bytes - serialize({ ...fields, pad: '' }).length;
  return serialize({ ...fields, pad: filler(missing, at) });
}

/** Loads a shared collection into a target unless it is there already. */
export async function ensureLoaded(target: Target, { name, count, document }: SharedCollection): Promise<void> {
  if (target.loaded.has(name)) return;
  await target.recreate(name);
  const [connection] = await target.openConnections(1);
  if (connection === undefined) throw new Error('no connection');
  for (let first = 0; first < count; first += LOAD_BATCH) {
    const documents = Array.from({ length: LOAD_BATCH }, (_, i) => document(first + i, count));
    const body = { insert: name, ordered: true, writeConcern: { w: 1 }, $db: DATABASE };
    const reply = assertOk(
      await connection.exchange(buildRequest(body, { name: 'documents', documents }), decodeReply),
    );
    if (reply['n'] !== LOAD_BATCH)
      throw new Error(`loading ${name}: ${reply['n']} of ${LOAD_BATCH} documents inserted`);
  }
  connection.close();
  target.loaded.add(name);
}

/** Makes sure that the target has an ascending index on the field. */
export async function ensureIndex(target: Target, collection: string, field: string): Promise<void> {
  await target.command({ createIndexes: collection, indexes: [{ key: { [field]: 1 }, name: `${field}_1` }] });
}
