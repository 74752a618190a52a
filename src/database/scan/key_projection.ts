/** What find shows besides documents: the keys under which an index lists them, and their record ids. */
import { invariant } from '../../base/invariant.ts';
import type { Timestamp } from '../../base/optime.ts';
import { compareBytes, fieldName } from '../../bson/bytes.ts';
import { documentSize } from '../../bson/elements.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { Projection } from '../../query/projection.ts';
import type { Collection } from '../catalog/collection.ts';
import { idOf } from '../insertable.ts';
import type { Access, IndexAccess } from '../planner/access.ts';
import { PATH_FIELD } from '../planner/candidate.ts';
import { KeyTester } from '../planner/key_tester.ts';
import { recordIdOf } from '../record_id.ts';

const RECORD_ID = fieldName('$recordId');

/** Shows the record id of every document, behind what `projection` keeps. */
export function withRecordId(collection: Collection, at: Timestamp, projection: Projection | undefined): Projection {
  return projectionFrom((bytes, start, writer) => {
    const document = bytes.subarray(start, start + documentSize(bytes, start));
    if (projection === undefined) writer.fieldsOf(document);
    else projection.write(bytes, start, writer);
    const recordId = recordOf(collection, document, at);
    if (recordId !== undefined) writer.int64(RECORD_ID, recordIdOf(recordId));
  });
}

/** Shows the key by which the plan found each document, by the names of the index's fields; nothing without an index. */
export function keyProjection(collection: Collection, at: Timestamp, access: Access): Projection {
  return projectionFrom((bytes, start, writer) => {
    const document = bytes.subarray(start, start + documentSize(bytes, start));
    for (const one of indexAccessesOf(access)) if (writeKey(collection, { document, at, access: one }, writer)) return;
  });
}

function indexAccessesOf(access: Access): readonly IndexAccess[] {
  if (access.kind === 'index') return [access];
  return access.kind === 'union' ? access.branches.map((branch) => branch.access) : [];
}

interface Found {
  readonly document: Uint8Array;
  readonly at: Timestamp;
  readonly access: IndexAccess;
}

/** False when the document has no key within the bounds. */
function writeKey(collection: Collection, { document, at, access }: Found, writer: BsonWriter): boolean {
  const { index } = access;
  if (index === undefined) {
    writer.value('_id', idOf(document));
    return true;
  }
  const recordId = recordOf(collection, document, at);
  if (recordId === undefined) return false;
  const { keys } = index.entriesOf(document, recordId);
  const inOrder = access.reverse ? keys.toReversed() : keys;
  const entry = inOrder.find((key) => isWithin(key, access));
  if (entry === undefined) return false;
  const names = access.bounds.candidate.fields.map((field) => field.path).filter((path) => path !== PATH_FIELD);
  const values = index.valuesOf(document, entry);
  for (const [i, name] of names.entries()) writer.value(name, values[i]);
  return true;
}

function isWithin(key: Uint8Array, access: IndexAccess): boolean {
  const isInRange = access.ranges.some(({ from, to }) => {
    return (from === undefined || compareBytes(from, key) <= 0) && (to === undefined || compareBytes(key, to) < 0);
  });
  return isInRange && KeyTester.of(access)?.passes(key, key.length) !== false;
}

function recordOf(collection: Collection, document: Uint8Array, at: Timestamp): Uint8Array | undefined {
  return collection.recordOf(collection.idKey(idOf(document)), at);
}

function projectionFrom(write: Projection['write']): Projection {
  const writer = new BsonWriter();
  return {
    apply(bytes, at) {
      invariant(bytes.length > 0, 'there is a document');
      write(bytes, at, writer.reset().startDocument());
      return writer.endDocument().finish();
    },
    write,
  };
}
