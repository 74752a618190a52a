/**
 * Duplicates that keys do not show, under a collation: those of irregular strings. Most data has none, and then there is
 * nothing to look at; with them, every one is compared.
 */
import { TIMESTAMP_MAX, type Timestamp } from '../../base/optime.ts';
import { compareBytes } from '../../bson/bytes.ts';
import { KeyWriter } from '../../bson/key.ts';
import type { ValueSpan } from '../../bson/types.ts';
import type { RawValue } from '../../bson/value.ts';
import { IRREGULAR_FROM, IRREGULAR_TO, type EqualityKeys } from '../../query/collation/equality_keys.ts';
import { isCollatable } from '../../query/value_order.ts';
import type { Table } from '../../storage/table.ts';
import type { IndexSpec } from '../index_kinds/index_kind.ts';
import { idOf } from '../insertable.ts';
import { RECORD_ID_BYTES } from '../record_id.ts';

/** What of a collection is looked at. */
export interface RecordSource {
  documentAt(recordId: Uint8Array, at: Timestamp): Uint8Array | undefined;
}

interface IdSource extends RecordSource {
  readonly equality: EqualityKeys | undefined;
  readonly ids: Table;
  recordOf(idKey: Uint8Array, at: Timestamp): Uint8Array | undefined;
}

interface ValueIndex {
  readonly spec: IndexSpec;
  readonly table: Table;
  valuesOf(document: Uint8Array, entry: Uint8Array): readonly RawValue[];
}

interface Range {
  readonly from: Uint8Array;
  /** Undefined: everything that begins with `from`. */
  readonly to: Uint8Array | undefined;
}

/**
 * A record other than its own whose values in the index equal those of `entry`, which `document` has, although the keys
 * differ. Reads all candidates at once.
 */
export function hasCollatedDuplicate(
  index: ValueIndex,
  entry: Uint8Array,
  document: Uint8Array,
  collection: RecordSource,
): boolean {
  const { equality, fields } = index.spec;
  if (equality === undefined) return false;
  const values = index.valuesOf(document, entry);
  const own = entry.subarray(entry.length - RECORD_ID_BYTES);
  const descending = fields.map((field) => field.descending);
  for (const range of candidateRanges(values, equality, descending)) {
    for (const other of keysIn(index.table, range)) {
      const recordId = other.slice(other.length - RECORD_ID_BYTES);
      if (compareBytes(recordId, own) === 0) continue;
      const found = collection.documentAt(recordId, TIMESTAMP_MAX);
      if (found === undefined) continue;
      const others = index.valuesOf(found, other);
      if (values.every((value, i) => equality.order.compare(value, others[i]) === 0)) return true;
    }
  }
  return false;
}

/** Whether a document has an `_id` that equals `id` although its key differs. */
export function hasCollatedId(collection: IdSource, id: ValueSpan): boolean {
  const { equality } = collection;
  if (equality === undefined || !isCollatable(id)) return false;
  for (const range of candidateRanges([id], equality, [false])) {
    for (const key of keysIn(collection.ids, range)) {
      const recordId = collection.recordOf(key, TIMESTAMP_MAX);
      const found = recordId === undefined ? undefined : collection.documentAt(recordId, TIMESTAMP_MAX);
      if (found !== undefined && equality.order.compare(id, idOf(found)) === 0) return true;
    }
  }
  return false;
}

/** Whether any `_id` is irregular: then a regular one may be equal to a document's without having its key. */
export function hasIrregularIds(collection: Pick<IdSource, 'ids'>, at: Timestamp): boolean {
  const { from, to } = irregularRange(new Uint8Array(0), false);
  const cursor = collection.ids.cursor({ from, at });
  return cursor.next() && to !== undefined && compareBytes(cursor.key, to) < 0;
}

/**
 * Keys that may belong to values equal to these: where a value is regular, those that have irregular ones in its place;
 * where one is irregular, all that have the values before it.
 */
function candidateRanges(
  values: readonly ValueSpan[],
  equality: EqualityKeys,
  descending: readonly boolean[],
): Range[] {
  const ranges: Range[] = [];
  const writer = new KeyWriter();
  let prefix: Uint8Array = new Uint8Array(0);
  for (const [i, value] of values.entries()) {
    if (isCollatable(value)) {
      if (equality.regular(value) === undefined) {
        ranges.push({ from: prefix, to: undefined });
        return ranges;
      }
      ranges.push(irregularRange(prefix, descending[i]));
    }
    prefix = writer.reset().appendBytes(prefix).append(equality.of(value), descending[i]).finish();
  }
  return ranges;
}

function irregularRange(prefix: Uint8Array, descending: boolean): Range {
  const writer = new KeyWriter();
  const low = writer.reset().appendBytes(prefix).append(IRREGULAR_FROM, descending).finish();
  const high = writer.reset().appendBytes(prefix).append(IRREGULAR_TO, descending).finish();
  return descending ? { from: high, to: low } : { from: low, to: high };
}

function* keysIn(table: Table, { from, to }: Range): Iterable<Uint8Array> {
  const cursor = table.cursor({ from });
  while (cursor.next()) {
    const { key } = cursor;
    const isInside = to === undefined ? beginsWith(key, from) : compareBytes(key, to) < 0;
    if (!isInside) return;
    yield key;
  }
}

function beginsWith(key: Uint8Array, prefix: Uint8Array): boolean {
  return key.length >= prefix.length && compareBytes(key.subarray(0, prefix.length), prefix) === 0;
}
