/** The section `metrics` of serverStatus: what commands, queries and writes came to since the process began. */
import type { CommandContext } from '../context.ts';

export function metrics(context: CommandContext): Readonly<Record<string, unknown>> {
  const { data, server } = context;
  const { inserted, updated, deleted } = data.writeLog.documents;
  const { queries } = data.catalog;
  return {
    commands: commandCounts(context),
    cursor: cursors(context),
    document: {
      deleted: BigInt(deleted),
      inserted: BigInt(inserted),
      returned: BigInt(server.documentsReturned),
      updated: BigInt(updated),
    },
    operation: { scanAndOrder: BigInt(queries.sorts), writeConflicts: 0n },
    queryExecutor: {
      scanned: BigInt(queries.keysExamined),
      scannedObjects: BigInt(queries.documentsExamined),
      collectionScans: {
        nonTailable: BigInt(queries.collectionScans - queries.tailableScans),
        total: BigInt(queries.collectionScans),
      },
    },
    ttl: { deletedDocuments: BigInt(data.ttl.deletedDocuments), passes: BigInt(data.ttl.passes) },
  };
}

function commandCounts({ server }: CommandContext): Record<string, unknown> {
  const names = [...server.commandCounts.keys()].toSorted();
  const counts = names.map((name) => {
    const { failed = 0, total = 0 } = server.commandCounts.get(name) ?? {};
    return [name, { failed: BigInt(failed), total: BigInt(total) }] as const;
  });
  return Object.fromEntries(counts);
}

function cursors({ data: { cursors: open } }: CommandContext): Record<string, unknown> {
  const all = [...open.all()];
  return {
    timedOut: BigInt(open.timedOut),
    totalOpened: BigInt(open.totalOpened),
    open: {
      noTimeout: BigInt(all.filter(({ options }) => !options.hasTimeout).length),
      pinned: BigInt(all.filter(({ isInUse }) => isInUse).length),
      total: BigInt(all.length),
    },
  };
}

/** Operations under way, which never wait for locks. */
export function globalLock(context: CommandContext): Readonly<Record<string, unknown>> {
  const { server, env, operations } = context;
  const writers = [...operations.all()].filter(({ command }) => command.isWrite === true).length;
  const active = operations.count;
  return {
    totalTime: BigInt(Math.max(0, Math.round((env.clock.monotonic() - server.startedAt) * 1000))),
    currentQueue: { total: 0, readers: 0, writers: 0 },
    activeClients: { total: active, readers: active - writers, writers },
  };
}

/** Sessions that are kept in memory. */
export function sessionCache({ data }: CommandContext): Readonly<Record<string, unknown>> {
  return { activeSessionsCount: data.sessions.count };
}

export function indexBuilds({ data }: CommandContext): Readonly<Record<string, unknown>> {
  const building = [...data.catalog.collections()].map(({ maintained, indexes }) => maintained.length - indexes.length);
  return { inProgress: building.reduce((sum, count) => sum + count, 0) };
}
