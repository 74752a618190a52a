import type { Command } from '../context.ts';

const BYTES_PER_MB = 1024 * 1024;

/** The machine. */
export const hostInfoCommand: Command = {
  name: 'hostInfo',
  secondary: 'always',
  maintenanceOk: true,
  help: 'information about the machine the server runs on',
  run: (_request, { server: { machine }, env }, reply) => {
    reply.startSubdocument('system').date('currentTime', env.clock.wall()).string('hostname', machine.hostName);
    reply.int32('cpuAddrSize', 64).int64('memSizeMB', Math.floor(machine.memoryTotalBytes / BYTES_PER_MB));
    reply.int64('memLimitMB', Math.floor(machine.memoryTotalBytes / BYTES_PER_MB)).int32('numCores', machine.cpuCount);
    reply
      .int32('numPhysicalCores', machine.cpuCount)
      .string('cpuArch', machine.architecture)
      .bool('numaEnabled', false)
      .end();
    reply.startSubdocument('os').string('type', machine.osType).string('name', machine.osType);
    reply.string('version', machine.osVersion).end().startSubdocument('extra').end();
  },
};
