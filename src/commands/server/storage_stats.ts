/** What a collection takes, as `collStats`, `dbStats` and the stage `$collStats` tell it. */
import { rawInt32, rawInt64, type RawValue } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import type { CappedLimits } from '../../database/catalog/collection_options.ts';
import type { Collection } from '../../database/catalog/collection.ts';
import type { MemberData } from '../../database/member_data.ts';
import { OPLOG_NS } from '../namespace.ts';

export interface StorageStats {
  readonly count: number;
  /** Bytes of the documents. */
  readonly sizeBytes: number;
  /** With their record ids; blocks on disk are about as large. */
  readonly storageBytes: number;
  readonly capped: CappedLimits | undefined;
  readonly indexes: readonly { readonly name: string; readonly sizeBytes: number }[];
  /** Names of indexes that are being built. */
  readonly building: readonly string[];
}

/** Of a collection or the oplog; undefined for what there is none of. */
export function storageStatsOf(ns: string, data: MemberData): StorageStats | undefined {
  const collection = data.catalog.find(ns);
  if (collection !== undefined) return statsOf(collection);
  if (ns !== OPLOG_NS) return undefined;
  const { count, sizeBytes, sizeBytesMax } = data.oplog;
  const capped = { sizeBytes: sizeBytesMax, documents: Infinity };
  return { count, sizeBytes, storageBytes: sizeBytes, capped, indexes: [], building: [] };
}

function statsOf(collection: Collection): StorageStats {
  const { count, documents, ids, indexes, capped, dataSizeBytes, maintained } = collection;
  return {
    count,
    sizeBytes: dataSizeBytes,
    storageBytes: documents.sizeBytes,
    capped,
    indexes: [
      { name: '_id_', sizeBytes: ids.sizeBytesEstimate },
      ...indexes.map(({ spec, table }) => ({ name: spec.name, sizeBytes: table.sizeBytesEstimate })),
    ],
    building: maintained.filter((index) => !indexes.includes(index)).map(({ spec }) => spec.name),
  };
}

/** Bytes of all indexes. */
export function indexBytesOf({ indexes }: StorageStats): number {
  return indexes.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** Writes the fields into the document that is open. Sizes are divided by `scale`. */
export function writeStorageStats(writer: BsonWriter, stats: StorageStats, scale: number): void {
  const { count, sizeBytes, storageBytes, capped, indexes, building } = stats;
  const scaled = (bytes: number): RawValue => rawSize(Math.floor(bytes / scale));
  writer.value('size', scaled(sizeBytes)).value('count', rawSize(count));
  if (count > 0) writer.value('avgObjSize', rawSize(Math.floor(sizeBytes / count)));
  writer.int32('numOrphanDocs', 0).value('storageSize', scaled(storageBytes)).value('freeStorageSize', rawSize(0));
  writer.bool('capped', capped !== undefined);
  if (capped !== undefined) {
    writer.value('max', rawSize(capped.documents === Infinity ? -1 : capped.documents));
    writer.value('maxSize', scaled(capped.sizeBytes));
  }
  writer.int32('nindexes', indexes.length).startArray('indexBuilds');
  for (const [i, name] of building.entries()) writer.string(i, name);
  const indexBytes = indexBytesOf(stats);
  writer
    .end()
    .value('totalIndexSize', scaled(indexBytes))
    .value('totalSize', scaled(storageBytes + indexBytes));
  writer.startSubdocument('indexSizes');
  for (const index of indexes) writer.value(index.name, scaled(index.sizeBytes));
  writer.end().int32('scaleFactor', scale);
}

/** The smaller type that holds it. */
export function rawSize(size: number): RawValue {
  return size < 2 ** 31 ? rawInt32(size) : rawInt64(BigInt(size));
}
