/** Creating, renaming and dropping on a primary: each logs its command and changes the catalog at that timestamp. */
import type { Random } from '../../base/env.ts';
import type { Timestamp } from '../../base/optime.ts';
import { BsonWriter } from '../../bson/writer.ts';
import type { Collection } from '../catalog/collection.ts';
import { databaseOf } from '../catalog/collection.ts';
import type { Index } from '../index/index.ts';
import type { IndexSpec } from '../index_kinds/index_kind.ts';
import { readCollectionOptions } from '../catalog/collection_options.ts';
import { idIndexSpec } from '../index/index_spec.ts';
import { isTemporary, permanentOptions } from '../catalog/temporary.ts';
import { newUuid } from '../uuid.ts';
import { refuseView } from '../catalog/views.ts';
import type { WriteTarget } from './write_documents.ts';

export interface CatalogTarget extends WriteTarget {
  readonly env: { readonly random: Random };
}

/** Of a collection that was created without any. */
export const NO_OPTIONS: Uint8Array = Uint8Array.of(5, 0, 0, 0, 0);

/** The collection must not exist. `options` is the document that listCollections shows. Throws when a view has its name. */
export function createCollection(target: CatalogTarget, ns: string, options: Uint8Array = NO_OPTIONS): Collection {
  refuseView(target.catalog, ns);
  const db = databaseOf(ns);
  const uuid = newUuid(target.env.random);
  const o = new BsonWriter().startDocument().string('create', ns.slice(db.length + 1));
  o.fieldsOf(options).document('idIndex', idIndexSpec(readCollectionOptions(options).collation));
  const at = target.writeLog.command(db, uuid, o.endDocument().finish());
  const collection = target.catalog.create({ ns, uuid, options }, at);
  target.writeLog.applied();
  return collection;
}

export function dropCollection(target: WriteTarget, collection: Collection): void {
  const o = new BsonWriter().startDocument().string('drop', collection.name).endDocument().finish();
  const o2 = new BsonWriter().startDocument().int32('numRecords', collection.count).endDocument().finish();
  const at = target.writeLog.command(collection.db, collection.uuid, o, o2);
  target.catalog.drop(collection, at);
  target.writeLog.applied();
}

/** On a new primary: nobody fills temporary collections that were begun before. */
export function dropTemporaryCollections(target: WriteTarget): void {
  for (const collection of [...target.catalog.collections()]) {
    if (collection.isReplicated && isTemporary(collection)) dropCollection(target, collection);
  }
}

/** Logged after every collection of the database was dropped. */
export function logDropDatabase(target: WriteTarget, db: string): void {
  const o = new BsonWriter().startDocument().int32('dropDatabase', 1).endDocument().finish();
  target.writeLog.command(db, undefined, o);
  target.writeLog.applied();
}

/** Within one database. `dropTarget` is the collection of that name, which goes with the same entry. */
export function renameCollection(
  target: WriteTarget,
  collection: Collection,
  to: string,
  dropTarget: Collection | undefined,
): Collection {
  const writer = new BsonWriter().startDocument();
  writer.string('renameCollection', collection.ns).string('to', to).bool('stayTemp', false);
  if (dropTarget !== undefined) writer.binData('dropTarget', 4, dropTarget.uuid);
  const o = writer.endDocument().finish();
  const o2 =
    dropTarget === undefined
      ? undefined
      : new BsonWriter().startDocument().int32('numRecords', dropTarget.count).endDocument().finish();
  const at = target.writeLog.command(collection.db, collection.uuid, o, o2);
  if (dropTarget !== undefined) target.catalog.drop(dropTarget, at);
  const renamed = target.catalog.rename(collection, to, at, permanentOptions(collection.options));
  target.writeLog.applied();
  return renamed;
}

/** On a collection without documents: there is nothing to build. */
export function createEmptyIndex(target: WriteTarget, collection: Collection, spec: IndexSpec): Index {
  const writer = new BsonWriter().startDocument().string('createIndexes', collection.name).fieldsOf(spec.document);
  const at = target.writeLog.command(collection.db, collection.uuid, writer.endDocument().finish());
  const index = target.catalog.newIndex(collection, spec, at);
  target.catalog.addIndex(collection, index, at);
  target.writeLog.applied();
  return index;
}

/** The caller does what the entry says, and then tells the write log. What a build's entries name: `startIndexBuild`, `commitIndexBuild` and `abortIndexBuild` are all of one form. */
export function logIndexBuild(
  target: WriteTarget,
  collection: Collection,
  command: 'startIndexBuild' | 'commitIndexBuild' | 'abortIndexBuild',
  build: {
    readonly uuid: Uint8Array;
    readonly specs: readonly IndexSpec[];
    readonly cause?: { readonly code: number; readonly codeName: string; readonly message: string };
  },
): Timestamp {
  const writer = new BsonWriter().startDocument().string(command, collection.name);
  writer.binData('indexBuildUUID', 4, build.uuid).startArray('indexes');
  for (const [i, spec] of build.specs.entries()) writer.document(i, spec.document);
  writer.end();
  if (build.cause !== undefined) {
    writer.startSubdocument('cause').bool('ok', false).int32('code', build.cause.code);
    writer.string('codeName', build.cause.codeName).string('errmsg', build.cause.message).end();
  }
  return target.writeLog.command(collection.db, collection.uuid, writer.endDocument().finish());
}

export function dropIndex(target: WriteTarget, collection: Collection, index: Index): void {
  const o = new BsonWriter().startDocument().string('dropIndexes', collection.name).string('index', index.spec.name);
  const at = target.writeLog.command(collection.db, collection.uuid, o.endDocument().finish(), index.spec.document);
  target.catalog.removeIndex(collection, index, at);
  target.writeLog.applied();
}
