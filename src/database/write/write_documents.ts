/**
 * Changing one document: a synchronous function each, from the checks to the commit. All checks come first; then the
 * entry is logged under a new timestamp, and the tables are changed at that timestamp. Nothing can come in between.
 */
import type { CommandError } from '../../base/command_error.ts';
import { invariant } from '../../base/invariant.ts';
import type { Log } from '../../base/log.ts';
import { TIMESTAMP_MAX, type Timestamp } from '../../base/optime.ts';
import { checkFits, surplusOf } from '../catalog/capped.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { CappedLimits } from '../catalog/collection_options.ts';
import type { Collection } from '../catalog/collection.ts';
import { hasCollatedId } from '../index/collated_duplicates.ts';
import { duplicateKeyError } from '../index/duplicate_key.ts';
import type { IndexChange } from '../index/index.ts';
import { idIndexSpec, storedIndexSpec } from '../index/index_spec.ts';
import { documentKeyOf, idOf } from '../insertable.ts';
import type { Statement, WriteLog } from './write_log.ts';

/** What writing needs: where entries go and where multikey indexes are noted. */
export interface WriteTarget {
  readonly log: Log;
  readonly catalog: Catalog;
  readonly writeLog: WriteLog;
}

/** A record as a scan found it. */
export interface FoundRecord {
  readonly recordId: Uint8Array;
  readonly document: Uint8Array;
}

/** What a changed document is, and what its entry says. */
export interface DocumentChange {
  readonly document: Uint8Array;
  /** The whole `{$v: 2, diff}`; undefined when the entry carries the document. */
  readonly diff: Uint8Array | undefined;
}

/** How a document is written. */
export interface WriteHow {
  readonly statement?: Statement | undefined;
  /** The collection's validator is not asked. */
  readonly bypassesValidation?: boolean | undefined;
}

const NO_CHANGES: readonly IndexChange[] = [];
const PLAINLY: WriteHow = {};

/** Inserts a document that `insertableDocument` has passed. Throws DuplicateKey and DocumentValidationFailure. */
export function insertDocument(
  target: WriteTarget,
  collection: Collection,
  document: Uint8Array,
  how: WriteHow = PLAINLY,
): Timestamp {
  const { validator, capped } = collection;
  if (validator !== undefined && how.bypassesValidation !== true) {
    validator.check(document, { ns: collection.ns, log: target.log });
  }
  if (capped !== undefined) checkFits(capped, document);
  const id = idOf(document);
  const idKey = collection.idKey(id);
  if (collection.ids.has(idKey) || hasCollatedId(collection, id)) throw duplicateId(collection, document);
  const recordId = collection.takeRecordId();
  const changes = insertionChanges(collection, document, recordId);
  const at = target.writeLog.insert(collection, document, how.statement);
  if (collection.isReplicated) collection.documents.add(recordId, target.writeLog.inserted, at);
  else collection.documents.put(recordId, document, at);
  collection.ids.add(idKey, recordId, at);
  applyChanges(target, collection, changes, at);
  target.writeLog.applied();
  if (capped !== undefined) evictOldest(target, collection, capped);
  return at;
}

/** Puts the changed document in place of the one found. Throws what forbids it before anything is logged. */
export function updateDocument(
  target: WriteTarget,
  collection: Collection,
  found: FoundRecord,
  change: DocumentChange & WriteHow,
): Timestamp {
  const { document } = change;
  const { validator } = collection;
  if (validator !== undefined && change.bypassesValidation !== true) {
    validator.check(document, { ns: collection.ns, log: target.log, before: found.document });
  }
  const changes = replacementChanges(collection, found, document);
  const at = target.writeLog.update(collection, found.document, change);
  collection.documents.put(found.recordId, document, at);
  applyChanges(target, collection, changes, at);
  target.writeLog.applied();
  return at;
}

export function deleteDocument(
  target: WriteTarget,
  collection: Collection,
  found: FoundRecord,
  statement?: Statement,
): Timestamp {
  const changes = collection.maintained.map((index) => index.removal(found.document, found.recordId));
  const at = target.writeLog.delete(collection, documentKeyOf(found.document), statement);
  removeRecord(collection, found, changes, at);
  target.writeLog.applied();
  return at;
}

/** Removes documents from the old end of a capped collection until its limits hold again. */
function evictOldest(target: WriteTarget, collection: Collection, limits: CappedLimits): void {
  let oldest = surplusOf(collection, limits);
  while (oldest !== undefined) {
    deleteDocument(target, collection, oldest);
    oldest = surplusOf(collection, limits);
  }
}

/** Takes a record out of all tables. */
export function removeRecord(
  collection: Collection,
  found: FoundRecord,
  changes: readonly IndexChange[],
  at: Timestamp,
): void {
  invariant(collection.documents.has(found.recordId), 'what is removed is there');
  collection.documents.remove(found.recordId, at);
  collection.ids.remove(collection.idKey(idOf(found.document)), at);
  for (const [i, change] of changes.entries()) collection.maintained[i].apply(change, at);
}

function insertionChanges(collection: Collection, document: Uint8Array, recordId: Uint8Array): readonly IndexChange[] {
  const indexes = collection.maintained;
  if (indexes.length === 0) return NO_CHANGES;
  return indexes.map((index) => {
    const change = index.insertion(document, recordId);
    if (index.enforcesUnique) index.checkUnique(change, document, collection);
    return change;
  });
}

function replacementChanges(collection: Collection, found: FoundRecord, document: Uint8Array): readonly IndexChange[] {
  const indexes = collection.maintained;
  if (indexes.length === 0) return NO_CHANGES;
  return indexes.map((index) => {
    const change = index.replacement(found.document, document, found.recordId);
    if (index.enforcesUnique) index.checkUnique(change, document, collection);
    return change;
  });
}

/** Carries out what was worked out before; notes in the catalog when an index became multikey. */
export function applyChanges(
  target: Pick<WriteTarget, 'catalog'>,
  collection: Collection,
  changes: readonly IndexChange[],
  at: Timestamp,
): void {
  let becameMultikey = false;
  for (let i = 0; i < changes.length; i++) {
    const index = collection.maintained[i];
    index.apply(changes[i], at);
    if (changes[i].arrays !== undefined && collection.indexes.includes(index)) becameMultikey = true;
  }
  if (becameMultikey) target.catalog.saveMultikey(collection, at);
}

function duplicateId(collection: Collection, document: Uint8Array): CommandError {
  return duplicateKeyError(collection.ns, storedIndexSpec(idIndexSpec(collection.collation)), [idOf(document)]);
}

/** The record of an `_id` in the newest state. */
export function findById(collection: Collection, idKey: Uint8Array): FoundRecord | undefined {
  const recordId = collection.recordOf(idKey, TIMESTAMP_MAX);
  if (recordId === undefined) return undefined;
  const document = collection.documentAt(recordId, TIMESTAMP_MAX);
  invariant(document !== undefined, 'an _id leads to a document');
  return { recordId, document };
}
