/** What the operating system says of itself and of this process. */
import { arch, cpus, hostname, release, totalmem, type as osType } from 'node:os';

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

/** Read once; `memory` and `cpu` are read at each call. */
export function hostMachine(): HostMachine {
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

export interface HostMachine {
  readonly hostName: string;
  readonly processId: number;
  readonly cpuCount: number;
  readonly memoryTotalBytes: number;
  readonly architecture: string;
  readonly osType: string;
  readonly osVersion: string;
  /** Bytes of the process, now. */
  memory(): { readonly residentBytes: number; readonly heapBytes: number };
  /** CPU time used so far. */
  cpu(): { readonly userMicros: number; readonly systemMicros: number };
}
