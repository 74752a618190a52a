import { BSON_TYPE } from '../../bson/types.ts';
import { Arguments } from '../arguments.ts';
import type { Command } from '../context.ts';

/** System collections whose content may differ between members, or that are not replicated. */
const NOT_HASHED = new Set(['system.profile', 'system.indexBuilds', 'system.sessions']);

export const dbHashCommand: Command = {
  name: 'dbHash',
  aliases: ['dbhash'],
  secondary: 'optIn',
  help: 'md5 of the collections of a database: equal on members that hold the same documents',
  async run(request, context, reply) {
    const { data, env } = context;
    let chosen: ReadonlySet<string> | undefined;
    const args = Arguments.ofCommand('dbHash', request.body);
    while (args.next()) {
      // What is no list chooses nothing.
      if (args.name === 'collections') {
        if (args.value.type === BSON_TYPE.array) chosen = new Set(args.stringList());
      } else args.refuseUnknown();
    }
    const startedAt = env.clock.monotonic();
    const isHashed = (name: string): boolean =>
      !NOT_HASHED.has(name) && (chosen === undefined || chosen.size === 0 || chosen.has(name));
    const collections = data.catalog.collectionsOf(request.db).filter((one) => one.isReplicated && isHashed(one.name));
    const hash = await data.hashOf(collections, () => context.checkInterrupt());
    reply.string('host', context.connection.localAddress).startSubdocument('collections');
    for (const [ns, md5] of Object.entries(hash.collections)) reply.string(ns.slice(request.db.length + 1), md5);
    reply.end().startArray('capped');
    const capped = collections.filter((one) => one.capped !== undefined).map(({ name }) => name);
    for (const [i, name] of capped.toSorted().entries()) reply.string(i, name);
    reply.end().startSubdocument('uuids');
    for (const one of collections.toSorted((a, b) => (a.ns < b.ns ? -1 : 1))) {
      reply.binData(one.name, 4, one.uuid);
    }
    reply.end().string('md5', hash.all);
    reply.int32('timeMillis', Math.round(env.clock.monotonic() - startedAt));
  },
};
