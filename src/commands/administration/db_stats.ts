import { viewsOf } from '../../database/catalog/views.ts';
import { Arguments } from '../arguments.ts';
import type { Command } from '../context.ts';
import { inRange } from '../catalog/create_options.ts';
import { indexBytesOf, storageStatsOf } from '../server/storage_stats.ts';

/** Largest divisor of sizes: a pebibyte. */
const DATABASE_SCALE_MAX = 2 ** 50;

/** Blocks are written as a whole: no room is left free in them. */
const FREE_SIZES = ['freeStorageSize', 'indexFreeStorageSize', 'totalFreeStorageSize'];

export const dbStatsCommand: Command = {
  name: 'dbStats',
  aliases: ['dbstats'],
  secondary: 'optIn',
  help: 'how many collections, documents and indexes a database has and what they take',
  run(request, { data }, reply) {
    const { db } = request;
    let scale = 1;
    let showsFree = false;
    const args = Arguments.ofCommand('dbStats', request.body);
    while (args.next()) {
      if (args.name === 'scale') scale = inRange('scale', args.integer(), DATABASE_SCALE_MAX);
      else if (args.name === 'freeStorage') showsFree = args.integer() !== 0;
      else args.refuseUnknown();
    }
    const collections = data.catalog.collectionsOf(db);
    const sums = { objects: 0, data: 0, storage: 0, indexes: 0, index: 0 };
    for (const { ns } of collections) {
      const stats = storageStatsOf(ns, data);
      if (stats === undefined) continue;
      sums.objects += stats.count;
      sums.data += stats.sizeBytes;
      sums.storage += stats.storageBytes;
      sums.indexes += stats.indexes.length;
      sums.index += indexBytesOf(stats);
    }
    reply.string('db', db).int64('collections', collections.length);
    reply.int64('views', viewsOf(data.catalog, db).length).int64('objects', sums.objects);
    reply.double('avgObjSize', sums.objects === 0 ? 0 : sums.data / sums.objects);
    reply.double('dataSize', sums.data / scale).double('storageSize', sums.storage / scale);
    reply.int64('indexes', sums.indexes).double('indexSize', sums.index / scale);
    reply.double('totalSize', (sums.storage + sums.index) / scale).int64('scaleFactor', scale);
    if (showsFree) for (const name of FREE_SIZES) reply.double(name, 0);
  },
};
