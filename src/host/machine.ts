/** What the operating system says of itself and of this process. */
import { arch, cpus, hostname, release, totalmem, type as osType } from 'node:os';
import type { Machine } from '../base/machine.ts';

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** Read once; `memory` and `cpu` are read at each call. */
export function hostMachine(): Machine {
  return {
    hostName: hostname(),
    processId: process.pid,
    cpuCount: cpus().length,
    memoryTotalBytes: totalmem(),
    architecture: ARCHITECTURES[arch()] ?? arch(),
    osType: osType(),
    osVersion: release(),
    memory: () => {
      const { rss, heapUsed } = process.memoryUsage();
      return { residentBytes: rss, heapBytes: heapUsed };
    },
    cpu: () => {
      const { user, system } = process.cpuUsage();
      return { userMicros: user, systemMicros: system };
    },
  };
}
