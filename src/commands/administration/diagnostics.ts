/** Commands of tools that look at a server from outside. What this server does not have they show empty. */
import { rawInt32 } from '../../bson/value.ts';
import { Arguments } from '../arguments.ts';
import type { Command } from '../context.ts';

const COUNTS = ['totalInUse', 'totalAvailable', 'totalLeased', 'totalCreated', 'totalRefreshing'];

/** Members keep one connection to each other, outside of any pool. */
export const connPoolStatsCommand: Command = {
  name: 'connPoolStats',
  secondary: 'always',
  maintenanceOk: true,
  help: 'the pools of connections to other servers: there are none',
  run(request, _context, reply) {
    const args = Arguments.ofCommand('connPoolStats', request.body);
    while (args.next()) args.refuseUnknown();
    reply.int32('numClientConnections', 0).int32('numAScopedConnections', 0);
    for (const name of COUNTS) reply.value(name, rawInt32(0));
    for (const name of ['pools', 'hosts', 'replicaSets']) reply.startSubdocument(name).end();
  },
};

/** What is checked and written is one step, so that nothing is ever locked. */
export const lockInfoCommand: Command = {
  name: 'lockInfo',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'the locks that are held or waited for: there are none',
  run(request, _context, reply) {
    const args = Arguments.ofCommand('lockInfo', request.body);
    while (args.next()) {
      if (args.name === 'includeStorageEngineDump') args.flag();
      else args.refuseUnknown();
    }
    reply.startArray('lockInfo').end();
  },
};

export const getDiagnosticDataCommand: Command = {
  name: 'getDiagnosticData',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'the newest sample of the diagnostic data, which is not collected',
  run(_request, _context, reply) {
    reply.startSubdocument('data').end();
  },
};

export const featuresCommand: Command = {
  name: 'features',
  secondary: 'always',
  maintenanceOk: true,
  help: 'what this build can do',
  run(_request, { server }, reply) {
    const [a = 0, b = 0, c = 0] = server.processId.subarray(4);
    reply.int32('oidMachine', (a << 16) | (b << 8) | c);
  },
};

export const shardingStateCommand: Command = {
  name: 'shardingState',
  adminOnly: true,
  secondary: 'always',
  help: 'whether this server belongs to a sharded cluster: it never does',
  run(_request, _context, reply) {
    reply.bool('enabled', false);
  },
};

/** The log goes to the standard output; MongoDB too has nothing to rotate then. */
export const logRotateCommand: Command = {
  name: 'logRotate',
  adminOnly: true,
  secondary: 'always',
  maintenanceOk: true,
  help: 'nothing: the log goes to the standard output',
  run(request) {
    const args = Arguments.ofCommand('logRotate', request.body);
    while (args.next()) args.refuseUnknown();
  },
};
