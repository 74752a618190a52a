/** serverStatus: counters of this process. Sections that do not exist here are left out rather than made up. */
import { ElementReader } from '../../bson/elements.ts';
import { encodeDocument } from '../../bson/codec.ts';
import { isTruthy } from '../../bson/value.ts';
import type { BsonWriter } from '../../bson/writer.ts';
import { bsonTimestamp } from '../../replication/message_documents.ts';
import type { Command, CommandContext } from '../context.ts';
import { isGenericArgument } from '../request.ts';
import type { LatencyHistogram } from '../server/latency_histogram.ts';
import { globalLock, indexBuilds, metrics, sessionCache } from '../server/server_metrics.ts';
import type { OpCounters } from '../server/server_state.ts';
import { VERSION } from '../server/version.ts';

const BYTES_PER_MB = 1024 * 1024;

type Section = (context: CommandContext) => Readonly<Record<string, unknown>> | undefined;

/** In the order of the reply. */
const SECTIONS: readonly (readonly [name: string, section: Section])[] = [
  [
    'asserts',
    ({ server: { asserts } }) => ({
      regular: asserts.regular,
      warning: 0,
      msg: asserts.msg,
      user: asserts.user,
      tripwire: 0,
      rollovers: 0,
    }),
  ],
  ['connections', connections],
  ['extra_info', extraInfo],
  ['globalLock', globalLock],
  ['indexBuilds', indexBuilds],
  ['logicalSessionRecordCache', sessionCache],
  ['network', network],
  ['opLatencies', opLatencies],
  ['opcounters', ({ server }) => countersOf(server.opcounters)],
  ['opcountersRepl', ({ server }) => countersOf(server.opcountersRepl)],
  ['oplog', oplog],
  ['repl', repl],
  ['storageEngine', storageEngine],
  ['mem', memory],
  ['metrics', metrics],
];

/** Shown only when asked for by name. */
const OPT_IN = new Set(['oplog']);

export const serverStatusCommand: Command = {
  name: 'serverStatus',
  secondary: 'always',
  maintenanceOk: true,
  help: 'counters and state of the server',
  run: (request, context, reply) => {
    const wanted = wantedSections(request.body);
    writeHead(reply, context);
    const isWanted = (name: string): boolean => wanted.get(name) ?? !OPT_IN.has(name);
    for (const [name, section] of SECTIONS) {
      if (isWanted(name)) maybeWrite(reply, name, section(context));
    }
    for (const [name, section] of context.server.statusSections) {
      if (isWanted(name)) maybeWrite(reply, name, section());
    }
  },
};

/** Names with whether they were asked for or refused. */
function wantedSections(body: Uint8Array): Map<string, boolean> {
  const wanted = new Map<string, boolean>();
  const reader = new ElementReader(body);
  reader.next();
  while (reader.next()) {
    if (!isGenericArgument(reader)) wanted.set(reader.name(), isTruthy(reader));
  }
  return wanted;
}

function maybeWrite(reply: BsonWriter, name: string, section: Readonly<Record<string, unknown>> | undefined): void {
  if (section !== undefined) reply.document(name, encodeDocument(section));
}

function writeHead(reply: BsonWriter, { server, env }: CommandContext): void {
  const uptimeMs = Math.max(0, Math.floor(env.clock.monotonic() - server.startedAt));
  reply.string('host', server.machine.hostName).string('version', VERSION).string('process', 'mongod');
  reply.int64('pid', server.machine.processId).double('uptime', Math.floor(uptimeMs / 1000));
  reply.int64('uptimeMillis', uptimeMs).int64('uptimeEstimate', Math.floor(uptimeMs / 1000));
  reply.date('localTime', env.clock.wall());
}

function connections({
  server: { connections: counters, parameters },
  operations,
}: CommandContext): Record<string, unknown> {
  return {
    current: counters.current,
    available: parameters.get('maxIncomingConnections') - counters.current,
    totalCreated: counters.totalCreated,
    rejected: counters.rejected,
    active: operations.count,
    threaded: counters.current,
    exhaustIsMaster: 0,
    exhaustHello: counters.exhaustHello,
    awaitingTopologyChanges: counters.awaitingTopologyChanges,
  };
}

function extraInfo({ server: { machine } }: CommandContext): Record<string, unknown> {
  const { userMicros, systemMicros } = machine.cpu();
  return { note: 'fields vary by platform', user_time_us: BigInt(userMicros), system_time_us: BigInt(systemMicros) };
}

function network({ server: { network: counters } }: CommandContext): Record<string, unknown> {
  return {
    bytesIn: BigInt(counters.bytesIn),
    bytesOut: BigInt(counters.bytesOut),
    physicalBytesIn: BigInt(counters.bytesIn),
    physicalBytesOut: BigInt(counters.bytesOut),
    numRequests: BigInt(counters.requests),
  };
}

function opLatencies({ server: { latencies } }: CommandContext): Record<string, unknown> {
  return {
    reads: latencyOf(latencies.reads),
    writes: latencyOf(latencies.writes),
    commands: latencyOf(latencies.commands),
    transactions: { latency: 0n, ops: 0n },
  };
}

function latencyOf(counter: LatencyHistogram): Record<string, unknown> {
  return { latency: BigInt(counter.micros), ops: BigInt(counter.operations) };
}

function countersOf({ insert, query, update, delete: deleted, getmore, command }: OpCounters): Record<string, unknown> {
  return {
    insert: BigInt(insert),
    query: BigInt(query),
    update: BigInt(update),
    delete: BigInt(deleted),
    getmore: BigInt(getmore),
    command: BigInt(command),
  };
}

function oplog({ data, replication }: CommandContext): Record<string, unknown> | undefined {
  if (!replication.isReplicaSet) return undefined;
  const earliest = data.oplog.oldest ?? data.oplog.lastWritten;
  return {
    latestOptime: bsonTimestamp(data.oplog.lastWritten.ts),
    earliestOptime: bsonTimestamp(earliest.ts),
  };
}

function repl({ replication }: CommandContext): Record<string, unknown> | undefined {
  if (!replication.isReplicaSet) return undefined;
  const rollbackId = replication.core.oplogQueryData()?.rollbackId;
  return {
    ...replication.core.hello({ isLegacyName: false }),
    primaryOnlyServices: {},
    ...(rollbackId === undefined ? {} : { rbid: rollbackId }),
  };
}

function storageEngine({ server }: CommandContext): Record<string, unknown> {
  return {
    name: server.storageEngine,
    supportsCommittedReads: true,
    supportsPendingDrops: true,
    supportsSnapshotReadConcern: true,
    readOnly: false,
    persistent: true,
    backupCursorOpen: false,
  };
}

function memory({ server: { machine } }: CommandContext): Record<string, unknown> {
  const { residentBytes } = machine.memory();
  const residentMb = Math.round(residentBytes / BYTES_PER_MB);
  return { bits: 64, resident: residentMb, virtual: residentMb, supported: true };
}
