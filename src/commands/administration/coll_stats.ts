import type { BsonWriter } from '../../bson/writer.ts';
import { refuseView } from '../../database/catalog/views.ts';
import { Arguments } from '../arguments.ts';
import type { Command } from '../context.ts';
import { inRange } from '../catalog/create_options.ts';
import { readNamespace } from '../namespace.ts';
import { storageStatsOf, writeStorageStats } from '../server/storage_stats.ts';

/** Largest divisor of sizes: a tebibyte. */
const SCALE_MAX = 2 ** 40;

export const collStatsCommand: Command = {
  name: 'collStats',
  aliases: ['collstats'],
  secondary: 'optIn',
  help: 'how many documents a collection has and what they and its indexes take',
  run(request, { data }, reply) {
    const ns = readNamespace(request, data);
    let scale = 1;
    const args = Arguments.ofCommand('collStats', request.body);
    while (args.next()) {
      if (args.name === 'scale') scale = inRange('scale', args.integer(), SCALE_MAX);
      else args.refuseUnknown();
    }
    const stats = storageStatsOf(ns, data);
    if (stats === undefined) refuseView(data.catalog, ns);
    reply.string('ns', ns);
    if (stats === undefined) writeNothing(reply, scale);
    else writeStorageStats(reply, stats, scale);
  },
};

/** Of a collection that does not exist. */
function writeNothing(reply: BsonWriter, scale: number): void {
  for (const name of ['size', 'count', 'numOrphanDocs', 'storageSize', 'totalSize', 'nindexes', 'totalIndexSize']) {
    reply.int32(name, 0);
  }
  reply.startSubdocument('indexDetails').end().startSubdocument('indexSizes').end().int32('scaleFactor', scale);
}
